// Office documents of the old kind (OLE2): the storages of VBA and of embedded objects are taken
// out, Excel's macro sheets lose their formulas. Text, cells and slides stay where they are.

import { CompoundEditor, type Entry } from "./compound.ts";

// [MS-OVBA] 2.2.1 in Word, Excel and others; Word's and Excel's embedded objects; packages.
const ACTIVE_STORAGE =
  /^(?:macros|_vba_project_cur|_vba_project|vba|objectpool|mbd[0-9a-f]{8}|lnk[0-9a-f]{8}|_1\d{9})$/i;
const ACTIVE_STREAM = /^(?:ole10native|ole10itemname|linkinfo|objinfo)$/i;
const WORKBOOK = /^(?:workbook|book)$/i;

// Records of an Excel stream, [MS-XLS] 2.3.
const BOF = 0x809;
const EOF = 0x0a;
const OBJECT_PROJECT = 0xd3;
const NAME = 0x18;
/** Records that run or fetch: formulas, arrays, shared and table formulas, their results. */
const FORMULAS = new Set([0x06, 0x21, 0x36, 0x4bc, 0x207]);
const MACRO_SHEET = 0x40;
const VBA_MODULE = 0x06;
/** No record has this number; readers pass over those they do not know. */
const IGNORED = 0xfff;
const RECORDS_MAX = 5_000_000;

/** The document without anything active; undefined if there is nothing, or it can't be edited. */
export function cleanOle2(bytes: Uint8Array): Uint8Array | undefined {
  const file = CompoundEditor.open(bytes);
  if (file === undefined) return undefined;
  try {
    let count = 0;
    for (const entry of file.entries) {
      if (entry.isStorage || entry.parents.length > 0 || !WORKBOOK.test(entry.name)) continue;
      const book = file.read(entry);
      if (!quietWorkbook(book)) continue;
      file.write(entry, book);
      count++;
    }
    count += file.remove((entry) => isActive(entry));
    return count === 0 ? undefined : file.bytes;
  } catch (error) {
    // A stream whose chain leads out of the file: not in order, not edited.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isActive({ name, isStorage }: Entry): boolean {
  // Streams that Office keeps for itself begin with a control character.
  const plain = name.charCodeAt(0) < 0x20 ? name.slice(1) : name;
  return isStorage ? ACTIVE_STORAGE.test(name) : ACTIVE_STREAM.test(plain);
}

// Same length throughout: offsets of sheets stand in the stream. True if anything was changed.
function quietWorkbook(book: Buffer): boolean {
  let isChanged = false;
  let isMacroSheet = false;
  let at = 0;
  for (let count = 0; at + 4 <= book.length && count < RECORDS_MAX; count++) {
    const type = book.readUInt16LE(at);
    const size = book.readUInt16LE(at + 2);
    const next = at + 4 + size;
    if (next > book.length) break;
    if (type === BOF && size >= 4) {
      const kind = book.readUInt16LE(at + 6);
      isMacroSheet = kind === MACRO_SHEET || kind === VBA_MODULE;
    } else if (type === EOF) isMacroSheet = false;
    else if (type === OBJECT_PROJECT || (isMacroSheet && FORMULAS.has(type)) || isAuto(book, at)) {
      book.writeUInt16LE(IGNORED, at);
      book.fill(0, at + 4, next);
      isChanged = true;
    }
    at = next;
  }
  return isChanged;
}

// A defined name that runs when the file is opened, closed or shown: a built-in one (1 Auto_Open,
// 2 Auto_Close, 10 Auto_Activate, 11 Auto_Deactivate) or one that is spelt out. [MS-XLS] 2.4.150
function isAuto(book: Buffer, at: number): boolean {
  const size = book.readUInt16LE(at + 2);
  if (book.readUInt16LE(at) !== NAME || size < 15) return false;
  const isBuiltIn = (book.readUInt16LE(at + 4) & 0x20) !== 0;
  const length = book[at + 7] ?? 0;
  if (isBuiltIn) return [1, 2, 10, 11].includes(book[at + 19] ?? 0);
  const text = book.toString("latin1", at + 19, Math.min(at + 4 + size, at + 19 + length * 2));
  return /^auto_/i.test(text.replaceAll("\0", ""));
}
