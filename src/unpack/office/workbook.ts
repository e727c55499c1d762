// Workbooks of the old Excel formats (BIFF5 and BIFF8, [MS-XLS]): whether they are encrypted, and
// the Excel 4.0 macro sheets in them as text, which is how these macros can be searched for.

import type { Extraction } from "./extraction.ts";
import { openWorkbook } from "./rc4-encryption.ts";
import { columnName, formulaText, shortText, unicodeText } from "./xlm-formula.ts";

const RECORDS_MAX = 4_000_000;
const SHEETS_MAX = 256;
const NAMES_MAX = 10_000;
const TEXT_MAX = 16 << 20;

// [MS-XLS] 2.3: numbers of records.
const BOF = 0x0809;
const END = 0x000a;
const FILE_PASS = 0x002f;
const BOUND_SHEET = 0x0085;
const DEFINED_NAME = 0x0018;
const FORMULA = 0x0006;
const FORMULA_OLD = 0x0406;
const STRING = 0x0207;
const LABEL = 0x0204;
const LABEL_SHARED = 0x00fd;
const SHARED_STRINGS = 0x00fc;
const CONTINUE = 0x003c;

const BIFF8 = 0x0600;
const MACRO_SHEET = 0x0040;
const BOUND_MACRO = 1;
const STATES = ["visible", "hidden", "very hidden", "hidden"] as const;
const METHODS: readonly string[] = ["XOR", "RC4"];
/** Names that Excel knows by a number. [MS-XLS] 2.4.150 */
const BUILT_IN_NAMES = [
  ...["Consolidate_Area", "Auto_Open", "Auto_Close", "Extract", "Database", "Criteria"],
  ...["Print_Area", "Print_Titles", "Recorder", "Data_Form", "Auto_Activate"],
  ...["Auto_Deactivate", "Sheet_Title", "_FilterDatabase"],
];
const BUILT_IN = 0x20;

/** What a workbook's records tell. */
export interface Workbook {
  readonly macroSheets: readonly { readonly name: string; readonly text: string }[];
  /** How it is encrypted, "" if it is not or has been opened. */
  readonly encryption: string;
  /** The stream without the encryption that Excel undoes without asking. */
  readonly opened?: Buffer;
}

/** A record, and its place in the stream. */
interface BiffRecord {
  readonly at: number;
  readonly id: number;
  readonly data: Buffer;
}

/** A sheet as the list of sheets has it. */
interface Sheet {
  readonly start: number;
  readonly kind: number;
  readonly state: number;
  readonly name: string;
}

/** Reads a "Workbook" or "Book" stream. Never throws. */
export function readWorkbook(stream: Buffer, out: Extraction): Workbook {
  const reader = new WorkbookReader(stream, out);
  reader.readGlobals();
  const { encryption, pass } = reader;
  if (pass === undefined) return { macroSheets: reader.macroSheets(), encryption };
  // Behind that record everything but the records' heads is noise.
  const opened = openWorkbook(stream, pass, out.budget);
  if (opened === undefined) return { macroSheets: [], encryption };
  out.tally.remarkPassword(opened.password);
  const second = new WorkbookReader(opened.opened, out);
  second.isOpened = true;
  second.readGlobals();
  return { macroSheets: second.macroSheets(), encryption: "", opened: opened.opened };
}

// One pass finds sheets, names and strings, a second one goes through the macro sheets only.
class WorkbookReader {
  readonly #stream: Buffer;
  readonly #out: Extraction;
  readonly #sheets: Sheet[] = [];
  readonly #names: string[] = [];
  readonly #nameLines: string[] = [];
  /** Where substreams of macros begin, whatever the list of sheets says. */
  readonly #macroStarts = new Set<number>();
  readonly #sharedParts: Buffer[] = [];
  #shared: readonly string[] | undefined;
  #isBiff8 = true;
  #records = 0;
  #room = TEXT_MAX;
  encryption = "";
  /** Content of the record that tells the encryption. */
  pass: Buffer | undefined;
  /** Set if that record is a thing of the past. */
  isOpened = false;

  constructor(stream: Buffer, out: Extraction) {
    this.#stream = stream;
    this.#out = out;
  }

