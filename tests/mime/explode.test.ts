import { describe, expect, test } from "bun:test";
import { explodeMail } from "../../src/mime/explode.ts";
import { base64Lines, quotedPrintable, uuencode, yencode } from "../harness/encode.ts";
import { budgetOf, drain, EICAR, mailOf, pathsWith, textOf } from "../harness/extracts.ts";
import { buildZip } from "../unpack/build-zip.ts";

const explode = (...lines: readonly string[]) => drain(explodeMail(mailOf(...lines), budgetOf()));
const summaryOf = (...lines: readonly string[]) =>
  explode(...lines).extracts.map(({ name, declaredType, bytes }) => [
    name,
    declaredType,
    textOf(bytes),
  ]);

const PART = ["Content-Type: application/x; name=p.bin", "Content-Transfer-Encoding: base64"];
const HI = base64Lines("hi there");

describe("explodeMail() gives the leaves of ordinary mail", () => {
  test("a text without MIME", () => {
    expect(summaryOf("Subject: x", "", "hello")).toEqual([["part 1", "", "hello"]]);
  });

  test("a body that is not encoded is a view of the message", () => {
    const mail = mailOf("Content-Type: text/plain", "", "hello");
    const [extract] = drain(explodeMail(mail, budgetOf())).extracts;
    expect(extract?.bytes.buffer).toBe(mail.buffer);
  });

  test("parts, prologue and epilogue", () => {
    const found = summaryOf(
      "Content-Type: multipart/mixed; boundary=b",
      "",
      "prologue",
      "--b",
      "Content-Type: text/html",
      "",
      "<p>",
      "--b",
      ...PART,
      "",
      HI,
      "--b--",
      "epilogue",
    );
    expect(found).toEqual([
      ["part 1", "text/html", "<p>"],
      ["p.bin", "application/x", "hi there"],
      ["text outside parts", "text/plain", "prologue"],
      ["text outside parts", "text/plain", "epilogue"],
    ]);
  });

  test("multiparts in multiparts, in order", () => {
    const found = summaryOf(
      "Content-Type: multipart/mixed; boundary=a",
      "",
      "--a",
      "Content-Type: multipart/alternative; boundary=b",
      "",
      "--b",
      "",
      "one",
      "--b",
      "",
      "two",
      "--b--",
      "--a",
      "",
      "three",
      "--a--",
    );
    expect(found.map(([, , text]) => text)).toEqual(["one", "two", "three"]);
  });

  test("nested messages, whole and decoded", () => {
    const inner = "Subject: inner\r\n\r\ntext";
    for (const body of [
      ["", inner],
      ["Content-Transfer-Encoding: base64", "", base64Lines(inner)],
    ]) {
      expect(summaryOf("Content-Type: message/rfc822", ...body)).toEqual([
        ["message", "message/rfc822", inner],
      ]);
    }
  });

  test("the parts of a digest are messages", () => {
    const found = summaryOf("Content-Type: multipart/digest; boundary=b", "", "--b", "", "A: b");
    expect(found).toEqual([["message", "message/rfc822", "A: b"]]);
  });

  test("what evidently is a message, whatever its type says", () => {
    const inner = "From: a@example.org\r\nSubject: x\r\n\r\ntext";
    const [found] = summaryOf("Content-Type: application/octet-stream; name=a", "", inner);
    expect(found).toEqual(["a", "message/rfc822", inner]);
  });

  test("empty attachments, by their name", () => {
    const found = summaryOf("Content-Disposition: attachment; filename=a.exe", "", "");
    expect(found).toEqual([["a.exe", "", ""]]);
  });
});

const TEXT = "the hidden text";
const MULTIPART = ["", "--b", "", TEXT, "--b--"];

