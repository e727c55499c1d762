// One attachment of each mail of the corpus is removed, and replaced by a text, by the compiled
// binary: `bun tests/e2e/parts.ts`. GW_CORPUS names the corpus (default: ../shared/corpus). What is
// delivered must have the planned parts and differ from what was sent in that part alone.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import type { ScannedObject } from "../../src/message.ts";
import { plainNames } from "../../src/policy/filter.ts";
import { openMail } from "../../src/treat/mail/mail.ts";
import { leavesOf, readParts } from "../../src/treat/mail/parts.ts";
import { Findings, runScript } from "../harness/findings.ts";
import { type GeneratorSession, openSession, toWire } from "../harness/generator.ts";
import { type PolicyGateway, startPolicyGateway } from "../harness/policy-gateway.ts";
import { until } from "../harness/process.ts";
import { look } from "../treat/orders.ts";
import { isRestUnchanged, otherParserOn, ownParts } from "../treat/part-checks.ts";

const SIZE_MAX = 1 << 20;
const ACTIONS = ["remove", "placeholder"] as const;
/** A configuration has at most a thousand groups. */
const BATCH_SIZE = 900;
const SETTLE_MS = 120_000;
const TRACE_END = /^X-Gw-Scan:[^\r\n]*\r\n/m;

/** One mail, one of its attachments, and what is to be done to that. */
interface Case {
  readonly name: string;
  readonly bytes: Buffer;
  readonly object: ScannedObject;
  readonly action: (typeof ACTIONS)[number];
  readonly recipient: string;
}

// As a client hands it over: every line ends in CRLF; bare CR and NUL are refused in the session.
function asSent(bytes: Buffer): Buffer | undefined {
  const text = bytes.toString("latin1").replaceAll(/\r?\n/g, "\r\n");
  if (/\r(?!\n)|\0/.test(text) || !/^[!-9;-~]+[ \t]*:/.test(text)) return undefined;
  return Buffer.from(text.endsWith("\r\n") ? text : `${text}\r\n`, "latin1");
}

// A filter is by name, so that the part must have one that nothing else in the mail has.
function namedPart(mail: Buffer): ScannedObject | undefined {
  const names = look(mail).objects.flatMap(({ name }) => plainNames(name));
  return ownParts(mail).findLast(({ name }) => {
    const isPlain = /^[^*?\p{Cc}]{1,200}$/u.test(name) && plainNames(name).length === 1;
    return isPlain && names.filter((one) => one === plainNames(name)[0]).length === 1;
  });
}

function readCases(): { readonly cases: readonly Case[]; readonly mails: number } {
  const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
  const root = join(GW_CORPUS, "mime");
  if (!existsSync(root)) return { cases: [], mails: 0 };
  let mails = 0;
  const cases = [...new Glob("**/*").scanSync(root)].sort().flatMap((name, index) => {
    const raw = readFileSync(join(root, name));
    const bytes = raw.length > SIZE_MAX ? undefined : asSent(raw);
    if (bytes === undefined) return [];
    mails++;
    const object = namedPart(bytes);
    if (object === undefined) return [];
    return ACTIONS.map((action) => {
      return { name, bytes, object, action, recipient: `${index}@${action}.parts.example` };
    });
  });
  return { cases, mails };
}

// A group and a filter for each: only so is exactly one part of each mail treated.
function rulesOf(cases: readonly Case[]): string {
  const everything = ["infected", "suspicious", "protected", "damaged", "unscanned", "filtered"]
    .map((status) => `${status} = "deliver"`)
    .join("\n");
  return cases
    .map(({ object, action, recipient }, index) => {
      const name = JSON.stringify(`case ${index}`);
      const group = `[[group]]\nname = ${name}\nto = ["${recipient}"]\n${everything}\n`;
      const filter = `[[filter]]\nname = ${name}\ngroups = [${name}]\n`;
      return `${group}\n${filter}names = [${JSON.stringify(object.name)}]\nobject = "${action}"\n`;
    })
    .join("\n");
}

const counts = { agrees: 0, differs: 0, beyond: 0 };

