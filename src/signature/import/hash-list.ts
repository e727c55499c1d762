// Plain lists of hashes, as MISP and others hand them out: one per line, columns of a CSV file, or
// anywhere in JSON. They carry no sizes.
import { basename } from "node:path";
import { digestOf, hashSignature } from "../clamav/hash.ts";
import type { FileReader } from "../clamav/report.ts";
import { SourceError } from "../source.ts";

const HASH = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i;
/** Values of a JSON document that are looked at, and how deep. */
const VALUES_MAX = 5_000_000;
const NAME_MAX = 80;

/** Extensions of files that may be lists of hashes. */
export const LIST_EXTENSIONS: ReadonlySet<string> = new Set([
  ".txt",
  ".csv",
  ".json",
  ".md5",
  ".sha1",
  ".sha256",
  ".hashes",
]);

/** Adds hashes to a file's signatures, each once. Names are made from the file's. */
class HashList {
  readonly #reader: FileReader;
  readonly #seen = new Set<string>();
  readonly #family: string;

  constructor(reader: FileReader) {
    this.#reader = reader;
    const [stem = "list"] = basename(reader.file).split(".");
    this.#family = `Hash.${stem.replace(/[^A-Za-z0-9_-]+/g, "-") || "list"}`;
  }

  add(text: string, name: string, line: number): void {
    const key = text.toLowerCase();
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const digest = digestOf({ text, line, column: 1 });
    const pattern = { id: "0", line, kind: "hash", ...digest, size: null } as const;
    const label = name.replace(/[^\w.-]+/g, "-").slice(0, NAME_MAX);
    const full = `${this.#family}.${label === "" ? key.slice(0, 16) : label}`;
    const context = { file: this.#reader.file, number: line, isUnwanted: false, macros: new Map() };
    this.#reader.signatures.push(hashSignature(full, pattern, context));
  }
}

// md5sum writes `hash  file`; CSV has quotes. A header line has no hash and is no mistake.
function readLines(text: string, reader: FileReader, list: HashList): void {
  let isFirst = true;
  reader.lines(text, (line, number) => {
    const isHeader = isFirst;
    isFirst = false;
    if (line.startsWith("//") || line.startsWith(";")) return;
    const words = line.split(/[,;\s"'|]+/).filter((word) => word !== "");
    const hashes = words.filter((word) => HASH.test(word));
    if (hashes.length === 0 && !isHeader) {
      throw new SourceError("there is no hash", { line: number, column: 1 }, "MD5, SHA-1, SHA-256");
    }
    // The strongest of several is enough: they are of one file.
    const [best] = hashes.sort((a, b) => b.length - a.length);
    if (best !== undefined) list.add(best, "", number);
  });
}

function readJson(text: string, list: HashList): void {
  const at = { line: 1, column: 1 };
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SourceError(`this is no JSON: ${error.message}`, at);
  }
  const open = [root];
  let count = 0;
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (++count > VALUES_MAX) throw new SourceError("the document holds too much", at);
    if (typeof value === "string") {
      // MISP writes `name|hash` where it knows both.
      const [last = "", name = ""] = value.split("|").reverse();
      if (HASH.test(last)) list.add(last, name, 1);
    } else if (typeof value === "object" && value !== null) {
      for (const inner of Object.values(value)) if (inner !== null) open.push(inner);
    }
  }
}

/** Reads a list into a file's signatures. */
export function readHashList(text: string, reader: FileReader): void {
  const list = new HashList(reader);
  if (!/^\s*[[{]/.test(text)) {
    readLines(text, reader, list);
    return;
  }
  try {
    readJson(text, list);
  } catch (error) {
    reader.fault(error, 1);
  }
}