describe("explodeMail() finds what only some readers see", () => {
  test.each<[string, readonly string[]]>([
    [
      "RFC 2231 boundary",
      ['Content-Type: multipart/mixed; boundary*0=""; boundary*1=b', ...MULTIPART],
    ],
    [
      "two Content-Type fields",
      ["Content-Type: text/plain", "Content-Type: multipart/x; boundary=b", ...MULTIPART],
    ],
    ["two boundaries", ["Content-Type: multipart/x; boundary=a; boundary=b", ...MULTIPART]],
    [
      "no boundary declared",
      ["Content-Type: multipart/x", "", "--b", "Content-Type: a/b", "", TEXT, "--b--"],
    ],
    [
      "another boundary used",
      ["Content-Type: multipart/x; boundary=a", "", "--b", "Content-Type: a/b", "", TEXT, "--b--"],
    ],
    [
      "indented delimiters",
      ["Content-Type: multipart/x; boundary=b", "", " --b", "", TEXT, " --b--"],
    ],
    [
      "text behind delimiters",
      ["Content-Type: multipart/x; boundary=b", "", "--b x", "", TEXT, "--b-- x"],
    ],
    ["no closing delimiter", ["Content-Type: multipart/x; boundary=b", "", "--b", "", TEXT]],
    ["blank lines on top", ["", "", "Content-Type: multipart/x; boundary=b", ...MULTIPART]],
    [
      "a header ended by white space",
      ["Content-Type: multipart/x; boundary=b", " ", "--b", "", TEXT, "--b--"],
    ],
    ["no header in the part", ["Content-Type: multipart/x; boundary=b", "", "--b", TEXT, "--b--"]],
    ["a boundary with careless type", ["Content-Type: mixed; boundary=b", ...MULTIPART]],
    ["a folded field", ["Content-Type: multipart/x;", "\tboundary=b", ...MULTIPART]],
  ])("%s", (_, lines) => {
    const texts = summaryOf(...lines).map(([, , text]) => text);
    expect(texts.map((text) => text?.replace(/\r\n$/, ""))).toContain(TEXT);
  });

  test.each([
    ["CR", "\r"],
    ["LF", "\n"],
  ])("bare %s as line end", (_, lineEnd) => {
    const lines = ["Content-Type: multipart/x; boundary=b", ...MULTIPART];
    const mail = Buffer.from(lines.join(lineEnd));
    const { extracts, status } = drain(explodeMail(mail, budgetOf()));
    expect(extracts.map(({ bytes }) => textOf(bytes))).toContain(TEXT);
    expect(status).toBe("clean");
  });

  test("encodings that disagree are all followed", () => {
    const encodings = ["7bit", "base64", "quoted-printable"];
    const fields = encodings.map((encoding) => `Content-Transfer-Encoding: ${encoding}`);
    const texts = summaryOf(...fields, "", "aGk=").map(([, , text]) => text);
    expect(texts).toEqual(["aGk=", "hi", "aGk"]);
  });

  test("types that disagree are all told, and names too", () => {
    const found = summaryOf(
      "Content-Type: image/png; name=a.exe",
      "Content-Type: text/html",
      "Content-Disposition: attachment; filename=a.png",
      "",
      "x",
    );
    expect(found.map(([, type]) => type)).toEqual(["image/png", "text/html"]);
    expect(found[0]?.[0]).toBe("a.png | a.exe");
  });

  test("a part in a bounce's copy of a message", () => {
    const found = summaryOf(
      "Subject: failed",
      "",
      "Your mail:",
      "",
      "--x",
      ...PART,
      "",
      HI,
      "--x--",
    );
    expect(found).toContainEqual(["p.bin", "application/x", "hi there"]);
  });

  test("a part in a prologue or an epilogue", () => {
    const stray = [...PART, "", HI];
    const head = "Content-Type: multipart/x; boundary=b";
    const before = summaryOf(head, "", ...stray, ...MULTIPART.slice(1));
    const after = summaryOf(head, ...MULTIPART, ...stray);
    for (const found of [before, after]) {
      expect(found).toContainEqual(["p.bin", "application/x", "hi there"]);
    }
  });

  test("a multipart that was encoded as a whole", () => {
    const message = mailOf(
      "Content-Type: multipart/mixed; boundary=b",
      "Content-Transfer-Encoding: base64",
      "",
      base64Lines(`--b\r\n\r\n${EICAR}\r\n--b--\r\n`),
    );
    expect(pathsWith(message, EICAR).at(-1)).toBe("/decoded multipart/part 1");
  });
});

