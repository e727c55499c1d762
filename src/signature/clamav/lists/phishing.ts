// ClamAV's lists about links in mail: .pdb names what mails pose as, .wdb links that are in order
// though they show another address, .gdb addresses by the hash of host and path.
import type { LinkRule, ListedAs } from "../../../gwdb/lists/lists.ts";
import { compileRegex } from "../../../regex/regex.ts";
import { RegexError } from "../../../regex/types.ts";
import { SourceError } from "../../source.ts";
import { UnsupportedError } from "../pattern/units.ts";
import { ENGINE_LEVEL, type Field, fieldsOf, OTHER_ENGINE } from "../report.ts";

/** Longest line. */
const LINE_MAX = 8192;
const HOST = /^[0-9A-Za-z_.-]{1,255}$/;

interface Entry {
  readonly kind: string;
  readonly rest: Field;
}

// `kind:rest[:level]`; the level is `n`, `n-m` or `n-`, and an expression may hold colons itself.
// With fewer than `bare` fields the last is no level, though it be a number.
function entryOf(line: string, number: number, bare = 0): Entry {
  const at = { line: number, column: 1 };
  if (line.length > LINE_MAX) throw new SourceError("the line is too long", at);
  const colon = line.indexOf(":");
  if (colon <= 0) throw new SourceError("the line has 1 field", at, "2 or more");
  const hasLevel = line.split(":").length > bare;
  const [level, low, high] = (hasLevel && /:(\d{1,9})-?(\d{1,9})?$/.exec(line)) || [];
  const end = level === undefined ? line.length : line.length - level.length;
  if (level !== undefined && end > colon) {
    const isOver = high !== undefined && Number(high) < ENGINE_LEVEL;
    if (Number(low) > ENGINE_LEVEL || isOver) throw new UnsupportedError(OTHER_ENGINE, at);
  }
  const text = line.slice(colon + 1, Math.max(end, colon + 1));
  return { kind: line.slice(0, colon), rest: { text, line: number, column: colon + 2 } };
}

function expressionOf({ text, line, column }: Field): string {
  const at = { line, column };
  if (text === "") throw new SourceError("there is no expression", at);
  try {
    compileRegex(Buffer.from(`^(${text})$`, "latin1"), { dialect: "posix", flags: "i" });
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new SourceError(error.message, {
      line,
      column: column + Math.max(0, error.position - 2),
    });
  }
  return text;
}

function hostOf({ text, line, column }: Field): string {
  if (!HOST.test(text)) throw new SourceError("this is no host", { line, column }, "a host name");
  return text.toLowerCase();
}

/** A line of a .pdb file: `R:expression` or `H:host`. */
export function readPosedLine(line: string, number: number): LinkRule {
  const { kind, rest } = entryOf(line, number);
  if (kind === "H") return { kind: "hosts", real: "", display: hostOf(rest) };
  if (kind === "R") return { kind: "both", expression: expressionOf(rest) };
  throw new SourceError(`unknown kind ${kind.slice(0, 20)}`, { line: number, column: 1 }, "R or H");
}

/** A line of a .wdb file: `X:real:display` and `Y:real` are expressions, `M:real:display` hosts. */
export function readAllowedLine(line: string, number: number): LinkRule {
  const { kind, rest } = entryOf(line, number);
  switch (kind) {
    case "X":
      return { kind: "both", expression: expressionOf(rest) };
    case "Y":
      return { kind: "real", expression: expressionOf(rest) };
    case "M": {
      const fields = fieldsOf(rest.text, number, { separator: ":", min: 2, max: 2 });
      const [real, display] = fields as [Field, Field];
      return { kind: "hosts", real: hostOf(real), display: hostOf(display) };
    }
    default: {
      const at = { line: number, column: 1 };
      throw new SourceError(`unknown kind ${kind.slice(0, 20)}`, at, "X, Y or M");
    }
  }
}

const LISTS: Readonly<Record<string, ListedAs>> = {
  S: "malware",
  S1: "blocked",
  S2: "phishing",
};

/** An address of a .gdb file, null for what only leads to others. */
export interface AddressHash {
  readonly digest: string;
  readonly as: ListedAs;
}

/** A line of a .gdb file: `S:P:prefix`, `S:F:sha256`, `S:W:sha256`; S1 and S2 are other lists. */
export function readAddressLine(line: string, number: number): AddressHash | null {
  const { kind, rest } = entryOf(line, number, 3);
  const list = LISTS[kind];
  const fields = fieldsOf(rest.text, number, { separator: ":", min: 2, max: 2 });
  const [use, hash] = fields as [Field, Field];
  const at = { line: number, column: 1 };
  if (list === undefined)
    throw new SourceError(`unknown list ${kind.slice(0, 20)}`, at, "S, S1, S2");
  const digits = use.text === "P" ? 8 : 64;
  if (!/^[PFW]$/.test(use.text)) {
    throw new SourceError("unknown use", { ...at, column: rest.column }, "P, F or W");
  }
  if (hash.text.length !== digits || !/^[0-9A-Fa-f]+$/.test(hash.text)) {
    const place = { line: number, column: rest.column + hash.column - 1 };
    throw new SourceError("this is no hash", place, `${digits} digits of hex`);
  }
  // Prefixes spare ClamAV looking; here the hash itself is looked up.
  if (use.text === "P") return null;
  return { digest: hash.text.toLowerCase(), as: use.text === "W" ? "allowed" : list };
}
