// Sends documents through the compiled gateway with rules that cure, and tells what became of each;
// and asks the programs that people open documents with what they think of the result.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { attachmentsOf } from "../treat/orders.ts";
import { ACTIVE_SIGNATURES, type ActiveDocument } from "./active-documents.ts";
import { base64Lines } from "./encode.ts";
import { type PolicyGateway, startPolicyGateway } from "./policy-gateway.ts";
import { until } from "./process.ts";

/** What became of a document on its way through the gateway. */
export interface CureResult {
  readonly document: ActiveDocument;
  /** `passed`: as it was; `replaced`: a note in its place; `kept`: in quarantine; or the reply. */
  readonly fate: "cured" | "passed" | "replaced" | "kept" | `reply ${number}`;
  /** What arrived, where something did. */
  readonly bytes: Buffer | undefined;
}

const RULES = `
[[group]]
name = "cure"
to = ["*@cure.example"]
infected = "deliver"
infected_object = "cure"
suspicious = "deliver"
suspicious_object = "cure"
protected = "deliver"
damaged = "deliver"
unscanned = "deliver"
backup = ["infected", "suspicious"]
`;
const SETTLE_MS = 120_000;
const OFFICE_MS = 240_000;

/** A gateway that cures what is sent to `*@cure.example`. */
export function startCureGateway(): Promise<PolicyGateway> {
  return startPolicyGateway(RULES, { signatures: ACTIVE_SIGNATURES });
}

