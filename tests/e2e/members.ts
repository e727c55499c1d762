// Every file of the corpus taken apart by gw and by other programs: `bun tests/e2e/members.ts
// [--docs] [WORD]`. Each file that 7-Zip, bsdtar, qpdf or mailparser takes out without an error must be
// among gw's objects, byte for byte, or gw must say of the archive that it did not see all; anything
// else must be explained here. --docs writes a row for every file into docs/members.md; WORD chooses
// files with it in their path. GW_CORPUS says where the corpus is.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { simpleParser } from "mailparser";
import type { Status } from "../../src/message.ts";
import { BLIND, inspect } from "../../src/pipeline/inspect.ts";
import { LIMITS } from "../harness/extracts.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDERS = ["containers", "mime"];
const DOCS = join("docs", "members.md");
const MARK_BEGIN = "<!-- members:begin -->";
const MARK_END = "<!-- members:end -->";
const TOOL_TIMEOUT_MS = 20_000;
const SIZE_MAX = 20 << 20;
const SILENT = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
const PASSWORD = "password";
/** Programs that gw is compared with; all but the last are asked about archives and documents. */
const PROGRAMS = ["7-Zip", "bsdtar", "qpdf", "mailparser"] as const;
const NOT_SAMPLES =
  /\.(?:md|txt|rst|py|cs|json|js|ts|go|rs|toml|ya?ml|LICENSE|sh)$|COPYING|LICENSE/i;

/** Why a difference is right although gw calls the file clean, by the program and the file's path. */
const EXPLAINED: readonly (readonly [where: RegExp, why: string])[] = [
  [/bsdtar .*mtree/, "a list of files that lie elsewhere, not in it"],
  [/mailparser .*legacy\/(?:017|026|048)\.eml/, "x-uuencode, which the other one does not decode"],
  [/mailparser .*nice\/mime1/, "a mailbox with one mail: it is taken for one"],
];

/** What mailparser's own types leave out. */
interface Attachment {
  readonly filename?: string;
  readonly content: Uint8Array;
}

interface Looked {
  readonly status: Status;
  readonly type: string;
  readonly hashes: ReadonlySet<string>;
  readonly count: number;
  readonly notes: string;
}

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function look(name: string, bytes: Buffer, isMail: boolean): Looked {
  const subject = { name, declaredType: isMail ? "message/rfc822" : "", bytes };
  const { status, objects } = inspect(subject, BLIND, LIMITS, { isHashed: true });
  const hashes = new Set(objects.map(({ hash = "" }) => hash));
  const notes = [...new Set(objects.flatMap((one) => one.notes))].join("; ").slice(0, 160);
  return { status, hashes, notes, type: objects[0]?.type ?? "", count: objects.length };
}

type Member = readonly [name: string, hash: string];

function filesIn(folder: string): Member[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size > 0 && statSync(path).size < LIMITS.objectSizeMax)
    .map((path): Member => [relative(folder, path), hashOf(readFileSync(path))]);
}