describe("explodeMail() says what it could not see", () => {
  test.each([
    ["ordinary mail", ["Subject: x", "", "y"], "clean", ""],
    ["no bytes", [""], "clean", ""],
    ["a multipart that is empty", ["Content-Type: multipart/x; boundary=b", "", ""], "clean", ""],
    [
      "a fragment",
      ["Content-Type: message/partial; id=x; number=1; total=2", "", "A: b"],
      "unscanned",
      "one piece",
    ],
    [
      "the only fragment",
      ["Content-Type: message/partial; number=1; total=1", "", "A: b"],
      "clean",
      "",
    ],
    [
      "PGP",
      ["Content-Type: multipart/encrypted; boundary=b", ...MULTIPART],
      "protected",
      "encrypted",
    ],
    [
      "S/MIME",
      ["Content-Type: application/pkcs7-mime; smime-type=enveloped-data", "", "x"],
      "protected",
      "S/MIME",
    ],
    [
      "a boundary that is not there",
      ["Content-Type: multipart/x; boundary=b", "", "x", "Content-Type: a/b", "", "y"],
      "damaged",
      "without the boundary",
    ],
  ] as const)("%s", (_, lines, status, note) => {
    const found = explode(...lines);
    expect(found.status).toBe(status);
    expect(found.note).toContain(note);
  });

  test("nesting that is too deep", () => {
    const lines: string[] = [];
    for (let i = 0; i < 150; i++)
      lines.push(`Content-Type: multipart/x; boundary=b${i}x`, "", `--b${i}x`);
    const found = explode(...lines, "", "core");
    expect(found.status).toBe("unscanned");
    expect(found.note).toContain("nested deeper");
  });

  test("more parts than may be counted", () => {
    const mail = mailOf(
      "Content-Type: multipart/x; boundary=b",
      "",
      "--b\r\n\r\nx\r\n".repeat(19_000),
    );
    const found = drain(explodeMail(mail, budgetOf({ objectCountMax: 100 })));
    expect(found.extracts.length).toBe(100);
    expect(found).toMatchObject({ status: "unscanned", note: "too many objects" });
  });

  test("a part that is larger than allowed; the others are given", () => {
    const mail = mailOf(
      "Content-Type: multipart/x; boundary=b",
      ...["", "--b", "", "x".repeat(5000), "--b", "", "small", "--b--"],
    );
    const found = drain(explodeMail(mail, budgetOf({ objectSizeMax: 1000 })));
    expect(found.extracts.map(({ bytes }) => textOf(bytes))).toEqual(["small"]);
    expect(found.status).toBe("unscanned");
  });

  test("time that has run out", () => {
    const mail = mailOf(
      "Content-Type: multipart/x; boundary=b",
      "",
      "--b\r\n\r\nx\r\n".repeat(500),
    );
    expect(drain(explodeMail(mail, budgetOf({ timeMaxMs: -1 }))).note).toBe("time limit reached");
  });
});

describe("EICAR is found by content, wherever it is", () => {
  const multipart = (...part: readonly string[]) =>
    mailOf(
      "Content-Type: multipart/mixed; boundary=b",
      "",
      "--b",
      "",
      "hi",
      "--b",
      ...part,
      "--b--",
    );
  const encoded = (encoding: string, body: string) =>
    multipart("Content-Type: application/x", `Content-Transfer-Encoding: ${encoding}`, "", body);
  const zip = buildZip([{ name: "e.com", bytes: Buffer.from(EICAR) }]);
  const nested = multipart(
    "Content-Type: message/rfc822",
    "",
    textOf(encoded("base64", base64Lines(zip))),
  );
  test.each<[string, Buffer]>([
    ["body", mailOf("Subject: x", "", EICAR)],
    ["base64", encoded("base64", base64Lines(EICAR))],
    ["quoted-printable", encoded("quoted-printable", quotedPrintable(EICAR))],
    ["uuencode as encoding", encoded("x-uuencode", uuencode("e.com", EICAR))],
    ["uuencode in a text", mailOf("Subject: x", "", `Look:\r\n${uuencode("e.com", EICAR)}`)],
    ["yEnc as encoding", encoded("x-yenc", yencode("e.com", EICAR))],
    ["zip", encoded("base64", base64Lines(zip))],
    ["zip in a nested message", nested],
    [
      "zip in a message in a message",
      multipart("Content-Type: message/rfc822", "", textOf(nested)),
    ],
    ["gzip", encoded("base64", base64Lines(Bun.gzipSync(EICAR)))],
    ["zip in a zip", encoded("base64", base64Lines(buildZip([{ name: "i.zip", bytes: zip }])))],
    [
      "behind an RFC 2231 boundary",
      mailOf(
        "Content-Type: multipart/mixed; boundary*0*=us-ascii''%62; boundary*1=ee",
        ...["", "--bee", "Content-Transfer-Encoding: base64", "", base64Lines(EICAR), "--bee--"],
      ),
    ],
    ["base64 with junk", encoded("base64", base64Lines(EICAR).replace(/(.{5})/g, "$1*"))],
    ["base64 called 7bit", encoded("7bit", base64Lines(EICAR))],
  ])("%s", (_, message) => {
    expect(pathsWith(message, EICAR)).not.toEqual([]);
  });
});
