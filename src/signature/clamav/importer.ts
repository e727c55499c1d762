// ClamAV's database files as signatures of gw. Each file is of a format by its extension; ignore
// lists and macro groups are read first, since they concern lines of other files.
import { extname } from "node:path";
import type { SetLists } from "../../gwdb/lists/lists.ts";
import type { Signature } from "../source.ts";
import { SourceError } from "../source.ts";
import { type ContainerKeys, openContainer } from "./container.ts";
import { readEntryLine } from "./entry.ts";
import { type HashRule, hashSignature, readHash } from "./hash.ts";
import { IgnoreList } from "./ignore.ts";
import { LIST_FILES, ListGatherer } from "./lists/gather.ts";
import { infoOf, type LineContext, readBodyLine, readLogicalLine } from "./logical.ts";
import type { BytePattern } from "./pattern/subsignature.ts";
import { FileReader, type FileReport } from "./report.ts";

/** A file to import: its path (which need not exist) and its bytes. */
export interface ImportFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a set of files came to. */
export interface Imported {
  readonly signatures: readonly Signature[];
  /** Passwords, and rules on links in mail. */
  readonly lists: SetLists;
  readonly reports: readonly FileReport[];
}

type LineReader = (line: string, context: LineContext) => Signature | null;

const OBJECT: HashRule = { of: "object", isSizeFirst: false, isAnySizeFree: false };
const SECTION: HashRule = { of: "section", isSizeFirst: true, isAnySizeFree: false };
const IMPORTS: HashRule = { of: "imports", isSizeFirst: false, isAnySizeFree: true };

const hashReader =
  (rule: HashRule): LineReader =>
  (line, context) => {
    const { name, pattern } = readHash(line, context.number, rule);
    return hashSignature(name, pattern, context);
  };

const readTrusted: LineReader = (line, context) => {
  const { name, pattern } = readHash(line, context.number, OBJECT);
  return { ...hashSignature(name, pattern, context), isTrusted: true };
};

const readLogical: LineReader = (line, context) => readLogicalLine(line, context);

const readBodies: LineReader = (line, context) => {
  const read = readBodyLine(line, context);
  return read.kind === "signature" ? read.signature : null;
};

// The first format there was: `name=hex`, with an optional level in the name that says nothing now.
const readOldest: LineReader = (line, context) => {
  const equals = line.indexOf("=");
  const at = { line: context.number, column: 1 };
  if (equals <= 0) throw new SourceError("there is no =", at, "name=hex");
  const name = line.slice(0, equals).replace(/\s*\(Clam\)$/, "");
  const read = readBodyLine(`x:0:*:${line.slice(equals + 1)}`, context);
  if (read.kind !== "signature") return null;
  return { ...read.signature, info: infoOf(name, context.isUnwanted) };
};

const READERS: Readonly<Record<string, LineReader>> = {
  ".ldb": readLogical,
  ".ldu": readLogical,
  ".ndb": readBodies,
  ".ndu": readBodies,
  ".sdb": readBodies,
  ".db": readOldest,
  ".hdb": hashReader(OBJECT),
  ".hdu": hashReader(OBJECT),
  ".hsb": hashReader(OBJECT),
  ".hsu": hashReader(OBJECT),
  ".mdb": hashReader(SECTION),
  ".mdu": hashReader(SECTION),
  ".msb": hashReader(SECTION),
  ".msu": hashReader(SECTION),
  ".imp": hashReader(IMPORTS),
  ".cdb": readEntryLine,
  ".fp": readTrusted,
  ".sfp": readTrusted,
};

// Files that say nothing to gw, and why.
const UNUSED: Readonly<Record<string, string>> = {
  ".zmd": "container metadata (old format)",
  ".rmd": "container metadata (old format)",
  ".ftm": "file type magic: gw tells types itself",
  ".idb": "icon hashes",
  ".crb": "trusted certificates",
  ".cbc": "bytecode is not run",
  ".cfg": "switches of ClamAV's engine",
  ".cat": "security catalogue",
  ".ioc": "OpenIOC",
  ".info": "contents of a container",
  ".sign": "signature of a container",
};

