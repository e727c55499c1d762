// Broken 8-bit mail from a fixed seed: putting it into 7 bits must neither throw nor hang, and what
// it gives is 7-bit, with whole lines only.
import { expect, test } from "bun:test";
import { hasHighByte } from "../../src/base/bytes.ts";
import { toSevenBit } from "../../src/outbound/convert/seven-bit.ts";
import { mutated, random } from "./mutate.ts";

const SEED = 20_261_123;
const ROUNDS = 5000;
const DICTIONARY = [
  ...["\r\n\r\n", "\r\n", "--b\r\n", "--b--\r\n", "--c\r\n", "=", "=E9", '"', "<", ">", ";", "é"],
  ...["Content-Type: multipart/mixed; boundary=b\r\n", "Content-Transfer-Encoding: base64\r\n"],
  ...["Content-Type: message/rfc822\r\n", "Content-Type: multipart/signed; boundary=b\r\n"],
  ...['Content-Disposition: x; filename="é"\r\n', "Subject: é =?utf-8?q?=C3=A9?= é\r\n"],
  ...['From: é <a@b>, "é" <é@b>\r\n', "Content-Transfer-Encoding: quoted-printable\r\n", " \t"],
];
const SAMPLE = Buffer.from(
  [
    ...["From: Jörg <j@example.org>", "Subject: é", "MIME-Version: 1.0"],
    ...["Content-Type: multipart/mixed; boundary=b", "", "é", "--b", "", "é", "--b"],
    ...["Content-Type: multipart/alternative; boundary=c", "", "--c", "", "é", "--c--", "--b"],
    ...["Content-Type: message/rfc822", "", "Subject: é", "", "é", "--b--", "é", ""],
  ].join("\r\n"),
);

test("toSevenBit() survives broken mail", () => {
  const next = random(SEED);
  const counts = { plain: 0, converted: 0, fixed: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    let mail: Buffer = SAMPLE;
    for (let left = 1 + next(6); left > 0; left--) mail = mutated(mail, DICTIONARY, next);
    const result = toSevenBit(mail);
    counts[result.kind]++;
    if (result.kind !== "converted") continue;
    expect(hasHighByte(result.bytes)).toBe(false);
    const hasBare = (text: string) => /\r(?!\n)|(?<!\r)\n/.test(text);
    if (!hasBare(mail.toString("latin1")))
      expect(hasBare(result.bytes.toString("latin1"))).toBe(false);
  }
  expect(counts.converted).toBeGreaterThan(ROUNDS / 20);
});