function extracted(command: readonly string[]): Member[] {
  const folder = mkdtempSync(join(tmpdir(), "gw-members-"));
  try {
    const run = command.map((word) => word.replace("DIR", folder));
    const { exitCode } = Bun.spawnSync(run, { timeout: TOOL_TIMEOUT_MS, ...SILENT });
    Bun.spawnSync(["chmod", "-R", "u+rwX", folder]);
    // What a program leaves behind when it fails are pieces of files.
    return exitCode === 0 ? filesIn(folder) : [];
  } catch {
    // A tool that leaves names behind which the system refuses has taken out nothing to compare.
    return [];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What other programs take out of a file. */
async function others(path: string, bytes: Buffer, isMail: boolean) {
  if (isMail) {
    const mail = await simpleParser(bytes).catch(() => undefined);
    const { attachments = [] } = (mail ?? {}) as { readonly attachments?: readonly Attachment[] };
    const members = attachments.filter(({ content }) => content.length > 0);
    return [
      ["mailparser", members.map((one): Member => [one.filename ?? "", hashOf(one.content)])],
    ] as const;
  }
  const tar = ["bsdtar", "--passphrase", PASSWORD, "--no-same-owner", "-xf", path, "-C", "DIR"];
  return [
    ["7-Zip", extracted(["7zz", "x", "-y", `-p${PASSWORD}`, "-oDIR", path])],
    ["bsdtar", extracted(tar)],
    ["qpdf", path.endsWith(".pdf") ? attachmentsOf(path) : []],
  ] as const;
}

/** The files that qpdf finds in a document. */
function attachmentsOf(path: string): Member[] {
  const list = Bun.spawnSync(["qpdf", "--list-attachments", path], { timeout: TOOL_TIMEOUT_MS });
  const keys = list.stdout.toString().match(/^.*(?= -> )/gm) ?? [];
  return keys.map((key) => {
    const shown = Bun.spawnSync(["qpdf", `--show-attachment=${key}`, path]);
    return [key, hashOf(shown.stdout)];
  });
}

interface Row {
  readonly path: string;
  readonly looked: Looked;
  /** By program: members, and those that gw does not have. */
  readonly compared: readonly (readonly [
    program: string,
    members: number,
    missing: readonly string[],
  ])[];
}

async function rowOf(path: string): Promise<Row> {
  const bytes = readFileSync(path);
  const isMail = path.includes("/mime/");
  const looked = look(path, bytes, isMail);
  const compared = (await others(path, bytes, isMail)).map(([program, members]) => {
    const missing = members.filter(([, hash]) => !looked.hashes.has(hash));
    return [program, members.length, missing.map(([name]) => name)] as const;
  });
  return { path: relative(GW_CORPUS, path), looked, compared };
}

/** A row of the table: path, type, status, objects, what each program has and gw has of it, notes. */
function shown({ path, looked, compared }: Row): string {
  const counts = PROGRAMS.map((program) => {
    const [, count = 0, missing = []] = compared.find(([name]) => name === program) ?? [];
    return count === 0 ? "–" : `${count - missing.length}/${count}`;
  });
  const missing = compared.filter(([, , names]) => names.length > 0);
  const why = missing.map(([program]) => reasonFor(path, program) ?? "").filter(Boolean);
  const notes = [...new Set(why), looked.notes].filter(Boolean).join("; ");
  const cells = [path, looked.type, looked.status, looked.count - 1, ...counts, notes];
  const safe = (cell: string | number) =>
    String(cell)
      .replace(/[|<>\\\p{Cc}]/gu, " ")
      .replaceAll("`", "'");
  return `| ${cells.map(safe).join(" | ")} |`;
}

function writeDocs(rows: readonly Row[]): void {
  const head =
    `| file | type | status | objects in it | ${PROGRAMS.join(" | ")} | what gw says |\n` +
    `|---|---|---|---|${"---|".repeat(PROGRAMS.length)}---|`;
  const [begin = "", rest = ""] = readFileSync(DOCS, "utf8").split(MARK_BEGIN);
  const end = rest.slice(rest.indexOf(MARK_END));
  const table = rows.map(shown).join("\n");
  writeFileSync(DOCS, `${begin}${MARK_BEGIN}\n\n${head}\n${table}\n\n${end}`);
}

function reasonFor(path: string, program: string): string | undefined {
  return EXPLAINED.find(([where]) => where.test(`${program} ${path}`))?.[1];
}

function samples(word: string): string[] {
  return FOLDERS.flatMap((folder) => {
    const root = join(GW_CORPUS, folder);
    if (!existsSync(root)) return [];
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !NOT_SAMPLES.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => path.includes(word) && statSync(path).size <= SIZE_MAX)
      .sort();
  });
}

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const rows: Row[] = [];
  for (const path of samples(words.find((one) => !one.startsWith("--")) ?? "")) {
    rows.push(await rowOf(path));
  }
  if (words.includes("--docs")) writeDocs(rows);
  const findings = new Findings();
  findings.row("files", rows.length);
  findings.row(
    "objects",
    rows.reduce((sum, { looked }) => sum + looked.count, 0),
  );
  findings.row("by status", tally(rows.map(({ looked }) => looked.status)));
  const open: string[] = [];
  const told: string[] = [];
  for (const program of PROGRAMS) {
    let [files, members, same] = [0, 0, 0];
    for (const { path, looked, compared } of rows) {
      const [, count = 0, missing = []] = compared.find(([name]) => name === program) ?? [];
      if (count === 0) continue;
      files++;
      members += count;
      same += count - missing.length;
      if (missing.length === 0) continue;
      const why = reasonFor(path, program);
      const names = missing.slice(0, 3).join(", ");
      const what = `${program} ${path}: ${missing.length} of ${count} missing (${names})`;
      if (looked.status !== "clean") told.push(`gw says ${looked.status}`);
      else if (why === undefined) open.push(what);
      else told.push(why);
    }
    findings.row(program, `${members} members of ${files} files, ${same} the same in gw`);
  }
  findings.row("explained", tally(told));
  findings.mustBeNone("unexplained", open);
  return findings.print("members");
}

await runScript(main);