function mailOf(id: string, { name, bytes }: ActiveDocument): string {
  return [
    "From: Alice <alice@example.com>",
    `Subject: ${id}`,
    `Message-ID: <${id}@example.com>`,
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="next"',
    "",
    "--next",
    "Content-Type: text/plain",
    "",
    "Please see the file.",
    "--next",
    "Content-Type: application/octet-stream",
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment; filename="${name}"`,
    "",
    base64Lines(bytes),
    "--next--",
    "",
  ].join("\r\n");
}

/** Sends all documents, waits until each is delivered or kept, and tells which was what. */
export async function cureAll(
  gateway: PolicyGateway,
  documents: readonly ActiveDocument[],
): Promise<readonly CureResult[]> {
  const idOf = (index: number) => `cure-${index}`;
  const replies: number[] = [];
  for (const [index, document] of documents.entries()) {
    const to = [`${idOf(index)}@cure.example`];
    const mail = mailOf(idOf(index), document);
    replies.push((await gateway.send({ from: "alice@example.com", to, mail })).code);
  }
  const kept = new Set(
    (await gateway.jsonOf("quarantine", "list")).map((one) => one.subject as string),
  );
  const isDue = (index: number) => replies[index] === 250 && !kept.has(idOf(index));
  const arrived = (index: number) =>
    gateway.arrived.find(({ recipients }) => recipients.includes(`${idOf(index)}@cure.example`));
  await until(() => replies.every((_, n) => !isDue(n) || arrived(n) !== undefined), SETTLE_MS);
  return await Promise.all(
    documents.map(async (document, index): Promise<CureResult> => {
      const code = replies[index] ?? 0;
      if (code !== 250) return { document, fate: `reply ${code}`, bytes: undefined };
      if (kept.has(idOf(index))) return { document, fate: "kept", bytes: undefined };
      const [attachment] = await attachmentsOf(arrived(index)?.bytes ?? Buffer.alloc(0));
      const bytes = attachment?.content;
      if (bytes === undefined || attachment?.filename !== document.name) {
        return { document, fate: "replaced", bytes };
      }
      return { document, fate: bytes.equals(document.bytes) ? "passed" : "cured", bytes };
    }),
  );
}

/** What a set of programs says of files, by the files' place in the list: undefined if none does. */
export type Opinions = readonly (boolean | undefined)[];

const OFFICE = /^\.(?:do[ct][xm]?|xl[sta][xmb]?|xlam|p[op][ts][xm]?|rtf|html|svg)$/;

function run(command: readonly string[], timeout: number): number {
  const { exitCode } = Bun.spawnSync([...command], { stdout: "ignore", stderr: "ignore", timeout });
  return exitCode;
}

/** Whether each file opens in the program for its kind, as far as these are installed. */
export function opinionsOf(files: readonly { readonly name: string; readonly bytes: Buffer }[]) {
  const folder = mkdtempSync(join(tmpdir(), "gw-opens-"));
  try {
    const paths = files.map(({ name, bytes }, index) => {
      const path = join(folder, `${index}${extname(name)}`);
      writeFileSync(path, bytes);
      return path;
    });
    const office = inOffice(folder, paths);
    return paths.map((path, index) => {
      const checks = [office(index), ...withTools(path)].filter((one) => one !== undefined);
      return checks.length === 0 ? undefined : checks.every((one) => one);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// One run of the office program for all of them: its start takes longer than its work.
function inOffice(folder: string, paths: readonly string[]) {
  const soffice = Bun.which("soffice");
  const documents = paths.filter((path) => OFFICE.test(extname(path)));
  if (soffice === null || documents.length === 0) return () => undefined;
  const out = join(folder, "out");
  mkdirSync(out);
  const profile = `-env:UserInstallation=file://${folder}/profile`;
  const options = ["--headless", profile, "--convert-to", "pdf", "--outdir", out];
  run([soffice, ...options, ...documents], OFFICE_MS);
  return (index: number): boolean | undefined => {
    const path = paths[index] ?? "";
    if (!documents.includes(path)) return undefined;
    const made = statSync(join(out, `${index}.pdf`), { throwIfNoEntry: false });
    return made !== undefined && made.size > 0;
  };
}

function* withTools(path: string): Generator<boolean | undefined> {
  const tools: Readonly<Record<string, readonly (readonly string[])[]>> = {
    ".pdf": [
      ["qpdf", "--check"],
      ["pdftotext", "-q"],
    ],
    ".zip": [["unzip", "-tqq"]],
    ".tar": [["tar", "-tf"]],
    ".gz": [["gzip", "-t"]],
  };
  const isPackage = readFileSync(path).subarray(0, 2).toString() === "PK";
  for (const [tool = "", ...args] of tools[isPackage ? ".zip" : extname(path)] ?? []) {
    const found = Bun.which(tool);
    if (found === null) yield undefined;
    else
      yield run([found, ...args, path, ...(tool === "pdftotext" ? ["/dev/null"] : [])], 30_000) ===
        0;
  }
}

/** Harmless documents as LibreOffice writes them; none where it is not installed. */
export function officeBases(): Readonly<Record<string, Buffer>> {
  const soffice = Bun.which("soffice");
  if (soffice === null) return {};
  const folder = mkdtempSync(join(tmpdir(), "gw-bases-"));
  try {
    const sources: Readonly<Record<string, readonly [text: string, to: readonly string[]]>> = {
      "text.txt": ["Hello, this is a document.\n", ["docx", "doc"]],
      "table.csv": ["a,b\n1,2\n3,4\n", ["xlsx", "xls"]],
      "slides.fodp": [SLIDES, ["pptx", "ppt"]],
    };
    const bases: Record<string, Buffer> = {};
    for (const [name, [text, targets]] of Object.entries(sources)) {
      writeFileSync(join(folder, name), text);
      for (const target of targets) {
        const profile = `-env:UserInstallation=file://${folder}/profile`;
        const options = ["--headless", profile, "--convert-to", target, "--outdir", folder];
        run([soffice, ...options, join(folder, name)], OFFICE_MS);
        const made = join(folder, name.replace(/\.\w+$/, `.${target}`));
        if (statSync(made, { throwIfNoEntry: false })) bases[target] = readFileSync(made);
      }
    }
    return bases;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const SLIDES = `<?xml version="1.0" encoding="UTF-8"?>
<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" office:version="1.3"
 office:mimetype="application/vnd.oasis.opendocument.presentation">
 <office:body><office:presentation><draw:page draw:name="one">
 <draw:frame svg:x="2cm" svg:y="2cm" svg:width="10cm" svg:height="3cm">
 <draw:text-box><text:p>Hello, this is a slide.</text:p></draw:text-box></draw:frame>
 </draw:page></office:presentation></office:body></office:document>`;
