// Offsets of ClamAV's patterns: `*`, `n`, `EOF-n`, and in executables `EP+n`, `Sx+n`, `SEx`, `SL+n`,
// `VI` (a key of the version information), each with `,shift`: the match may start up to so many bytes behind.
import type { ExecutablePlace, PlainPlace } from "../../../gwdb/clamav-judgement.ts";
import { type Place, SourceError } from "../../source.ts";
import { EXECUTABLE_TARGETS } from "../types.ts";
import type { Where } from "./units.ts";

const TEXT_MAX = 64;
const EXPECTED = "*, n, EOF-n, EP+n, Sx+n, SEx, SL+n or VI, with ,shift";
/** Macro groups. */
export const GROUPS_MAX = 32;

/** An offset; `group` is the macro group that the pattern belongs to instead of having one. */
export type Offset =
  | { readonly kind: "any" }
  | { readonly kind: "plain"; readonly place: PlainPlace }
  | { readonly kind: "executable"; readonly place: ExecutablePlace }
  | { readonly kind: "macro"; readonly group: number };

function executablePlace(text: string, shift: number): ExecutablePlace | null {
  // Keys have no range around them, whatever is written.
  if (text === "VI") return { base: "version", section: 0, add: 0, shift: 0 };
  const [, entry, last, section, sign = "+", digits = "0", inside] =
    /^(?:(?:(EP)|(SL)|S(\d{1,4}))([+-])(\d{1,9})|SE(\d{1,4}))$/.exec(text) ?? [];
  const add = Number(digits) * (sign === "-" ? -1 : 1);
  if (entry !== undefined) return { base: "entry", section: 0, add, shift };
  // Only the entry point can be counted back from.
  if (sign === "-") return null;
  if (last !== undefined) return { base: "last", section: 0, add, shift };
  if (section !== undefined) return { base: "section", section: Number(section), add, shift };
  if (inside !== undefined) return { base: "inside", section: Number(inside), add: 0, shift };
  return null;
}

/** Reads an offset that stands at `at`; throws SourceError. */
export function parseOffset(text: string, target: number, at: Where): Offset {
  if (text === "*") return { kind: "any" };
  const fail = (message: string): never => {
    throw new SourceError(message, at, EXPECTED);
  };
  if (text.length > TEXT_MAX) fail("the offset is too long");
  const [, group] = /^\$(\d{1,4})\$$/.exec(text) ?? [];
  if (group !== undefined) {
    if (Number(group) >= GROUPS_MAX) fail(`there is no macro group ${group}`);
    return { kind: "macro", group: Number(group) };
  }
  const [base = "", shiftText, ...more] = text.split(",");
  if (more.length > 0 || !/^\d{1,9}$/.test(shiftText ?? "0")) fail(`bad offset ${text}`);
  const shift = Number(shiftText ?? "0");
  const [, end, digits] = /^(EOF-)?(\d{1,10})$/.exec(base) ?? [];
  if (digits !== undefined) {
    const place = { base: end ? "end" : "start", add: Number(digits), shift } as const;
    return { kind: "plain", place };
  }
  const place = executablePlace(base, shift);
  if (place === null) return fail(`bad offset ${text}`);
  if (!EXECUTABLE_TARGETS.has(target)) fail(`${base} is for executables only`);
  return { kind: "executable", place };
}

/** A plain place as the compiler has it; a lead stands before the match and is not counted. */
export function placeOf(place: PlainPlace, lead = 0): Place {
  const { base, add, shift } = place;
  if (base === "start") {
    const from = Math.max(0, add - lead);
    return { from, to: Math.max(from, add + shift - lead), isFromEnd: false };
  }
  return { from: Math.max(0, add + lead - shift), to: add + lead, isFromEnd: true };
}
