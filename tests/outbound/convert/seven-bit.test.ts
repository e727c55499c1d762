// 8-bit mail in 7 bits: what it looks like, what is left alone, and that a reader sees the same.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { hasHighByte } from "../../../src/base/bytes.ts";
import { toSevenBit } from "../../../src/outbound/convert/seven-bit.ts";
import { pick, type Random, seededRandom } from "../../harness/sample-mail.ts";
import { seen } from "./parsed.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;

const mail = (...lines: readonly string[]) => Buffer.from(lines.join("\r\n"));
const latin = (...lines: readonly string[]) => Buffer.from(lines.join("\r\n"), "latin1");

function converted(message: Buffer): string {
  const result = toSevenBit(message);
  return result.kind === "converted" ? result.bytes.toString("latin1") : result.kind;
}

const CASES: [string, Buffer, string][] = [
  ["ASCII is left", mail("Subject: a", "", "b"), "plain"],
  [
    "a text without MIME gets all its fields",
    mail("Subject: a", "", "Grüße an alle", ""),
    [
      "Subject: a",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: quoted-printable",
      "MIME-Version: 1.0",
      "",
      "Gr=C3=BC=C3=9Fe an alle",
      "",
    ].join("\r\n"),
  ],
  [
    "a text of which nobody knows the charset is called that",
    latin("Subject: a", "", "Gr\xfc\xdfe and so on, in an encoding of old"),
    [
      "Subject: a",
      "Content-Type: text/plain; charset=unknown-8bit",
      "Content-Transfer-Encoding: quoted-printable",
      "MIME-Version: 1.0",
      "",
      "Gr=FC=DFe and so on, in an encoding of old",
    ].join("\r\n"),
  ],
  [
    "an encoding that is there is changed in its place",
    mail(
      "MIME-Version: 1.0",
      "Content-Transfer-Encoding:",
      " 8bit",
      "Content-Type: text/html; charset=utf-8",
      "",
      "<p>é and more of it</p>",
    ),
    [
      "MIME-Version: 1.0",
      "Content-Transfer-Encoding: quoted-printable",
      "Content-Type: text/html; charset=utf-8",
      "",
      "<p>=C3=A9 and more of it</p>",
    ].join("\r\n"),
  ],
  [
    "only the part that needs it is changed, and its multipart is 7bit then",
    mail(
      ...["MIME-Version: 1.0", "Content-Transfer-Encoding: 8bit"],
      ...["Content-Type: multipart/mixed; boundary=b", "", "--b", "", "  plain =20", "--b"],
      ...["Content-Type: text/plain; charset=utf-8", "", "é is one of many letters", "--b--", ""],
    ),
    [
      ...["MIME-Version: 1.0", "Content-Transfer-Encoding: 7bit"],
      ...["Content-Type: multipart/mixed; boundary=b", "", "--b", "", "  plain =20", "--b"],
      ...["Content-Type: text/plain; charset=utf-8"],
      ...["Content-Transfer-Encoding: quoted-printable", ""],
      ...["=C3=A9 is one of many letters", "--b--", ""],
    ].join("\r\n"),
  ],
  [
    "a mail in a mail is converted inside",
    mail(
      ...[
        "MIME-Version: 1.0",
        "Content-Type: message/rfc822",
        "",
        "Subject: é",
        "MIME-Version: 1.0",
      ],
      ...["Content-Type: text/plain; charset=utf-8", "", "Grüße an alle"],
    ),
    [
      ...["MIME-Version: 1.0", "Content-Type: message/rfc822", ""],
      ...["Subject: =?utf-8?B?w6k=?=", "MIME-Version: 1.0"],
      ...["Content-Type: text/plain; charset=utf-8"],
      ...["Content-Transfer-Encoding: quoted-printable", "", "Gr=C3=BC=C3=9Fe an alle"],
    ].join("\r\n"),
  ],
  [
    "names, texts and parameters of fields become words of ASCII",
    mail(
      'From: "Jörg, Boss" <j@example.org>, Zoë van Ünder <z@example.org>',
      "Subject: Grüße an alle",
      "MIME-Version: 1.0",
      'Content-Disposition: attachment; filename="é.txt"',
      "",
      "x",
    ),
    [
      "From: =?utf-8?B?SsO2cmcsIEJvc3M=?= <j@example.org>, =?utf-8?B?Wm/Dqw==?= van =?utf-8?B?w5xuZGVy?= <z@example.org>",
      "Subject: =?utf-8?B?R3LDvMOfZQ==?= an alle",
      "MIME-Version: 1.0",
      "Content-Disposition: attachment;",
      " filename*0*=utf-8''%C3%A9.txt",
      "",
      "x",
    ].join("\r\n"),
  ],
  [
    "quoted-printable that has raw bytes decodes to the same",
    mail(
      ...["MIME-Version: 1.0", "Content-Transfer-Encoding: quoted-printable", ""],
      ...["caf=C3=A9 é"],
    ),
    [
      ...["MIME-Version: 1.0", "Content-Transfer-Encoding: quoted-printable", ""],
      ...["caf=C3=A9 =C3=A9"],
    ].join("\r\n"),
  ],
];

