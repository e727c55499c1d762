// Mixed traffic for pictures and reports: ordinary mail of the corpus, test viruses in wrappers, and
// what gateways refuse. The same on every run of one seed.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openSession, type SendOutcome, toWire } from "./generator.ts";
import { eicarFile, pick, seededRandom } from "./sample-mail.ts";

/** How many mails had which reply code; "failed" for those without one. */
export type Tally = Readonly<Record<string, number>>;

const SIZE_MAX = 200_000;
const FILES_MAX = 400;
const SENDERS = ["alice", "bob", "carol", "news", "billing", "support", "shop", "no-reply"];
const DOMAINS = ["example.net", "partner.example", "mailing.example", "shop.example"];
const RECIPIENTS = ["ann", "ben", "cleo", "dan", "eva", "fritz", "info", "sales"];

function corpusFiles(): readonly string[] {
  const { GW_CORPUS = "../shared/corpus" } = process.env;
  const folder = join(GW_CORPUS, "mime");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".eml") || name.endsWith(".mbox"))
    .sort()
    .slice(0, FILES_MAX)
    .map((name) => join(folder, name));
}

function infected(number: number): Buffer {
  const coded = eicarFile().toString("base64");
  return Buffer.from(
    `From: a@example.net\nTo: b@example.org\nSubject: Invoice ${number}\nMIME-Version: 1.0\n` +
      'Content-Type: multipart/mixed; boundary="cut"\n\n--cut\n\nSee the file.\n--cut\n' +
      'Content-Type: application/octet-stream; name="invoice.com"\n' +
      `Content-Transfer-Encoding: base64\n\n${coded}\n--cut--\n`,
  );
}

function codeOf(outcome: SendOutcome): string {
  return outcome.kind === "replied" ? String(outcome.code) : "failed";
}

/** Sends `count` mails to a gateway on 127.0.0.1, one after the other; what they were answered. */
export async function sendMixed(port: number, count: number, seed = 1): Promise<Tally> {
  const random = seededRandom(seed);
  const files = corpusFiles();
  const tally: Record<string, number> = {};
  const of = (words: readonly string[]) => words[pick(random, words.length)] ?? "";
  for (let number = 0; number < count; number++) {
    const opening = await openSession({ port });
    if (opening.kind === "failed") {
      tally["failed"] = (tally["failed"] ?? 0) + 1;
      continue;
    }
    const kind = pick(random, 20);
    const file = files[pick(random, Math.max(1, files.length))];
    const plain = Buffer.from(`Subject: mail ${number}\n\nhello ${number}\n`);
    const bytes = kind < 4 ? infected(number) : file === undefined ? plain : readFileSync(file);
    const domain = kind === 4 ? "elsewhere.example" : "example.org";
    const recipients = Array.from(
      { length: 1 + pick(random, 3) },
      () => `${of(RECIPIENTS)}@${domain}`,
    );
    const sender =
      kind === 5 ? '"<script>alert(1)</script>"@evil.example' : `${of(SENDERS)}@${of(DOMAINS)}`;
    const text = bytes.subarray(0, SIZE_MAX).toString("latin1").replace(/\r?\n/g, "\r\n");
    const wire = toWire(Buffer.from(text, "latin1"));
    const outcome = await opening.session.send({ sender, recipients, wire });
    await opening.session.quit();
    const code = codeOf(outcome);
    tally[code] = (tally[code] ?? 0) + 1;
  }
  return tally;
}
