// All mails at hand: none may throw, hang, swell, or lose an attachment that mailparser finds.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { simpleParser } from "mailparser";
import { explodeMail } from "../../src/mime/explode.ts";
import { summarise } from "../../src/mime/summary.ts";
import { base64Lines } from "../harness/encode.ts";
import { budgetOf, drain, mailOf } from "../harness/extracts.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDER = join(GW_CORPUS, "mime");
const SAMPLE = mailOf(
  'Content-Type: multipart/mixed; boundary="b"',
  ...["", "--b", "", "text", "--b", "Content-Type: application/pdf; name=a.pdf"],
  ...["Content-Transfer-Encoding: base64", "", base64Lines("%PDF-1.4 sample"), "--b--", ""],
);

function* mails(): Generator<[path: string, bytes: Buffer]> {
  yield ["sample", SAMPLE];
  if (!existsSync(FOLDER)) return;
  for (const name of readdirSync(FOLDER, { recursive: true }).sort()) {
    const path = join(FOLDER, String(name));
    if (statSync(path).isFile()) yield [path, readFileSync(path)];
  }
}

interface Parsed {
  readonly attachments: readonly { filename?: string; contentType: string; content: Buffer }[];
}

// The package has no types, and gw declares only what it uses of it.
const parse = simpleParser as unknown as (
  bytes: Uint8Array,
  options?: { readonly skipTextToHtml: boolean },
) => Promise<Parsed>;

/** Hashes of all extracts, those of nested messages too. */
function hashesIn(message: Uint8Array): Set<string> {
  const hashes = new Set<string>();
  const open = [message];
  for (let bytes = open.pop(), n = 0; bytes !== undefined && n < 200; bytes = open.pop(), n++) {
    for (const extract of drain(explodeMail(bytes, budgetOf())).extracts) {
      hashes.add(hashOf(extract.bytes));
      if (extract.declaredType === "message/rfc822") open.push(extract.bytes);
    }
  }
  return hashes;
}

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("every mail is taken apart in bounded time and space", () => {
  let count = 0;
  for (const [path, bytes] of mails()) {
    const startedAt = performance.now();
    const { extracts } = drain(explodeMail(bytes, budgetOf()));
    summarise(bytes);
    const extracted = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
    // Ambiguous mails are given in several readings; twenty times is what the oddest one takes.
    expect({ path, isBounded: extracted <= bytes.length * 20 + 1000 }).toEqual({
      path,
      isBounded: true,
    });
    expect({ path, isQuick: performance.now() - startedAt < 1000 }).toEqual({
      path,
      isQuick: true,
    });
    count++;
  }
  expect(count).toBeGreaterThan(0);
}, 60_000);

test("attachments that mailparser decodes are among the extracts, byte for byte", async () => {
  let found = 0;
  const missed: string[] = [];
  for (const [path, bytes] of mails()) {
    if (/\.(?:json|xml|out)$/.test(path)) continue;
    const mail = await parse(bytes, { skipTextToHtml: true }).catch(() => undefined);
    const hashes = hashesIn(bytes);
    for (const attachment of mail?.attachments ?? []) {
      // It rewrites the line ends of text, and gives nested messages anew.
      if (/^(?:text|message)\//.test(attachment.contentType)) continue;
      // Nor does it decode uuencode.
      const { content } = attachment;
      if (content.length === 0 || /^\s*begin \d{3} /.test(content.toString("latin1", 0, 40)))
        continue;
      if (hashes.has(hashOf(content))) found++;
      else missed.push(`${path}: ${attachment.filename ?? attachment.contentType}`);
    }
  }
  expect(found).toBeGreaterThan(0);
  expect(missed).toEqual([]);
}, 60_000);
