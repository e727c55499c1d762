// Where mail programs part ways over a message. All readings are scanned anyway; that they differ is a
// finding of its own, since hardly any program writes such mail and attackers do: each reader, and
// each scanner on the way, sees another message. draft-chen-email-mime-ambiguity-defense; RFC 7103.
// What old and clumsy programs are known to write is left out.

import type { Description } from "../entity/entity.ts";
import type { Header } from "../entity/header.ts";
import type { Delimiters } from "../entity/multipart.ts";
import type { Finding } from "../message.ts";

const REASONS = {
  Boundary: "Two boundaries that the header may mean both occur: programs see different parts.",
  Delimiter: "Lines that only some programs take for the border of a part stand among real ones.",
  HiddenPart: "A part stands outside of the parts, where only some programs look.",
  Multipart: "The parts can only be found by guessing, or are encoded as a whole.",
  Type: "Content-Type is there twice, and says different things.",
  Encoding: "Content-Transfer-Encoding is there twice, and says different things.",
  Disposition: "Content-Disposition is there twice, and says different things.",
  Name: "The attachment has two names with different endings: programs show or open either.",
  Base64: "Base64 with padding or other characters in its midst: programs decode different files.",
  Header: "The header ends for some programs before fields that others go by.",
  LineEnd:
    "Fields that say what the content is stand behind bare CRs, which only some take as line ends.",
} as const;

/** What is looked at to tell a broken attachment from one with a footer. */
const BASE64_BYTES_MAX = 16 << 20;

/** Why a message is ambiguous. */
export type Ambiguity = keyof typeof REASONS;

/** The findings for `reasons`, in their order. */
export function ambiguityFindings(reasons: Iterable<Ambiguity>): Finding[] {
  return Array.from(reasons, (reason) => ({
    signature: `Heuristic.Mail.Ambiguous.${reason}`,
    severity: "suspicious",
    offset: -1,
    description: REASONS[reason],
  }));
}

/** What is ambiguous about one entity's header. `start` is where it begins in `bytes`. */
export function* headerAmbiguities(
  bytes: Buffer,
  start: number,
  header: Header,
  description: Description,
): Generator<Ambiguity> {
  if (isSplit(description.types.map(({ type }) => type))) yield "Type";
  else if (isSplit(description.types.map(({ boundaries }) => boundaries.join("\n")))) {
    yield "Type";
  }
  if (header.encodings.length > 1) yield "Encoding";
  if (isSplit(header.dispositions.map(({ text }) => text.trim()))) yield "Disposition";
  if (description.name.includes(" | ")) {
    const endings = description.name.split(" | ").map(ending);
    if (isSplit(endings.filter((one) => one !== ""))) yield "Name";
  }
  // Nearly every header is whole and has no bare CR: nothing of it is turned into a string.
  const text = (from: number) => bytes.toString("latin1", from, header.bodyStart);
  if (header.otherStarts.some((other) => isHeaderEnd(text(other)))) {
    yield "Header";
  }
  const own = bytes.subarray(start, header.bodyStart);
  if (own.includes(10) && hasBareCr(own) && /\r[ \t]*content-[\w-]+[ \t]*:/i.test(text(start))) {
    yield "LineEnd";
  }
}

// Old programs folded fields with lines of white space only; what goes on behind them is still a field.
function isHeaderEnd(rest: string): boolean {
  return /^content-[\w-]+[ \t]*:/im.test(rest) && !/^[ \t]+\r?\n[ \t]+\S/.test(rest);
}

function isSplit(values: readonly string[]): boolean {
  return new Set(values).size > 1;
}

// Names are often cut or written in two charsets; another ending is another kind of file.
function ending(name: string): string {
  return /\.([a-z0-9]{1,6})\s*$/i.exec(name)?.[1]?.toLowerCase() ?? "";
}

function hasBareCr(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(13); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (bytes[at + 1] !== 10 && bytes[at + 1] !== 13) return true;
  }
  return false;
}

const DENSE_DIGITS_MIN = 16;

/**
 * Whether there is base64 behind the place where strict readers stop: not the lines of plain text
 * that mailing lists and bad editors leave there.
 */
export function isInterrupted(body: Buffer): boolean {
  const text = body.toString("latin1", 0, Math.min(body.length, BASE64_BYTES_MAX));
  const stop = /[^A-Za-z0-9+/\s]/.exec(text)?.index ?? -1;
  if (stop < 0) return false;
  let digits = 0;
  for (const line of text.slice(stop).split("\n")) {
    const trimmed = line.trim();
    if (/[\s@:]/.test(trimmed)) continue;
    const own = trimmed.replace(/[^A-Za-z0-9+/]/g, "").length;
    if (own * 2 >= trimmed.length) digits += own;
  }
  return digits >= DENSE_DIGITS_MIN;
}

/** Whether two boundaries split a body differently, and neither by chance. */
export function isRival(one: Delimiters, other: Delimiters): boolean {
  if (!one.hasStrict || !other.hasStrict) return false;
  const starts = ({ lines }: Delimiters) =>
    lines.filter((line) => !line.isLoose).map((line) => line.start);
  return starts(one).join() !== starts(other).join();
}

/** Whether loose delimiter lines are more than another boundary that begins like this one. */
export function hasOddLine(bytes: Buffer, delimiters: Delimiters, boundary: string): boolean {
  if (!delimiters.hasStrict || !delimiters.hasLoose) return false;
  return delimiters.lines.some((line) => {
    if (!line.isLoose) return false;
    const text = bytes.toString("latin1", line.start, line.end);
    const isIndented = text.startsWith(" ") || text.startsWith("\t");
    const rest = text.trimStart().slice(2 + boundary.length);
    return isIndented || /^(?:--)?[ \t]+\S/.test(rest);
  });
}
