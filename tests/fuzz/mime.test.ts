// Broken mail from a fixed seed: taking it apart must neither throw, hang nor swell.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { explodeMail } from "../../src/mime/explode.ts";
import { summarise } from "../../src/mime/summary.ts";
import { base64Lines, uuencode } from "../harness/encode.ts";
import { budgetOf, drain, mailOf } from "../harness/extracts.ts";
import { mutated, random } from "./mutate.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDER = join(GW_CORPUS, "mime");
const SEED = 20_261_122;
const ROUNDS = 3000;
const SIZE_MAX = 60_000;
const DICTIONARY = [
  ...[
    "\r\n\r\n",
    "\n\n",
    "\r",
    "--b\r\n",
    "--b--",
    "=",
    "==",
    '"',
    "(",
    ";",
    "\0",
    "begin 644 x\n",
  ],
  ...["Content-Type: multipart/mixed; boundary=b\r\n", "Content-Transfer-Encoding: base64\r\n"],
  ...["boundary*0*=''", "=?utf-8?q?", "message/rfc822", "=ybegin line=1 name=x\n", " \t "],
];

function samples(): Buffer[] {
  const own = mailOf(
    'Content-Type: multipart/mixed; boundary="b"',
    ...["", "--b", "", uuencode("a", "content"), "--b", "Content-Type: message/rfc822"],
    ...["", "Content-Transfer-Encoding: base64", "", base64Lines("x".repeat(500)), "--b--", ""],
  );
  if (!existsSync(FOLDER)) return [own];
  const paths = readdirSync(FOLDER, { recursive: true })
    .sort()
    .map((name) => join(FOLDER, String(name)));
  const files = paths.filter((path) => statSync(path).isFile() && statSync(path).size < SIZE_MAX);
  return [own, ...files.map((path) => readFileSync(path))];
}

test("explodeMail() survives broken mail", () => {
  const next = random(SEED);
  const mails = samples();
  let slowest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const mail = mutated(mails[next(mails.length)] as Buffer, DICTIONARY, next);
    const startedAt = performance.now();
    const { extracts } = drain(explodeMail(mail, budgetOf()));
    summarise(mail);
    slowest = Math.max(slowest, performance.now() - startedAt);
    const size = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
    expect(size).toBeLessThanOrEqual(mail.length * 100 + 10_000);
  }
  expect(slowest).toBeLessThan(2000);
}, 120_000);

test.each([
  ["header lines", "A: b\r\n", 100_000],
  ["delimiters", "--b\r\n", 100_000],
  ["delimiters in a multipart", "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n", 5000],
  [
    "multiparts of many boundaries",
    'Content-Type: multipart/x; boundary=" a b "; boundary*0=a\r\n\r\n--a b\r\n--a\r\n',
    3000,
  ],
  ["encoded words", "Subject: =?utf-8?q?", 20_000],
  ["orphans", "\r\nContent-Transfer-Encoding: base64\r\n\r\n--", 20_000],
  ["bare CR", "\r", 500_000],
  ["colons", ":", 500_000],
])("explodeMail() is quick on floods of %s", (_, unit, count) => {
  const mail = Buffer.from(unit.repeat(count));
  const startedAt = performance.now();
  drain(explodeMail(mail, budgetOf()));
  summarise(mail);
  expect(performance.now() - startedAt).toBeLessThan(5000);
});