test.each(CASES)("%s", (_, message, expected) => {
  expect(converted(message)).toBe(expected);
});

const FIXED: [string, Buffer, string][] = [
  [
    "a signed part",
    mail("Content-Type: multipart/signed; boundary=b", "", "--b", "", "é", "--b--"),
    "signed or encrypted",
  ],
  [
    "an encrypted part",
    mail("Content-Type: application/pkcs7-mime; smime-type=enveloped-data", "", "é"),
    "signed or encrypted",
  ],
  ["a multipart without boundary", mail("Content-Type: multipart/mixed", "", "é"), "boundary"],
  ["an address", mail("From: <jörg@example.org>", "", "x"), "a field: From"],
  ["a strict field", mail("Message-ID: <é@example.org>", "", "x"), "a field: Message-ID"],
  [
    "two encodings",
    mail("Content-Transfer-Encoding: 8bit", "Content-Transfer-Encoding: base64", "", "é"),
    "not clear",
  ],
  ["uuencode", mail("Content-Transfer-Encoding: x-uuencode", "", "é"), "x-uuencode"],
  ["a header that is none", mail("Grüße", "an alle"), "not clear"],
];

test.each(FIXED)("%s is left as it is, and it is said why", (_, message, reason) => {
  const result = toSevenBit(message);
  expect(result.kind).toBe("fixed");
  if (result.kind === "fixed") expect(result.reason).toContain(reason);
});

