// What a reader of a message would read: its subject and the text of its parts. A password for an
// attachment stands there.

import { Budget, type Limits } from "../base/budget.ts";
import { asBuffer } from "../base/bytes.ts";
import { explodeMail } from "./explode.ts";
import { summarise } from "./summary.ts";

const TEXTS_MAX = 32;
const TEXT_SIZE_MAX = 262_144;

/** The texts of one message, its subject first. Bounded by `limits`; never throws. */
export function* readableTexts(
  bytes: Uint8Array,
  limits: Limits,
  steady: () => number,
): Generator<string> {
  yield summarise(bytes).subject;
  let count = 0;
  const steps = explodeMail(bytes, new Budget(limits, steady));
  for (let step = steps.next(); step.done !== true; step = steps.next()) {
    const { declaredType, bytes: content, name } = step.value;
    if (name !== "") yield name;
    if (!isText(declaredType) || ++count > TEXTS_MAX) continue;
    yield plainText(content, declaredType);
  }
}

function isText(declaredType: string): boolean {
  return declaredType === "" || declaredType.startsWith("text/");
}

/** Text as it is shown: without mark-up, in whatever charset it seems to have. */
export function plainText(content: Uint8Array, declaredType: string): string {
  const bytes = asBuffer(content).subarray(0, TEXT_SIZE_MAX);
  const utf8 = bytes.toString("utf8");
  const text = utf8.includes("\ufffd") ? bytes.toString("latin1") : utf8;
  const isMarkup = declaredType === "text/html" || /<(?:html|body|p|div|br)\b/i.test(text);
  if (!isMarkup) return text;
  const shown = text
    .replace(/<(?:style|script|head)\b[\s\S]*?<\/(?:style|script|head)>/gi, " ")
    // Parts of words may be set in bold: only what begins a line separates them.
    .replace(/<\/?(?:p|div|br|td|tr|li|h\d|table)\b[^>]*>/gi, "\n")
    .replace(/<[^>]*>/g, "");
  return shown.replace(/&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|(\w{2,6}));?/gi, entityText);
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
};

function entityText(whole: string, decimal?: string, hex?: string, name?: string): string {
  if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
  const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
  return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : whole;
}
