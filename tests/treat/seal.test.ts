import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyMarks } from "../../src/treat/mail/marks.ts";
import { readSigningKey } from "../../src/treat/seal/keys.ts";
import { fromDomain, seal } from "../../src/treat/seal/seal.ts";

test.each([
  ["a@here.example", "here.example"],
  ["Alice <a@HERE.example>", "here.example"],
  ['"b@bank.example" <a@here.example>', "here.example"],
  ["a@here.example (not b@bank.example)", "here.example"],
  ["Alice\r\n <a@here.example>", "here.example"],
  ["<a@here.example>, <b@bank.example>", undefined],
  ["b@bank.example <a@here.example>", undefined],
  ["nobody", undefined],
])("fromDomain() of %j is %p", (from, domain) => {
  expect(fromDomain(Buffer.from(`From: ${from}\r\nSubject: x\r\n\r\n`))).toBe(domain);
});

test("fromDomain() is undefined for two From fields, and looks at the header alone", () => {
  expect(fromDomain(Buffer.from("From: a@b.example\r\nfrom: a@b.example\r\n\r\n"))).toBeUndefined();
  expect(fromDomain(Buffer.from("Subject: x\r\n\r\nFrom: a@b.example\r\n"))).toBeUndefined();
});

const pemOf = (bits: number) =>
  String(
    generateKeyPairSync("rsa", { modulusLength: bits }).privateKey.export({
      type: "pkcs8",
      format: "pem",
    }),
  );

test("readSigningKey() takes RSA of 1024 bits and more, and Ed25519", () => {
  const folder = mkdtempSync(join(tmpdir(), "gw-keys-"));
  const path = join(folder, "key.pem");
  const read = (pem: string) => {
    writeFileSync(path, pem);
    return () => readSigningKey(path);
  };
  const elliptic = generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;
  const edwards = generateKeyPairSync("ed25519").privateKey;
  expect(read(pemOf(1024))).not.toThrow();
  expect(read(String(edwards.export({ type: "pkcs8", format: "pem" })))).not.toThrow();
  expect(read(pemOf(768))).toThrow("RSA of 768 bits");
  expect(read(String(elliptic.export({ type: "pkcs8", format: "pem" })))).toThrow("neither an RSA");
  expect(read("nothing")).toThrow("no private key");
  rmSync(folder, { recursive: true });
});

test("seal() leaves a message with a chain that was not checked as it is, and says so", async () => {
  const key = { domain: "gw.example", selector: "s", privateKey: pemOf(1024) };
  const bytes = Buffer.from("ARC-Seal: i=1; cv=none\r\nFrom: a@b.example\r\n\r\nx\r\n");
  const arc = { key, results: "gw.example; none", chain: undefined };
  const sealed = await seal({ bytes, now: 0, arc });
  expect(Buffer.compare(Buffer.from(sealed.bytes), bytes)).toBe(0);
  expect(sealed.notes[0]).toContain("not ARC-sealed by gw.example (s): the chain it came with");
});

const LETTERS = "Für München, café, «ja» – 漢";

test.each([
  ["us-ascii", "Hello.", 'Fuer Muenchen, cafe, "ja" - ?'],
  ["utf-8", "Hello.", 'Fuer Muenchen, cafe, "ja" - ?'],
  ["iso-8859-1", "Grüße.", "Für München, café, «ja» - ?"],
  ["utf-8", "Grüße.", LETTERS],
] as const)("a disclaimer in a %s text that says %s is %s", (charset, hello, expected) => {
  const encoding = charset === "utf-8" ? "utf8" : "latin1";
  const head = `Content-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: 8bit\r\n`;
  const mail = Buffer.from(`${head}\r\n${hello}\r\n`, encoding);
  const { bytes } = applyMarks(
    mail,
    { disclaimer: { text: LETTERS, html: "" } },
    { isEdited: false },
  );
  expect(Buffer.from(bytes).toString(encoding)).toContain(`${hello}\r\n${expected}\r\n`);
});