test("a signed part in 7 bits does not keep its neighbours from being converted", () => {
  const signed = ["Content-Type: multipart/signed; boundary=s", "", "--s", "", "a", "--s--"];
  const message = mail(
    ...["MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "", "--b"],
    ...[
      ...signed,
      "--b",
      "Content-Type: text/plain; charset=utf-8",
      "",
      "Grüße an alle hier",
      "--b--",
      "",
    ],
  );
  const text = converted(message);
  expect(text).toContain(signed.join("\r\n"));
  expect(text).toContain("Gr=C3=BC=C3=9Fe an alle hier");
});

test("a DKIM signature that breaks is told", () => {
  const message = mail("DKIM-Signature: v=1", "Subject: a", "", "é");
  expect(toSevenBit(message)).toMatchObject({ kind: "converted", hasDkim: true });
});

const LARGE: [string, string][] = [
  ["lines", "é and some words of a line\r\n".repeat(60_000)],
  ["one line", `é${"x".repeat(1_500_000)}`],
  ["line ends at the end of a slice", `é${"x".repeat(512 * 1024 - 3)}\r\n${"y".repeat(600_000)}`],
  ["high bytes only", "é".repeat(1_500_000)],
];

test.each(LARGE)("a large body of %s decodes to the same", (_, text) => {
  const whole = converted(mail("MIME-Version: 1.0", "", text));
  const head = whole.slice(0, whole.indexOf("\r\n\r\n"));
  const body = whole.slice(head.length + 4);
  const isBase64 = head.includes("Encoding: base64");
  const plain = isBase64
    ? Buffer.from(body, "base64")
    : Buffer.from(
        body
          .replace(/=\r\n/g, "")
          .replace(/=([0-9A-F]{2})/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
        "latin1",
      );
  expect(plain.equals(Buffer.from(text))).toBe(true);
  expect(Math.max(...body.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(76);
});

// Texts with bytes above 127 in every proportion and odd places; no characters that mailparser
// itself changes when it tidies up.
const LETTERS = [
  "a",
  "word ",
  "é",
  "ü ",
  "日本",
  "😀",
  ". ",
  ".",
  "=",
  "=3D",
  " \r\n",
  "\r\n",
  "From ",
];

function someText(random: Random): string {
  const length = pick(random, 60);
  const pieces = Array.from({ length }, () => LETTERS[pick(random, LETTERS.length)] ?? "");
  return `${random() < 0.2 ? "é".repeat(pick(random, 1200)) : ""}${pieces.join("")}`;
}

function somePart(random: Random, depth: number): string {
  const kind = random();
  if (depth < 4 && kind < 0.3) {
    const boundary = `b${depth}-${pick(random, 1_000_000)}`;
    const parts = Array.from({ length: 1 + pick(random, 3) }, () => somePart(random, depth + 1));
    const inner = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join("");
    return `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n${inner}--${boundary}--\r\n`;
  }
  if (kind < 0.4 && depth < 3) {
    return `Content-Type: message/rfc822\r\n\r\n${someMail(random, depth + 1)}`;
  }
  if (kind < 0.6) {
    const bytes = Buffer.from(someText(random)).toString("base64").replace(/.{76}/g, "$&\r\n");
    const name = random() < 0.5 ? "plain.bin" : "größe 日本.bin";
    return [
      `Content-Type: application/octet-stream; name="${name}"`,
      `Content-Disposition: attachment; filename="${name}"`,
      ...["Content-Transfer-Encoding: base64", "", bytes],
    ].join("\r\n");
  }
  const type = random() < 0.5 ? "plain" : "html";
  const encoding = random() < 0.5 ? ["Content-Transfer-Encoding: 8bit"] : [];
  return [`Content-Type: text/${type}; charset=utf-8`, ...encoding, "", someText(random)].join(
    "\r\n",
  );
}

function someMail(random: Random, depth = 0): string {
  const name = random() < 0.5 ? "Jörg Müller" : '"Müller, Jörg"';
  const subject = random() < 0.5 ? "Grüße 日本 and more" : "plain";
  return [
    `From: ${name} <a@example.org>`,
    `To: Zoë <b@example.org>, c@example.org`,
    `Subject: ${subject}`,
    "MIME-Version: 1.0",
    somePart(random, depth),
  ].join("\r\n");
}

test("of 200 mails made at random a reader sees the same before and after", async () => {
  const random = seededRandom(20_261_123);
  let count = 0;
  for (let i = 0; i < 200; i++) {
    const message = Buffer.from(someMail(random));
    const result = toSevenBit(message);
    if (result.kind !== "converted") expect(result.kind).toBe("plain");
    else {
      count++;
      expect(await seen(result.bytes)).toBe(await seen(message));
      for (const line of result.bytes.toString("latin1").split("\r\n")) {
        expect(line.length).toBeLessThanOrEqual(998);
      }
    }
  }
  expect(count).toBeGreaterThan(150);
});

function* corpusMails(): Generator<[string, Buffer]> {
  for (const folder of ["mime", "ham"].map((name) => join(GW_CORPUS, name))) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder, { recursive: true }).sort()) {
      const path = join(folder, String(name));
      if (!statSync(path).isFile() || statSync(path).size > 200_000) continue;
      const crlf = readFileSync(path)
        .toString("latin1")
        .replace(/\r\n|\r|\n/g, "\r\n");
      yield [path, Buffer.from(crlf, "latin1")];
    }
  }
}

test("of the corpus a reader sees the same before and after", async () => {
  const counts = { plain: 0, converted: 0, fixed: 0 };
  const changed: string[] = [];
  for (const [path, message] of corpusMails()) {
    const result = toSevenBit(message);
    counts[result.kind]++;
    if (result.kind !== "converted") continue;
    expect(hasHighByte(result.bytes)).toBe(false);
    // mailparser shows these where it doesn't know the charset of a header; any guess is better.
    const before = (await seen(message)).split("\n");
    const after = (await seen(result.bytes)).split("\n");
    const isSame = before.every((line, i) => /\ufffd|ï¿½/.test(line) || line === after[i]);
    if (!isSame) changed.push(path);
  }
  console.log(`7-bit: ${JSON.stringify(counts)}, seen otherwise: ${changed.length}`);
  expect(changed).toEqual([]);
});