  // [MS-XLS] 2.1.4: number, length, content. The count is over all passes, so that many sheets in
  // one place cost no more than the bound.
  *#recordsFrom(start: number): Generator<BiffRecord> {
    for (let at = start; at + 4 <= this.#stream.length; ) {
      if (++this.#records > RECORDS_MAX || (this.#records % 4096 === 0 && this.#out.isStopped)) {
        this.#out.tally.add("unscanned", "too many records in the workbook");
        return;
      }
      const end = at + 4 + this.#stream.readUInt16LE(at + 2);
      const id = this.#stream.readUInt16LE(at);
      yield { at, id, data: this.#stream.subarray(at + 4, end) };
      at = end;
    }
  }

  // One pass over all records: what belongs to the whole book stands in the first part of it, but
  // readers differ in how far they look.
  readGlobals(): void {
    let last = 0;
    for (const { at, id, data } of this.#recordsFrom(0)) {
      if (id === BOF && data.length >= 4) {
        if (at === 0) this.#isBiff8 = data.readUInt16LE(0) >= BIFF8;
        // The list may call a macro sheet something else; its own first record decides in Excel.
        if (data.readUInt16LE(2) === MACRO_SHEET) this.#macroStarts.add(at);
      } else if (id === FILE_PASS && !this.isOpened) {
        this.pass = data;
        const method = data.length < 2 ? "" : METHODS[this.#isBiff8 ? data.readUInt16LE(0) : 0];
        this.encryption = `encrypted (Excel${method ? `, ${method}` : ""})`;
        return;
      } else if (id === BOUND_SHEET) this.#readSheet(data);
      else if (id === DEFINED_NAME) this.#readName(data);
      else if (id === SHARED_STRINGS || (id === CONTINUE && last === SHARED_STRINGS)) {
        this.#sharedParts.push(data);
      }
      if (id !== CONTINUE) last = id;
    }
  }

  /** The text of all macro sheets: those the list of sheets names, and those it keeps quiet about. */
  macroSheets(): { name: string; text: string }[] {
    const sheets = this.#sheets.filter(
      (sheet) => sheet.kind === BOUND_MACRO || this.#macroStarts.has(sheet.start),
    );
    const listed = new Set(sheets.map((sheet) => sheet.start));
    for (const start of this.#macroStarts) {
      if (!listed.has(start)) sheets.push({ start, kind: 1, state: 2, name: `sheet at ${start}` });
    }
    if (sheets.length > SHEETS_MAX) this.#out.tally.add("unscanned", "too many macro sheets");
    const texts: { name: string; text: string }[] = [];
    for (const sheet of sheets.slice(0, SHEETS_MAX)) {
      const head = `' Excel 4.0 macro sheet, ${STATES[sheet.state & 3]}: ${sheet.name}`;
      const lines = [head, ...this.#nameLines, ...this.#cells(sheet.start)];
      texts.push({ name: sheet.name, text: `${lines.join("\n")}\n` });
    }
    return texts;
  }

  // [MS-XLS] 2.4.28
  #readSheet(data: Buffer): void {
    if (data.length < 8 || this.#sheets.length >= 4 * SHEETS_MAX) return;
    this.#sheets.push({
      start: data.readUInt32LE(0),
      state: data[4] as number,
      kind: data[5] as number,
      name: shortText(data, 6, this.#isBiff8).text || "sheet",
    });
  }

  // [MS-XLS] 2.4.150: names are where macros that run by themselves are known by.
  #readName(data: Buffer): void {
    if (data.length < 15 || this.#names.length >= NAMES_MAX) return;
    const length = data[3] as number;
    const found = this.#isBiff8
      ? unicodeText(data, 14, length)
      : { text: data.toString("latin1", 14, 14 + length), end: 14 + length };
    const isBuiltIn = (data.readUInt16LE(0) & BUILT_IN) !== 0;
    const number = found.text.charCodeAt(0);
    const name = (isBuiltIn && BUILT_IN_NAMES[number]) || found.text;
    this.#names.push(name);
    const formula = data.subarray(found.end, found.end + data.readUInt16LE(4));
    this.#nameLines.push(`${name}=${this.#formula(formula)}`);
  }

