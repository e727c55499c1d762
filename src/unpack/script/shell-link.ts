// Windows shortcuts (.lnk): a text in plain words about what one starts, for signatures and people,
// and whatever stands behind its end. [MS-SHLLINK] §2.

import type { Budget } from "../../base/budget.ts";
import { asBuffer, isBlank } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { idListTarget } from "./item-list.ts";

const HEADER_BYTES = 76;
const BLOCKS_MAX = 64;
const BLOCK_MIN = 8;
const VALUE_MAX = 8192;
/** The properties window shows this many characters; what comes behind them is hidden. */
const PADDING_MIN = 260;

// [MS-SHLLINK] §2.1.1.
const FLAG = { idList: 1, linkInfo: 2, unicode: 0x80 } as const;
const STRINGS = [
  [0x04, "name"],
  [0x08, "relative path"],
  [0x10, "working directory"],
  [0x20, "arguments"],
  [0x40, "icon"],
] as const;
// [MS-SHLLINK] §2.5: blocks that hold a path as 260 bytes and then as 520.
const PATH_BLOCKS: Readonly<Record<number, string>> = {
  2684354561: "target from environment",
  2684354566: "installer target",
  2684354567: "icon from environment",
};
const TRACKER = 0xa000_0003;
const SHOW: Readonly<Record<number, string>> = { 3: "maximised", 7: "minimised" };

interface Link {
  readonly lines: string[];
  /** Where it ends; the object may be longer. */
  end: number;
  isCut: boolean;
}

/** Yields a text about a shortcut, and the data behind it. */
export function* explodeShellLink(
  bytes: Uint8Array,
  budget: Budget,
): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const link = readLink(input);
  const extracts: { name: string; bytes: Uint8Array }[] = [
    { name: "shortcut", bytes: Buffer.from(`${link.lines.join("\n")}\n`) },
  ];
  const behind = input.subarray(link.end);
  if (!isBlank(behind)) extracts.push({ name: "data behind the shortcut", bytes: behind });
  for (const extract of extracts) {
    if (extract.bytes.length < 2) continue;
    if (!budget.takeObject(extract.bytes.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    yield { ...extract, declaredType: "" };
  }
  return link.isCut ? { status: "damaged", note: "cut short" } : { status: "clean", note: "" };
}

function readLink(input: Buffer): Link {
  const link: Link = { lines: [], end: HEADER_BYTES, isCut: false };
  if (input.length < HEADER_BYTES) return { ...link, end: input.length, isCut: true };
  const flags = input.readUInt32LE(20);
  const show = SHOW[input.readUInt32LE(60)];
  if (show !== undefined) link.lines.push(`window: ${show}`);
  if ((flags & FLAG.idList) !== 0) {
    const size = u16(input, link.end);
    const list = input.subarray(link.end + 2, link.end + 2 + size);
    add(link, "target", idListTarget(list));
    advance(link, input, 2 + size);
  }
  if ((flags & FLAG.linkInfo) !== 0 && !link.isCut) linkInfo(link, input);
  for (const [flag, label] of STRINGS) {
    if ((flags & flag) !== 0 && !link.isCut) {
      countedString(link, input, { label, isUnicode: (flags & FLAG.unicode) !== 0 });
    }
  }
  if (!link.isCut) extraData(link, input);
  return link;
}

function advance(link: Link, input: Buffer, size: number): void {
  link.end += size;
  if (link.end > input.length) {
    link.end = input.length;
    link.isCut = true;
  }
}

function add(link: Link, label: string, text: string): void {
  const plain = collapsed(text);
  if (plain !== "") link.lines.push(`${label}: ${plain}`);
}

function collapsed(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  const plain = text.slice(0, VALUE_MAX * 8).replace(/[\s\u0000-\u001f]+/g, " ");
  // A tag in a command must not turn the text into a page.
  return plain.trim().replaceAll("<", "< ");
}

// [MS-SHLLINK] §2.3: a path on a disk, or a share with the rest of the path behind it.
function linkInfo(link: Link, input: Buffer): void {
  const start = link.end;
  const size = u32(input, start);
  if (size < 28) {
    advance(link, input, 4);
    return;
  }
  const info = input.subarray(start, start + size);
  advance(link, input, size);
  const flags = u32(info, 8);
  const isWide = u32(info, 4) >= 36;
  const suffix = textAt(info, u32(info, isWide ? 32 : 24), isWide);
  if ((flags & 1) !== 0) {
    const base = textAt(info, u32(info, isWide ? 28 : 16), isWide);
    add(link, "local path", base + suffix);
  }
  if ((flags & 2) !== 0) {
    const networkAt = u32(info, 20);
    const network = info.subarray(networkAt);
    const nameAt = u32(network, 8);
    const share = textAt(network, nameAt > 20 ? u32(network, 20) : nameAt, nameAt > 20);
    add(link, "network path", suffix === "" ? share : `${share}\\${suffix}`);
  }
}

function countedString(
  link: Link,
  input: Buffer,
  { label, isUnicode }: { label: string; isUnicode: boolean },
): void {
  const size = u16(input, link.end) * (isUnicode ? 2 : 1);
  const start = link.end + 2;
  advance(link, input, 2 + size);
  const text = input.toString(isUnicode ? "utf16le" : "latin1", start, link.end);
  add(link, label, text);
  if (label !== "arguments") return;
  const hidden = longestBlank(text);
  if (hidden >= PADDING_MIN) {
    link.lines.push(`padding: the arguments hold ${hidden} blanks in a row, which hides the rest`);
  }
  // What the command line makes of it: carets and quotes fall away.
  const command = collapsed(text).replace(/[\^"]/g, "");
  if (command !== collapsed(text)) add(link, "command", command);
}

function longestBlank(text: string): number {
  let longest = 0;
  for (const [run] of text.matchAll(/\s{2,}/g)) longest = Math.max(longest, run.length);
  return longest;
}

// [MS-SHLLINK] §2.5: blocks until one smaller than its own size field.
function extraData(link: Link, input: Buffer): void {
  for (let count = 0; count < BLOCKS_MAX; count++) {
    // Old programs leave the end mark out.
    if (link.end + 4 > input.length) return;
    const size = u32(input, link.end);
    if (size < BLOCK_MIN) {
      link.end += 4;
      return;
    }
    const block = input.subarray(link.end, link.end + size);
    const kind = u32(block, 4);
    // Anything may follow a shortcut: blocks are told from it by the top byte of their signature.
    if (kind >>> 8 !== 0xa0_0000) return;
    advance(link, input, size);
    const label = PATH_BLOCKS[kind];
    if (label !== undefined) {
      add(link, label, textAt(block, 8, false));
      const wide = textAt(block, 268, true);
      if (wide !== textAt(block, 8, false)) add(link, label, wide);
    } else if (kind === TRACKER) add(link, "made on", textAt(block, 16, false).slice(0, 16));
  }
}

// Text with a NUL at its end; offset 0 and offsets outside mean there is none.
function textAt(bytes: Buffer, at: number, isWide: boolean): string {
  if (at === 0 || at >= bytes.length) return "";
  const end = Math.min(bytes.length, at + VALUE_MAX);
  return bytes.toString(isWide ? "utf16le" : "latin1", at, end).split("\0", 1)[0] ?? "";
}

function u16(bytes: Buffer, at: number): number {
  return at + 2 <= bytes.length ? bytes.readUInt16LE(at) : 0;
}

function u32(bytes: Buffer, at: number): number {
  return at + 4 <= bytes.length ? bytes.readUInt32LE(at) : 0;
}
