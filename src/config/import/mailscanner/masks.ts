// Masks with * and ? that match the same names as a simple regular expression. What masks can't say is
// not made into something that matches less or more.

/** Most masks that one expression may become. */
const MASKS_MAX = 50;

// One step of an expression: the texts it may stand for, and whether it may be missing.
const STEP = /\\([.\-_()[\]{}+^$*?\\/ ])|\.\*|\.\+|\.|\(\??:?([\w.|-]+)\)|([^\\.()[\]{}|^$*+?])/y;

/** The masks, or undefined if the expression says what masks can't. */
export function masksOf(source: string): readonly string[] | undefined {
  const text = source.replace(/^\(\?i\)/, "");
  const isStart = text.startsWith("^");
  const isEnd = /(^|[^\\])\$$/.test(text);
  const body = text.slice(isStart ? 1 : 0, isEnd ? -1 : undefined);
  let masks = [isStart ? "" : "*"];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < body.length) {
    const step = STEP.exec(body);
    if (step === null) return undefined;
    const [whole, escaped, group, plain] = step;
    const texts = textsOf(whole, escaped ?? plain, group);
    const isOptional = body[STEP.lastIndex] === "?";
    if (isOptional) STEP.lastIndex++;
    const all = isOptional ? ["", ...texts] : texts;
    masks = masks.flatMap((mask) => all.map((each) => mask + each));
    if (masks.length > MASKS_MAX) return undefined;
  }
  return masks.map((mask) => (isEnd ? mask : `${mask}*`).replace(/\*{2,}/g, "*"));
}

function textsOf(whole: string, literal: string | undefined, group: string | undefined): string[] {
  if (group !== undefined) return group.split("|").map((each) => each.replaceAll(".", "?"));
  // A star or question mark as itself can't be said in a mask: one character is the nearest.
  if (literal !== undefined) return [/[*?]/.test(literal) ? "?" : literal];
  return [whole === ".*" ? "*" : whole === ".+" ? "?*" : "?"];
}
