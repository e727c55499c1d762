// Mail that is made to be read differently by different programs: what it hides is found, or the
// message is told to be ambiguous; and mail of ordinary programs is never told to be that.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { explodeMail } from "../../src/mime/explode.ts";
import { budgetOf, drain, EICAR, pathsWith } from "../harness/extracts.ts";
import { ambiguousMails, evasions } from "./build-evasions.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;

const reasonsOf = (mail: Buffer) =>
  (drain(explodeMail(mail, budgetOf())).findings ?? []).map(({ signature }) =>
    signature.replace("Heuristic.Mail.Ambiguous.", ""),
  );

describe("what evasive mails hide", () => {
  const all = evasions(EICAR);
  for (const [group, mails] of Map.groupBy(all, (mail) => mail.group)) {
    test(`is found, or the message is ambiguous: ${group}, ${mails.length} mails`, () => {
      const missed = mails.filter(
        ({ bytes }) => pathsWith(bytes, EICAR).length === 0 && reasonsOf(bytes).length === 0,
      );
      expect(missed.map(({ name }) => name)).toEqual([]);
    });
  }

  test("counts", () => {
    const found = all.filter(({ bytes }) => pathsWith(bytes, EICAR).length > 0).length;
    const marked = all.filter(({ bytes }) => reasonsOf(bytes).length > 0).length;
    process.stdout.write(`${all.length} evasive mails: ${found} found, ${marked} ambiguous\n`);
    expect(all.length).toBeGreaterThan(300);
  });
});

test.each([...ambiguousMails()])("%s: %s", (reason, _, mail) => {
  expect(reasonsOf(mail)).toContain(reason);
});

// Real programs and well-formed samples; the folders with mails that are broken on purpose, or by
// hand, are left out.
const ORDINARY = [
  ["ham"],
  ["mime", "postal-mime"],
  ["mime", "spamassassin-t-data", "nice"],
  ["mime", "spamassassin-t-data", "dkim"],
  ["mime", "mox", "message"],
  ["mime", "kumomta"],
  ["mime", "mimekit", "dkim"],
  ["mime", "mimekit", "partial"],
  ["mime", "mikel-mail", "emails", "rfc2822"],
  ["mime", "mikel-mail", "emails", "attachment_emails"],
  ["mime", "stalwart-mail-parser", "eml", "rfc"],
];

test("mail of ordinary programs is not ambiguous", () => {
  const marked: string[] = [];
  let count = 0;
  for (const folder of ORDINARY.map((names) => join(GW_CORPUS, ...names))) {
    for (const name of existsSync(folder) ? readdirSync(folder, { recursive: true }) : []) {
      const path = join(folder, String(name));
      if (!statSync(path).isFile()) continue;
      count++;
      const reasons = reasonsOf(readFileSync(path));
      if (reasons.length > 0) marked.push(`${path}: ${reasons.join(", ")}`);
    }
  }
  process.stdout.write(`${count} ordinary mails: ${marked.length} ambiguous\n`);
  expect(marked).toEqual([]);
  const own = ["Content-Type: multipart/mixed; boundary=b", "", "--b", "", "hello", "--b--", ""];
  expect(reasonsOf(Buffer.from(own.join("\r\n")))).toEqual([]);
});