const IGNORES: ReadonlySet<string> = new Set([".ign", ".ign2"]);
const CONTAINERS: ReadonlySet<string> = new Set([".cvd", ".cld", ".cud"]);
const UNWANTED = /u$/;

/** Extensions of ClamAV's database files, lower case with their dot. */
export const CLAMAV_EXTENSIONS: ReadonlySet<string> = new Set([
  ...Object.keys(READERS),
  ...Object.keys(UNUSED),
  ...LIST_FILES,
  ...IGNORES,
  ...CONTAINERS,
]);

/** A path's extension as formats are told by it. */
export function extensionOf(path: string): string {
  return extname(path).toLowerCase();
}

// Bytes are kept one to one: names and patterns of ClamAV have no encoding.
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

/** Files that are read together. */
class ImportSet {
  readonly gatherer = new ListGatherer();
  readonly ignored = new IgnoreList();
  readonly macros = new Map<number, BytePattern[]>();

  /** First reading: what concerns other files. */
  prepare({ path, bytes }: ImportFile, reader: FileReader): void {
    const extension = extensionOf(path);
    if (IGNORES.has(extension)) this.ignored.read(textOf(bytes), reader);
    if (![".ndb", ".ndu", ".sdb"].includes(extension)) return;
    const text = textOf(bytes);
    if (!text.includes(":$")) return;
    // What is wrong with a line is reported when it is read again.
    new FileReader(path).lines(text, (line, number) => {
      if (!/^[^:]*:[^:]*:\$\d+\$:/.test(line)) return;
      const read = readBodyLine(line, this.#context(path, number));
      if (read.kind !== "macro") return;
      this.macros.set(read.group, [...(this.macros.get(read.group) ?? []), read.pattern]);
    });
  }

  #context(file: string, number: number): LineContext {
    const isUnwanted = UNWANTED.test(extensionOf(file));
    return { file, number, isUnwanted, macros: this.macros };
  }

  read({ path, bytes }: ImportFile, reader: FileReader): void {
    const extension = extensionOf(path);
    if (IGNORES.has(extension)) return;
    const read = READERS[extension];
    const text = textOf(bytes);
    if (LIST_FILES.has(extension)) {
      reader.lines(text, (line, number) => this.gatherer.take(extension, line, { number, reader }));
      return;
    }
    if (read === undefined) {
      const reason = UNUSED[extension] ?? "unknown kind of file";
      reader.lines(text, () => reader.skip(reason));
      return;
    }
    reader.lines(text, (line, number) => {
      const signature = read(line, this.#context(path, number));
      if (signature === null) reader.use();
      else if (this.ignored.has(signature.info.name, line)) reader.skip("on an ignore list");
      else reader.signatures.push(signature);
    });
  }
}

/** Replaces containers by the files they hold; what is wrong with one is in its report. */
function unpackAll(
  files: readonly ImportFile[],
  keys: ContainerKeys | undefined,
): { readonly files: ImportFile[]; readonly reports: FileReport[] } {
  const loose: ImportFile[] = [];
  const reports: FileReport[] = [];
  for (const file of files) {
    if (!CONTAINERS.has(extensionOf(file.path))) {
      loose.push(file);
      continue;
    }
    const reader = new FileReader(file.path);
    try {
      const members = openContainer(file, keys);
      for (const { name, bytes } of members) loose.push({ path: `${file.path}/${name}`, bytes });
    } catch (error) {
      reader.fault(error, 1);
    }
    reports.push(reader.report());
  }
  return { files: loose, reports };
}

/**
 * Imports files together. Never throws for what is in them: the reports say what is wrong, and it
 * costs only its own line (or container).
 */
export function importClamav(files: readonly ImportFile[], keys?: ContainerKeys): Imported {
  const set = new ImportSet();
  const unpacked = unpackAll(files, keys);
  const readers = unpacked.files.map((file) => ({ file, reader: new FileReader(file.path) }));
  for (const { file, reader } of readers) set.prepare(file, reader);
  for (const { file, reader } of readers) set.read(file, reader);
  return {
    signatures: readers.flatMap(({ reader }) => reader.signatures),
    lists: set.gatherer.lists,
    reports: [...unpacked.reports, ...readers.map(({ reader }) => reader.report())],
  };
}
