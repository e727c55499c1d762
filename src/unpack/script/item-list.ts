// Shell item lists: how a Windows shortcut names its target step by step, from the desktop down.
// The items' insides are Explorer's own; only names are taken. [MS-SHLLINK] §2.2.

const ITEMS_MAX = 64;
const TEXT_MAX = 4096;
// Explorer's kinds of items, by the upper bits of their first byte.
const KIND = { drive: 0x20, file: 0x30, network: 0x40, url: 0x60 } as const;
const IS_WIDE = 0x04;
// The block with the long name in a file item, and where the name may begin in it, by version.
const NAME_BLOCK = 0xbeef_0004;

/** The path or address that an item list leads to, "" if it has none that can be read. */
export function idListTarget(list: Buffer): string {
  const names: string[] = [];
  let address = "";
  let at = 0;
  for (let count = 0; count < ITEMS_MAX && at + 2 <= list.length; count++) {
    const size = list.readUInt16LE(at);
    if (size < 3) break;
    const item = list.subarray(at + 2, at + size);
    at += size;
    const kind = (item[0] ?? 0) & 0x70;
    if (kind === KIND.drive && item[0] !== 0x1f) names.push(ansiAt(item, 1).replace(/\\$/, ""));
    else if (kind === KIND.file) names.push(fileName(item));
    else if (kind === KIND.network) names.push(ansiAt(item, 3));
    else if (kind === KIND.url) address = url(item) || address;
  }
  const path = names.filter((name) => name !== "").join("\\");
  return [address, path].filter((text) => text !== "").join(" ");
}

// A short name, and behind it the long one in a block of its own.
function fileName(item: Buffer): string {
  const long = longName(item);
  if (long !== "") return long;
  return ((item[0] ?? 0) & IS_WIDE) !== 0 ? wideAt(item, 12) : ansiAt(item, 12);
}

function longName(item: Buffer): string {
  for (let at = 14; at + 8 <= item.length; at++) {
    if (item.readUInt32LE(at) !== NAME_BLOCK || at < 4) continue;
    const version = item.readUInt16LE(at - 2);
    // Dates, then fields that came with Windows Vista and 7.
    const start = at + 4 + 8 + 2 + (version >= 7 ? 18 : 0) + (version >= 3 ? 2 : 0);
    const skipped = (version >= 9 ? 4 : 0) + (version >= 8 ? 4 : 0);
    return wideAt(item, start + skipped) || wideAt(item, start);
  }
  return "";
}

// [flags, size, …, address], as ANSI or UTF-16; found by its scheme since the layout varies.
function url(item: Buffer): string {
  for (const encoding of ["utf16le", "latin1"] as const) {
    for (const start of [0, 1]) {
      const text = item.toString(encoding, start, Math.min(item.length, TEXT_MAX));
      const found = /[a-z][a-z0-9+.-]{1,20}:[\x21-\x7e]{2,}/i.exec(text);
      if (found !== null) return found[0];
    }
  }
  return "";
}

function ansiAt(bytes: Buffer, at: number): string {
  const end = Math.min(bytes.length, at + TEXT_MAX);
  return printable(bytes.toString("latin1", at, Math.max(at, end)));
}

function wideAt(bytes: Buffer, at: number): string {
  const end = Math.min(bytes.length, at + TEXT_MAX);
  return at >= end ? "" : printable(bytes.toString("utf16le", at, end));
}

// The name up to its NUL, "" if that is no name.
function printable(text: string): string {
  const name = text.split("\0", 1)[0] ?? "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names have none
  return /[\u0000-\u001f]/.test(name) ? "" : name;
}
