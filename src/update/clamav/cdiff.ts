// ClamAV's cdiff files: what is different in one version of a database against the one before. A line
// of header, a gzipped script of edits by line number, and a signature over both.
import { gunzipSync } from "node:zlib";

/** A file of a database. */
export interface DatabaseFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What is wrong with a cdiff. */
export class DiffError extends Error {
  override readonly name = "DiffError";
}

const SCRIPT_MAX = 512 * 1024 * 1024;
const HEADER_MAX = 64;
const SIGNATURE_MAX = 1024;
const NAME = /^[A-Za-z0-9._]{1,64}$/;

function fail(message: string): never {
  throw new DiffError(message);
}

/** The script of a cdiff, if its signature is right (`isSigned`) and it makes `version`. */
export function openDiff(
  bytes: Uint8Array,
  version: number,
  isSigned: (digits: string, signed: Uint8Array) => boolean,
): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = buffer.lastIndexOf(0x3a);
  if (end < 0 || buffer.length - end > SIGNATURE_MAX) fail("the diff has no signature");
  const digits = buffer.toString("latin1", end + 1);
  if (!isSigned(digits, buffer.subarray(0, end))) fail("the signature of the diff is wrong");
  const head = /^ClamAV-Diff:(\d{1,9}):(\d{1,9}):/.exec(buffer.toString("latin1", 0, HEADER_MAX));
  if (head === null) fail("this is no diff");
  if (Number(head[1]) !== version) fail(`the diff makes version ${head[1]}, not ${version}`);
  try {
    const script = gunzipSync(buffer.subarray(head[0].length, end), {
      maxOutputLength: SCRIPT_MAX,
    });
    return script.toString("latin1");
  } catch (error) {
    throw new DiffError("the diff can't be unpacked", { cause: error });
  }
}

/** Edits of one file, by line number of the file as it was. */
class OpenFile {
  readonly name: string;
  readonly #lines: (string | undefined)[];
  readonly #added: string[] = [];

  constructor(name: string, bytes: Uint8Array | undefined) {
    this.name = name;
    const text = bytes === undefined ? "" : Buffer.from(bytes).toString("latin1");
    this.#lines = text.split("\n");
    // What follows the last line end is no line, unless there is something.
    if (this.#lines.at(-1) === "") this.#lines.pop();
  }

  add(line: string): void {
    this.#added.push(line);
  }

  replace(number: number, prefix: string, line: string | undefined): void {
    const old = this.#lines[number - 1];
    if (old === undefined || !old.startsWith(prefix)) {
      fail(`line ${number} of ${this.name} is not what the diff changes`);
    }
    this.#lines[number - 1] = line;
  }

  bytes(): Buffer {
    const lines = [...this.#lines.filter((line) => line !== undefined), ...this.#added];
    return Buffer.from(lines.map((line) => `${line}\n`).join(""), "latin1");
  }
}

/** A database that a script is applied to. */
class Patient {
  readonly files: Map<string, Uint8Array>;
  #open: OpenFile | undefined;

  constructor(files: readonly DatabaseFile[]) {
    this.files = new Map(files.map(({ name, bytes }) => [name, bytes]));
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  apply(line: string): void {
    const [, word = "", rest = ""] = /^([A-Z]+)(?: (.*))?$/s.exec(line) ?? [];
    switch (word) {
      case "OPEN":
        if (this.#open !== undefined) fail(`OPEN ${rest} before CLOSE`);
        this.#open = new OpenFile(named(rest), this.files.get(rest));
        return;
      case "CLOSE": {
        const file = this.#opened(word);
        this.files.set(file.name, file.bytes());
        this.#open = undefined;
        return;
      }
      case "ADD":
        this.#opened(word).add(rest);
        return;
      case "DEL": {
        const [, number, prefix = ""] = /^(\d{1,9}) (.*)$/s.exec(rest) ?? [];
        this.#opened(word).replace(Number(number), prefix, undefined);
        return;
      }
      case "XCHG": {
        const [, number, prefix = "", changed = ""] = /^(\d{1,9}) (\S*) (.*)$/s.exec(rest) ?? [];
        this.#opened(word).replace(Number(number), prefix, changed);
        return;
      }
      case "MOVE":
        this.#move(rest);
        return;
      case "UNLINK":
        if (!this.files.delete(named(rest))) fail(`UNLINK of ${rest}, which is not there`);
        return;
      default:
        fail(`the diff has an unknown command ${JSON.stringify(line.slice(0, 40))}`);
    }
  }

  #opened(word: string): OpenFile {
    return this.#open ?? fail(`${word} outside of OPEN and CLOSE`);
  }

  // MOVE source target first-line its-text last-line its-text
  #move(rest: string): void {
    if (this.#open !== undefined) fail("MOVE before CLOSE");
    const parts = /^(\S+) (\S+) (\d{1,9}) (\S*) (\d{1,9}) (\S*)$/.exec(rest);
    if (parts === null) fail("MOVE is malformed");
    const [, from = "", to = "", first, firstPrefix = "", last, lastPrefix = ""] = parts;
    const source = this.files.get(named(from));
    if (source === undefined) fail(`MOVE from ${from}, which is not there`);
    const lines = Buffer.from(source).toString("latin1").replace(/\n$/, "").split("\n");
    const begin = Number(first) - 1;
    const end = Number(last);
    const isRight =
      begin >= 0 &&
      begin < end &&
      lines[begin]?.startsWith(firstPrefix) === true &&
      lines[end - 1]?.startsWith(lastPrefix) === true;
    if (!isRight) fail(`the lines that are to be moved are not in ${from}`);
    const moved = lines.splice(begin, end - begin);
    const target = Buffer.from(this.files.get(named(to)) ?? []).toString("latin1");
    const text = (some: readonly string[]) => some.map((line) => `${line}\n`).join("");
    this.files.set(from, Buffer.from(text(lines), "latin1"));
    this.files.set(to, Buffer.from(target + text(moved), "latin1"));
  }
}

function named(name: string): string {
  return NAME.test(name) ? name : fail(`the diff names a file ${JSON.stringify(name)}`);
}

/** The database that a script makes of another. Throws DiffError if it is not made for that one. */
export function applyDiff(files: readonly DatabaseFile[], script: string): DatabaseFile[] {
  const patient = new Patient(files);
  for (const [index, line] of script.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    try {
      patient.apply(line);
    } catch (error) {
      if (!(error instanceof DiffError)) throw error;
      throw new DiffError(`line ${index + 1} of the diff: ${error.message}`, { cause: error });
    }
  }
  if (patient.isOpen) fail("the diff ends before CLOSE");
  return [...patient.files].map(([name, bytes]) => ({ name, bytes }));
}
