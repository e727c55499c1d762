// Signatures of all formats: files are read by their extension, and come to one list of signatures
// and a report for each.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import type { SetLists } from "../../gwdb/lists/lists.ts";
import { CLAMAV_EXTENSIONS, type ImportFile, importClamav } from "../clamav/importer.ts";
import { FileReader, type FileReport } from "../clamav/report.ts";
import { parseSource } from "../parse.ts";
import { type Diagnostic, type Signature, SourceError } from "../source.ts";
import { importYara, YARA_EXTENSIONS } from "../yara/import.ts";
import { LIST_EXTENSIONS, readHashList } from "./hash-list.ts";

const FILES_MAX = 100_000;
const FOLDERS_DEEP_MAX = 16;
const FILE_SIZE_MAX = 1024 ** 3;
const OWN = ".gws";

/** What files came to. */
export interface Loaded {
  readonly signatures: readonly Signature[];
  /** What they hold beside signatures. */
  readonly lists: SetLists;
  /** One for each file, in their order. */
  readonly reports: readonly FileReport[];
}

const extensionOf = (path: string) => extname(path).toLowerCase();

/** Whether a file's extension is one of signatures; lists of hashes are only read when named. */
export function isSignatureFile(path: string): boolean {
  const extension = extensionOf(path);
  const isYara = YARA_EXTENSIONS.includes(extension);
  return extension === OWN || isYara || CLAMAV_EXTENSIONS.has(extension);
}

/** What went wrong with signatures while they were compiled: the rest of the story is the same. */
export function addDiagnostics(
  reports: readonly FileReport[],
  diagnostics: readonly Diagnostic[],
): FileReport[] {
  const byFile = Map.groupBy(diagnostics, ({ file }) => file);
  return reports.map((report) => {
    const more = byFile.get(report.file) ?? [];
    if (more.length === 0) return report;
    return {
      ...report,
      loaded: report.loaded - more.length,
      malformed: report.malformed + more.length,
      diagnostics: [...report.diagnostics, ...more],
    };
  });
}

function loadOwn({ path, bytes }: ImportFile): { signatures: Signature[]; report: FileReport } {
  const { signatures, diagnostics } = parseSource(path, Buffer.from(bytes).toString("utf8"));
  const report = {
    ...{ file: path, loaded: signatures.length, skipped: {} },
    ...{ malformed: diagnostics.length, diagnostics },
  };
  return { signatures: [...signatures], report };
}

function loadList({ path, bytes }: ImportFile): { signatures: Signature[]; report: FileReport } {
  const reader = new FileReader(path);
  readHashList(Buffer.from(bytes).toString("utf8"), reader);
  return { signatures: reader.signatures, report: reader.report() };
}

/** Reads files of any formats, together. Never throws for what is in them. */
export function loadSignatures(files: readonly ImportFile[]): Loaded {
  const byFormat = Map.groupBy(files, ({ path }) => {
    const extension = extensionOf(path);
    if (extension === OWN) return "own";
    if (YARA_EXTENSIONS.includes(extension)) return "yara";
    return LIST_EXTENSIONS.has(extension) ? "list" : "clamav";
  });
  const others = [
    ...(byFormat.get("own") ?? []).map(loadOwn),
    ...(byFormat.get("list") ?? []).map(loadList),
  ];
  const clamav = importClamav(byFormat.get("clamav") ?? []);
  const yara = importYara(
    (byFormat.get("yara") ?? []).map(({ path, bytes }) => ({
      path,
      text: Buffer.from(bytes).toString("utf8"),
    })),
  );
  return {
    signatures: [
      ...others.flatMap(({ signatures }) => signatures),
      ...clamav.signatures,
      ...yara.signatures,
    ],
    lists: clamav.lists,
    reports: [...others.map(({ report }) => report), ...clamav.reports, ...yara.reports],
  };
}

/** The files of a folder and the folders in it that hold signatures, sorted by name. */
function* walk(folder: string, depth: number): Generator<string> {
  if (depth > FOLDERS_DEEP_MAX) return;
  const entries = readdirSync(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path, depth + 1);
    else if (entry.isFile() && isSignatureFile(path)) yield path;
  }
}

/**
 * Reads what is named: files of any kind, and of folders all that hold signatures. Throws what the
 * file system throws, and SourceError if there is too much.
 */
export function readSignatureFiles(paths: readonly string[]): ImportFile[] {
  const files: ImportFile[] = [];
  const at = { line: 0, column: 0 };
  for (const named of paths) {
    const isFolder = statSync(named).isDirectory();
    for (const path of isFolder ? walk(named, 0) : [named]) {
      const { size } = statSync(path);
      if (size > FILE_SIZE_MAX) throw new SourceError(`${path} is larger than 1 GB`, at);
      if (files.length >= FILES_MAX) throw new SourceError(`${named} holds too many files`, at);
      files.push({ path, bytes: readFileSync(path) });
    }
  }
  return files;
}
