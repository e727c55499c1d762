// What became of a signature file: how much was loaded, what was skipped and why, what is wrong.
import { type Diagnostic, type Signature, SourceError } from "../source.ts";
import { UnsupportedError } from "./pattern/units.ts";

/** Diagnostics kept of one file; more are only counted. */
const DIAGNOSTICS_MAX = 1000;

/** The report on one file. */
export interface FileReport {
  readonly file: string;
  /** Signatures, or other entries, in use. */
  readonly loaded: number;
  /** Entries that gw leaves out on purpose, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Lines that are wrong; `diagnostics` says where, the first thousand of them. */
  readonly malformed: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** Takes the lines of one file. */
export class FileReader {
  readonly file: string;
  readonly signatures: Signature[] = [];
  readonly #skipped = new Map<string, number>();
  readonly #diagnostics: Diagnostic[] = [];
  #malformed = 0;
  #entries = 0;

  constructor(file: string) {
    this.file = file;
  }

  /** Counts an entry that is in use without being a signature, such as one to be ignored. */
  use(count = 1): void {
    this.#entries += count;
  }

  skip(reason: string, count = 1): void {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + count);
  }

  /** Notes what a line threw; anything but a SourceError is a bug and goes on. */
  fault(error: unknown, line: number): void {
    if (error instanceof UnsupportedError) {
      this.skip(error.message);
      return;
    }
    if (!(error instanceof SourceError)) throw error;
    this.#malformed++;
    if (this.#diagnostics.length >= DIAGNOSTICS_MAX) return;
    const { message, column, expected } = error;
    const hint = expected === undefined ? {} : { expected };
    this.#diagnostics.push({ file: this.file, line: error.line || line, column, message, ...hint });
  }

  /** Calls `read` for each line that is no comment; what it throws costs that line only. */
  lines(text: string, read: (line: string, number: number) => void): void {
    let number = 0;
    for (let from = 0; from < text.length; ) {
      const found = text.indexOf("\n", from);
      const end = found < 0 ? text.length : found;
      const line = text.slice(from, end).replace(/\r+$/, "");
      from = end + 1;
      number++;
      // An empty line is a mistake to ClamAV; it says nothing, so it costs nothing here.
      if (line.startsWith("#") || line.trim() === "") continue;
      try {
        read(line, number);
      } catch (error) {
        this.fault(error, number);
      }
    }
  }

  report(): FileReport {
    return {
      file: this.file,
      loaded: this.signatures.length + this.#entries,
      skipped: Object.fromEntries(this.#skipped),
      malformed: this.#malformed,
      diagnostics: this.#diagnostics,
    };
  }
}

/** A field of a line and where it stands. */
export interface Field {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/** The fields of a line between separators; throws SourceError unless there are min to max. */
export function fieldsOf(
  line: string,
  number: number,
  rule: { readonly separator: string; readonly min: number; readonly max: number },
): Field[] {
  let column = 1;
  const fields = line.split(rule.separator).map((text) => {
    const field = { text, line: number, column };
    column += text.length + rule.separator.length;
    return field;
  });
  checkCount(fields.length, rule, { line: number, column: 1 });
  return fields;
}

/** Throws SourceError unless a line has as many fields as its format has. */
export function checkCount(
  count: number,
  { min, max }: { readonly min: number; readonly max: number },
  at: { readonly line: number; readonly column: number },
): void {
  if (count >= min && count <= max) return;
  const expected = min === max ? `${min}` : `${min} to ${max}`;
  throw new SourceError(`the line has ${count} fields`, at, expected);
}

/** The level of ClamAV's engine that gw's reader corresponds to. */
export const ENGINE_LEVEL = 240;

/** Whether a signature is for this engine; both bounds may be missing. Throws SourceError. */
export function isForEngine(min: Field | undefined, max: Field | undefined): boolean {
  const level = (field: Field | undefined, otherwise: number) => {
    if (field === undefined) return otherwise;
    if (!/^\d{1,9}$/.test(field.text)) throw new SourceError("bad engine level", field, "a number");
    return Number(field.text);
  };
  return level(min, 0) <= ENGINE_LEVEL && level(max, ENGINE_LEVEL) >= ENGINE_LEVEL;
}

/** Why a line that is for other engines is left out. */
export const OTHER_ENGINE = "for other versions of the engine";

const NAME_MAX = 512;

/** A signature's name, exactly as written; throws SourceError if it is none. */
export function nameOf(field: Field): string {
  const { text } = field;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names are shown on terminals.
  if (text === "" || text.length > NAME_MAX || /[\0-\x1f\x7f]/.test(text)) {
    throw new SourceError("bad name", field, `1 to ${NAME_MAX} characters`);
  }
  return text;
}