  #formula(tokens: Buffer): string {
    return formulaText(tokens, { isBiff8: this.#isBiff8, names: this.#names });
  }

  // Charts lie inside sheets with a beginning and an end of their own.
  *#cells(start: number): Generator<string> {
    let depth = 0;
    for (const { at, id, data } of this.#recordsFrom(start)) {
      if (id === BOF) depth++;
      else if (id === END && --depth <= 0) return;
      // Where no substream begins, a list of sheets has lied.
      if (depth === 0) {
        if (at === start) this.#out.tally.add("damaged", "a macro sheet is not where it should be");
        return;
      }
      const line = this.#cell(id, data);
      if (line === "") continue;
      this.#room -= line.length;
      if (this.#room < 0) {
        this.#out.tally.add("unscanned", "too much text in macro sheets");
        return;
      }
      yield line;
    }
  }

  // The text of a cell: what it computes, or what it says. Numbers tell nothing and are left out.
  #cell(id: number, data: Buffer): string {
    if (id === STRING) return `' ${this.#string(data, 0)}`;
    if (data.length < 6) return "";
    const place = `${columnName(data.readUInt16LE(2))}${data.readUInt16LE(0) + 1}`;
    if ((id === FORMULA || id === FORMULA_OLD) && data.length >= 22) {
      const size = data.readUInt16LE(20);
      return `${place}=${this.#formula(data.subarray(22, 22 + size))}`;
    }
    if (id === LABEL) return `${place} "${this.#string(data, 6)}"`;
    if (id === LABEL_SHARED && data.length >= 10) {
      this.#shared ??= sharedStrings(this.#sharedParts);
      return `${place} "${this.#shared[data.readUInt32LE(6)] ?? ""}"`;
    }
    return "";
  }

  #string(data: Buffer, at: number): string {
    if (data.length < at + 2) return "";
    const length = data.readUInt16LE(at);
    if (this.#isBiff8) return unicodeText(data, at + 2, length).text;
    return data.toString("latin1", at + 2, at + 2 + length);
  }
}

const SHARED_MAX = 200_000;
const SHARED_LENGTH_MAX = 32_768;

// [MS-XLS] 2.5.293: strings that may be cut anywhere by the 8 KB limit of records. A cut inside the
// characters repeats the flag that tells their width.
function sharedStrings(parts: readonly Buffer[]): string[] {
  const strings: string[] = [];
  const reader = new SharedReader(parts);
  reader.skip(8);
  while (!reader.isAtEnd && strings.length < SHARED_MAX) {
    const length = reader.number(2);
    const flags = reader.number(1);
    const runs = (flags & 8) === 0 ? 0 : reader.number(2);
    const extra = (flags & 4) === 0 ? 0 : reader.number(4);
    strings.push(reader.characters(Math.min(length, SHARED_LENGTH_MAX * 2), (flags & 1) !== 0));
    reader.skip(runs * 4 + extra);
  }
  return strings;
}

// Bytes of several records read as if they were one.
class SharedReader {
  readonly #parts: readonly Buffer[];
  #part = 0;
  #at = 0;

  constructor(parts: readonly Buffer[]) {
    this.#parts = parts;
  }

  get isAtEnd(): boolean {
    while (this.#part < this.#parts.length && this.#at >= (this.#parts[this.#part]?.length ?? 0)) {
      this.#at -= this.#parts[this.#part]?.length ?? 0;
      this.#part++;
    }
    return this.#part >= this.#parts.length;
  }

  skip(count: number): void {
    this.#at += count;
  }

  number(size: 1 | 2 | 4): number {
    let value = 0;
    for (let n = 0; n < size; n++) {
      if (this.isAtEnd) return 0;
      value += (this.#parts[this.#part]?.[this.#at] ?? 0) * 2 ** (8 * n);
      this.#at++;
    }
    return value;
  }

  characters(count: number, isWide: boolean): string {
    let text = "";
    let width = isWide ? 2 : 1;
    let left = count;
    while (left > 0 && !this.isAtEnd) {
      const part = this.#parts[this.#part] as Buffer;
      const take = Math.min(left, Math.floor((part.length - this.#at) / width));
      const end = this.#at + take * width;
      text += part.toString(width === 2 ? "utf16le" : "latin1", this.#at, end);
      left -= take;
      this.#at = left > 0 ? part.length : end;
      if (left > 0 && !this.isAtEnd) width = (this.number(1) & 1) === 0 ? 1 : 2;
    }
    return text;
  }
}