// What is wrong with what was delivered; "" if nothing is.
async function complaintOf(one: Case, delivered: Buffer): Promise<string> {
  const { bytes, object, action } = one;
  const trace = TRACE_END.exec(delivered.toString("latin1", 0, 4096));
  const after = delivered.subarray((trace?.index ?? 0) + (trace?.[0].length ?? 0));
  if (after.equals(bytes)) return "it was delivered as it came";
  if (!isRestUnchanged(bytes, after, object)) return "other bytes than the part's changed";
  const [planned, found] = [leavesOf(readParts(bytes)).length, leavesOf(readParts(after)).length];
  const isPlanned = found === planned || (action === "remove" && found === planned - 1);
  if (!isPlanned) return `it has ${found} parts and had ${planned}`;
  const content = openMail(bytes).read(object);
  if (action !== "remove" || content === undefined || content.length === 0) return "";
  const opinion = await otherParserOn(bytes, after, content);
  counts[opinion]++;
  return opinion === "differs" ? "another parser sees other attachments" : "";
}

async function sendAll(gateway: PolicyGateway, cases: readonly Case[]): Promise<readonly string[]> {
  const refused: string[] = [];
  let session: GeneratorSession | undefined;
  for (const { name, bytes, recipient } of cases) {
    if (session === undefined || session.isGone) {
      const opening = await openSession({ port: gateway.port });
      if (opening.kind === "failed") throw new Error("the gateway takes no connection");
      session = opening.session;
    }
    const outcome = await session.send({
      sender: "alice@example.com",
      recipients: [recipient],
      wire: toWire(bytes),
      parameters: "BODY=8BITMIME",
    });
    const isAccepted = outcome.kind === "replied" && outcome.code === 250;
    const said = outcome.kind === "lost" ? "connection lost" : outcome.text;
    if (!isAccepted) refused.push(`${name}: ${said}`);
  }
  await session?.quit();
  return refused;
}

/** What a gateway made of some of the cases. */
interface Batch {
  readonly treated: number;
  readonly kept: number;
  readonly refused: readonly string[];
  readonly complaints: readonly string[];
}

async function runBatch(cases: readonly Case[]): Promise<Batch> {
  const gateway = await startPolicyGateway(rulesOf(cases));
  try {
    const refused = await sendAll(gateway, cases);
    const kept = (await gateway.jsonOf("quarantine", "list", "--limit", "10000")).length;
    const treated = cases.length - refused.length - kept;
    await until(() => gateway.arrived.length >= treated, SETTLE_MS);
    const byRecipient = new Map(gateway.arrived.map((one) => [one.recipients[0] ?? "", one.bytes]));
    const complaints: string[] = [];
    for (const one of cases) {
      const delivered = byRecipient.get(one.recipient);
      const complaint = delivered === undefined ? "" : await complaintOf(one, delivered);
      if (complaint !== "") complaints.push(`${one.name}, ${one.action}: ${complaint}`);
    }
    if (byRecipient.size !== treated) {
      complaints.push(`${treated} are neither refused nor kept, and ${byRecipient.size} arrived`);
    }
    return { treated, kept, refused, complaints };
  } finally {
    await gateway.stop();
  }
}

async function main(): Promise<number> {
  const { cases, mails } = readCases();
  if (cases.length === 0) {
    process.stdout.write("parts: skipped, there is no mail in the corpus\n");
    return 0;
  }
  const batches: Batch[] = [];
  for (let at = 0; at < cases.length; at += BATCH_SIZE) {
    batches.push(await runBatch(cases.slice(at, at + BATCH_SIZE)));
  }
  const findings = new Findings();
  const sum = (of: (batch: Batch) => number) => batches.reduce((all, one) => all + of(one), 0);
  findings.row("mails", mails);
  findings.row(
    "attachments removed or replaced",
    sum(({ treated }) => treated),
  );
  findings.row(
    "kept in quarantine: signed, or readers disagree",
    sum(({ kept }) => kept),
  );
  findings.row("another parser agrees", counts.agrees);
  findings.row("beyond the other parser", counts.beyond);
  findings.mustBeNone(
    "refused in the session",
    batches.flatMap(({ refused }) => refused),
  );
  findings.mustBeNone(
    "wrong",
    batches.flatMap(({ complaints }) => complaints),
  );
  return findings.print("parts");
}

await runScript(main);
