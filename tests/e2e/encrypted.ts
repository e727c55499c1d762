// What is encrypted is told, what is not is not, and what comes with its password is opened: `bun
// tests/e2e/encrypted.ts [WORD]`. Whether a file of the corpus is encrypted, and with which of the
// passwords in use there, is for 7-Zip and qpdf to say; of office documents their names say it. Each
// that has a password is then sent in a mail whose text tells it.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Verdict } from "../../src/message.ts";
import { BLIND, inspect } from "../../src/pipeline/inspect.ts";
import { fileType } from "../../src/scan/file-type.ts";
import { base64Lines } from "../harness/encode.ts";
import { LIMITS } from "../harness/extracts.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDER = join(GW_CORPUS, "containers");
const SIZE_MAX = 20 << 20;
const TIMEOUT_MS = 20_000;
/** Passwords that the authors of the samples give in their tests. */
const PASSWORDS = [
  ...["password", "12345678", "Password1234_", "VelvetSweatshop", "openpassword", "infected"],
  ...["user", "view", "master", "asdfqwerty", "123456789012345", "U", "O", "wwwww", "test"],
];
const ARCHIVES = new Set(["zip", "7z", "jar", "ooxml", "odf", "epub", "apk"]);
const OFFICE_ENCRYPTED = /\/encrypted\/|_password(?:_|\.)|encrypt-standard|password_\d/i;
// Debian's 7-Zip reads no RAR.
const RAR_ENCRYPTED = /encrypt|-psw/;
/** Told, and not opened: the "Strong Encryption" of PKWARE, which 7-Zip alone opens beside it. */
const STRONG = /test_read_format_zip_encryption_(?:data|partially)\.zip$/;
const OFFICE_PLAIN = /_plain\.|outputs\//;

/** What is known of a file without gw. */
interface Truth {
  readonly kind: string;
  readonly isEncrypted: boolean;
  /** Undefined if none of those in use opens it, or none is needed. */
  readonly password?: string | undefined;
}

function run(...command: readonly string[]): { code: number; text: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: TIMEOUT_MS },
  });
  return { code: exitCode, text: stdout.toString() + stderr.toString() };
}

function truthOf(path: string, bytes: Buffer): Truth | undefined {
  const kind = fileType(bytes);
  if (kind === "pdf") return pdfTruth(path);
  if (kind === "ole2") {
    const isEncrypted = OFFICE_ENCRYPTED.test(path) && !OFFICE_PLAIN.test(path);
    return { kind, isEncrypted };
  }
  if (kind === "rar") return { kind, isEncrypted: RAR_ENCRYPTED.test(path) };
  return ARCHIVES.has(kind) ? archiveTruth(path, kind) : undefined;
}

// qpdf --requires-password: 0 a password is needed, 2 not encrypted, 3 opened with the one given.
function pdfTruth(path: string): Truth | undefined {
  const isEncrypted = run("qpdf", "--is-encrypted", path).code === 0;
  if (!isEncrypted) return { kind: "pdf", isEncrypted };
  if (run("qpdf", "--requires-password", path).code === 3) return { kind: "pdf", isEncrypted };
  const password = PASSWORDS.find(
    (one) => run("qpdf", "--requires-password", `--password=${one}`, path).code === 3,
  );
  return { kind: "pdf", isEncrypted, password };
}

function archiveTruth(path: string, kind: string): Truth | undefined {
  const list = run("7zz", "l", "-slt", "-p", path);
  const isHidden = /Cannot open encrypted archive|Headers? Error.*encrypt/i.test(list.text);
  const isEncrypted = isHidden || /^Encrypted = \+/m.test(list.text);
  // What 7-Zip can't read at all is not for it to judge.
  if (!isEncrypted) return list.code === 0 ? { kind, isEncrypted } : undefined;
  const password = PASSWORDS.find((one) => run("7zz", "t", `-p${one}`, path).code === 0);
  return { kind, isEncrypted, password };
}

const notesOf = ({ objects }: Verdict) => objects.flatMap(({ notes }) => notes).join("; ");

function look(path: string, bytes: Buffer): { verdict: Verdict; isTold: boolean } {
  const verdict = inspect({ name: path, declaredType: "", bytes }, BLIND, LIMITS);
  const isOpened = notesOf(verdict).includes("opened with the password");
  const isProtected = verdict.objects.some(({ status }) => status === "protected");
  // An object that could not be seen for other reasons as well says both.
  const isNoted = /(?:^|; )encrypted/.test(notesOf(verdict));
  return { verdict, isTold: isProtected || isOpened || isNoted };
}

// The same as an attachment of a mail that tells its password.
function isOpenedByMail(bytes: Buffer, password: string): boolean {
  const lines = [
    ...["From: a@example.org", "To: b@example.org", "Subject: the report", "MIME-Version: 1.0"],
    ...["Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/plain", ""],
    ...[`Please find it attached. The password is: ${password}`, "", "--b"],
    ...["Content-Type: application/octet-stream; name=report.bin"],
    ...["Content-Transfer-Encoding: base64", "", base64Lines(bytes), "--b--", ""],
  ];
  const mail = Buffer.from(lines.join("\r\n"), "latin1");
  const subject = { name: "mail", declaredType: "message/rfc822", bytes: mail };
  const verdict = inspect(subject, BLIND, LIMITS);
  return notesOf(verdict).includes(`opened with the password`);
}

function samples(word: string): string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path.includes(word) && statSync(path).size <= SIZE_MAX)
    .sort();
}

async function main(): Promise<number> {
  const [word = ""] = process.argv.slice(2);
  const [encrypted, plain, given]: [string[], string[], string[]] = [[], [], []];
  let strong = 0;
  const [silent, wrong, closed]: [string[], string[], string[]] = [[], [], []];
  for (const path of samples(word)) {
    const bytes = readFileSync(path);
    const truth = truthOf(path, bytes);
    if (truth === undefined) continue;
    const name = relative(FOLDER, path);
    const { verdict, isTold } = look(path, bytes);
    // An empty password is no secret: the document is opened like any other.
    const isOpen = truth.kind === "pdf" && truth.isEncrypted && truth.password === undefined;
    if (!truth.isEncrypted) {
      plain.push(truth.kind);
      if (isTold) wrong.push(`${name}: ${notesOf(verdict).slice(0, 100)}`);
      continue;
    }
    encrypted.push(truth.kind);
    if (!isTold && !isOpen) silent.push(`${name}: ${verdict.status} ${notesOf(verdict)}`);
    if (truth.password === undefined) continue;
    given.push(truth.kind);
    if (STRONG.test(path)) strong++;
    else if (!isOpenedByMail(bytes, truth.password)) closed.push(`${name}: ${truth.password}`);
  }
  const findings = new Findings();
  findings.row("encrypted", `${encrypted.length}: ${tally(encrypted)}`);
  findings.row("plain", `${plain.length}: ${tally(plain)}`);
  findings.row("with a password in the mail", `${given.length}: ${tally(given)}`);
  findings.row("of these in PKWARE's Strong Encryption, told only", strong);
  findings.mustBeNone("encrypted, and not told", silent);
  findings.mustBeNone("plain, and called encrypted", wrong);
  findings.mustBeNone("not opened with the password in the mail", closed);
  return findings.print("encrypted samples");
}

await runScript(main);
