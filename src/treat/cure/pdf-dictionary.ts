// Strikes active entries out of the text of PDF objects: a key that starts something is blanked with
// its value, at the same length. Names may be written with #XX; strings and comments are passed over.

// Keys whose values start something or carry files. ISO 32000-1, 12.6, 7.11.4, 12.7; 13.6, XFA.
const KEYS = new Set([
  "JS",
  "JavaScript",
  "OpenAction",
  "AA",
  "Launch",
  "EmbeddedFiles",
  "EF",
  "RichMediaContent",
  "RichMediaSettings",
  "XFA",
  "Rendition",
  "SubmitForm",
  "ImportData",
]);
// Values of /S: actions of these kinds are struck out as a whole entry.
const ACTIONS = new Set([
  "JavaScript",
  "Launch",
  "SubmitForm",
  "ImportData",
  "Rendition",
  "GoToE",
  "RichMediaExecute",
]);
const DEPTH_MAX = 200;
const TOKENS_MAX = 5_000_000;
const TOKEN =
  /[\0\t\n\f\r ]+|%[^\r\n]*|<<|>>|\[|\]|<[0-9A-Fa-f\0\t\n\f\r ]*>|\/[^\0\t\n\f\r ()<>[\]{}/%]*|\(|[^\0\t\n\f\r ()<>[\]{}/%]+|[\s\S]/y;

interface Token {
  readonly kind: "space" | "name" | "open" | "close" | "value";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The text with active entries blanked; undefined if there are none. */
export function strikeActive(text: string): string | undefined {
  if (!text.includes("/")) return undefined;
  const tokens = tokensOf(text);
  const strikes: Strike[] = [];
  const open: number[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    if (token.kind === "open") open.push(index);
    else if (token.kind === "close") open.pop();
    if (token.kind !== "name") continue;
    const name = plainName(token.text);
    const value = tokens[skip(tokens, index + 1)];
    if (name === "S" && value?.kind === "name" && ACTIONS.has(plainName(value.text))) {
      // The whole action goes: what it would start stands in other entries.
      const from = open.pop() ?? -1;
      const end = from < 0 ? tokens.length : valueEnd(tokens, from) - 1;
      strikes.push({
        start: tokens[from]?.end ?? 0,
        end: tokens[end]?.start ?? text.length,
      });
      index = end;
    } else if (KEYS.has(name)) {
      const end = valueEnd(tokens, index + 1);
      strikes.push({ start: token.start, end: tokens[end]?.start ?? text.length });
      index = end - 1;
    }
  }
  return strikes.length === 0 ? undefined : blanked(text, strikes);
}

interface Strike {
  readonly start: number;
  readonly end: number;
}

// Strikes may lie in each other. Line ends stay, so that comments end where they did.
function blanked(text: string, strikes: readonly Strike[]): string {
  let struck = "";
  let at = 0;
  for (const { start, end } of [...strikes].sort((a, b) => a.start - b.start)) {
    if (end <= at) continue;
    const from = Math.max(at, start);
    struck += text.slice(at, from) + text.slice(from, end).replace(/[^\r\n]/g, " ");
    at = end;
  }
  return struck + text.slice(at);
}

function plainName(text: string): string {
  return text
    .slice(1)
    .replace(/#([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

function skip(tokens: readonly Token[], from: number): number {
  let at = from;
  while (tokens[at]?.kind === "space") at++;
  return at;
}

// Behind the value that begins at `from`: one token, a reference of three, or up to its bracket.
function valueEnd(tokens: readonly Token[], from: number): number {
  let at = skip(tokens, from);
  const first = tokens[at];
  // A key as the last thing, or as the value of another: only the name itself goes.
  if (first === undefined || first.kind === "close") return from;
  if (first.kind === "open") {
    let depth = 0;
    for (; at < tokens.length; at++) {
      if (tokens[at]?.kind === "open") depth++;
      else if (tokens[at]?.kind === "close" && --depth === 0) return at + 1;
      if (depth > DEPTH_MAX) return tokens.length;
    }
    return at;
  }
  if (first.kind === "name" && KEYS.has(plainName(first.text))) return at + 1;
  const generation = skip(tokens, at + 1);
  const mark = skip(tokens, generation + 1);
  const isReference =
    /^\d+$/.test(first.text) &&
    /^\d+$/.test(tokens[generation]?.text ?? "") &&
    tokens[mark]?.text === "R";
  return isReference ? mark + 1 : at + 1;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length && tokens.length < TOKENS_MAX; ) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text)?.[0] ?? text[at] ?? "";
    const end = found === "(" ? stringEnd(text, at) : at + found.length;
    tokens.push({ kind: kindOf(found), text: found, start: at, end });
    at = end;
  }
  return tokens;
}

function kindOf(token: string): Token["kind"] {
  if (token === "<<" || token === "[") return "open";
  if (token === ">>" || token === "]") return "close";
  if (token.startsWith("/")) return "name";
  return /^[\0\t\n\f\r %]/.test(token) ? "space" : "value";
}

// Parentheses nest in strings, and a backslash takes the next character. 7.3.4.2
function stringEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === "(") depth++;
    else if (char === ")" && --depth === 0) return at + 1;
  }
  return text.length;
}
