// The files that one configuration consists of: the file that is named, and after it every `*.toml`
// of the folder beside it that has its name with `.d`: `gw.d` for `gw.toml`. What a later file sets
// wins; `[[tables]]` of later files follow those of earlier ones. A file of SMTP-Gateway is read as
// well, and stands alone.
import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { parse, TomlError } from "smol-toml";
import { printable } from "../../text/printable.ts";
import { convertSmtpgw } from "../import/smtpgw/convert.ts";
import { isSmtpgw } from "../import/smtpgw/ini.ts";
import { locate, type Place } from "./locate.ts";
import { ConfigError, readRegular, readText, unreadable } from "./text-file.ts";

/** Most files of an include folder. */
const INCLUDES_MAX = 100;
/** How deep values may lie in each other. */
const DEPTH_MAX = 32;

/** Most problems that are reported of one configuration. */
export const PROBLEMS_MAX = 100;

/** Something wrong in a file; lines and columns count from 1. `file` is "" for a text. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** One file, taken apart. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly tree: Readonly<Record<string, unknown>>;
  readonly places: ReadonlyMap<string, Place>;
  /** What could not be taken apart; in TOML the rest is empty then. */
  readonly problems: readonly Problem[];
}

function syntaxProblem(file: string, error: TomlError): Problem {
  const message = (error.message.split("\n")[0] ?? "").replace("Invalid TOML document: ", "");
  return { file, line: error.line, column: error.column, message: `not TOML: ${message}` };
}

/** Takes a TOML text apart; `rows` as for `locate()`. */
export function sourceOf(file: string, text: string, rows = new Map<string, number>()): Source {
  try {
    const tree = parse(text, { maxDepth: DEPTH_MAX });
    return { file, text, tree, places: locate(text, rows), problems: [] };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { file, text, tree: {}, places: new Map(), problems: [syntaxProblem(file, error)] };
  }
}

// A file of SMTP-Gateway 5.5 or 5.0, read as it is; places are those in it.
function smtpgwSource(file: string, text: string): Source {
  const { draft, report, bad } = convertSmtpgw(text);
  const lines = bad.map(({ line, why }) => ({ file, line, column: 1, message: why }));
  const wrong = report.items
    .filter(({ outcome }) => outcome === "unknown" || outcome === "wrong")
    .map(({ line, parameter, note }) => {
      return { file, line, column: 1, message: printable(`${parameter}: ${note}`) };
    });
  const problems = [...lines, ...wrong].sort((a, b) => a.line - b.line).slice(0, PROBLEMS_MAX);
  return { file, text, tree: draft.tree(), places: draft.places(), problems };
}

/** The folder whose files belong to a configuration file. */
export function includeFolderOf(file: string): string {
  return `${file.replace(/\.toml$/, "")}.d`;
}

// Names in the order of their characters, whatever the language: `10-a.toml` before `9-b.toml`.
function includesOf(file: string): readonly string[] {
  const folder = includeFolderOf(file);
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw unreadable(folder, error);
  }
  const found = names.filter((name) => name.endsWith(".toml") && !name.startsWith("."));
  if (found.length > INCLUDES_MAX) {
    throw new ConfigError(`${folder}: more than ${INCLUDES_MAX} files; join some of them`);
  }
  return found.sort().map((name) => join(folder, name));
}

function realPathOf(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** A text that one of the files is to have. */
export interface Draft {
  readonly file: string;
  readonly text: string;
}

/**
 * All files of a configuration in their order, `draft` in the place of what its file holds; throws
 * ConfigError for one that can't be read.
 */
export function readSources(file: string, draft?: Draft): readonly Source[] {
  const text = draft?.file === file ? draft.text : readText(file);
  // Half-written or cut off by a full disk: the defaults are not what its writer meant.
  if (text.trim() === "") {
    throw new ConfigError(`${file}: empty: \`gw config sample\` prints a file to start from`);
  }
  if (isSmtpgw(text)) return [smtpgwSource(file, text)];
  const rows = new Map<string, number>();
  const sources = [sourceOf(file, text, rows)];
  const seen = new Set([realPathOf(file)]);
  for (const included of includesOf(file)) {
    const real = realPathOf(included);
    if (seen.has(real)) {
      throw new ConfigError(`${included}: leads to ${real}, which is read already; remove it`);
    }
    seen.add(real);
    const content = draft?.file === included ? draft.text : readRegular(included);
    sources.push(sourceOf(included, content, rows));
  }
  return sources;
}
