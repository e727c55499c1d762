import { expect, test } from "bun:test";
import { explodeTnef } from "../../../src/unpack/mail/tnef.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { attachment, attribute, mapi, storedRtf, tnef } from "./build-tnef.ts";

const UNICODE = 0x1f;
const BINARY = 0x102;
const OBJECT = 0x0d;
const MESSAGE_IID = Buffer.from("0703020000000000c000000000000046", "hex");

function open(bytes: Uint8Array) {
  const { status, note, extracts } = drain(explodeTnef(bytes, budgetOf()));
  const files = extracts.map(({ name, declaredType, bytes: data }) => [
    name,
    declaredType,
    textOf(data),
  ]);
  return { status, note, files };
}

test("explodeTnef() gives bodies of all three kinds", () => {
  const properties = mapi(
    { id: 0x8001, type: UNICODE, value: "named", named: "x-some-name" },
    { id: 0x0017, type: 3, value: 1 },
    { id: 0x1000, type: UNICODE, value: "plain" },
    { id: 0x1013, type: BINARY, value: Buffer.from("<p>html</p>") },
    { id: 0x1009, type: BINARY, value: storedRtf("{\\rtf1 x}") },
  );
  const bytes = tnef(attribute(1, 0x0002_800c, "old\0"), attribute(1, 0x0006_9003, properties));
  expect(open(bytes)).toEqual({
    status: "clean",
    note: "",
    files: [
      ["body", "text/plain", "old"],
      ["body", "text/plain", "plain"],
      ["body.html", "text/html", "<p>html</p>"],
      ["body.rtf", "text/rtf", "{\\rtf1 x}"],
    ],
  });
});

test("explodeTnef() gives an attachment under all its names, once", () => {
  const properties = mapi(
    { id: 0x3707, type: UNICODE, value: "invoice for you.pdf.exe" },
    { id: 0x370e, type: UNICODE, value: "Application/PDF" },
    { id: 0x3701, type: BINARY, value: Buffer.from("content") },
  );
  const bytes = tnef(attachment("INVOIC~1.EXE", "content"), attribute(2, 0x0006_9005, properties));
  expect(open(bytes).files).toEqual([
    ["INVOIC~1.EXE | invoice for you.pdf.exe", "application/pdf", "content"],
  ]);
});

test("explodeTnef() gives several attachments, and one without a name", () => {
  const bytes = tnef(attachment("a.txt", "one"), attachment("", "two"));
  expect(open(bytes).files.map(([name, , text]) => [name, text])).toEqual([
    ["a.txt", "one"],
    ["attachment 1", "two"],
  ]);
});

test("explodeTnef() gives an embedded message as TNEF, and both contents if they differ", () => {
  const inner = tnef(attachment("b.txt", "inner"));
  const object = Buffer.concat([MESSAGE_IID, inner]);
  const properties = mapi(
    { id: 0x3001, type: UNICODE, value: "Fwd" },
    { id: 0x3701, type: OBJECT, value: object },
  );
  const bytes = tnef(
    attribute(2, 0x0006_9002, Buffer.alloc(14)),
    attribute(2, 0x0006_800f, "other"),
    attribute(2, 0x0006_9005, properties),
  );
  expect(open(bytes).files).toEqual([
    ["Fwd", "", "other"],
    ["Fwd", "", textOf(inner)],
  ]);
});

const whole = tnef(attachment("a.txt", "content"));
const changed = Buffer.from(whole);
changed.writeUInt8(0x41, changed.length - 5);

test.each<[string, Buffer, string[]]>([
  ["cut in its data", whole.subarray(0, -5), ["conte"].map((text) => text.slice(0, 4))],
  ["with a wrong checksum", changed, ["contAnt"]],
  ["followed by junk", Buffer.concat([whole, Buffer.from("junk")]), ["content"]],
  ["of a header alone", whole.subarray(0, 4), []],
])("explodeTnef() calls a stream %s damaged and gives what is there", (_, bytes, texts) => {
  const found = open(bytes);
  expect(found.status).toBe("damaged");
  expect(found.files.map(([, , text]) => text)).toEqual(texts);
});

test("explodeTnef() leaves padding behind the stream alone", () => {
  expect(open(Buffer.concat([whole, Buffer.from("\r\n\0\0")])).status).toBe("clean");
});

test("explodeTnef() calls properties that contradict themselves damaged", () => {
  const lie = Buffer.from("ffffffff1f000737ffffffff", "hex");
  expect(open(tnef(attribute(2, 0x0006_9005, lie))).status).toBe("damaged");
});

test("explodeTnef() stops at the budget", () => {
  const many = tnef(...Array.from({ length: 20 }, (_, n) => attachment(`${n}`, `${n}`)));
  const { status, extracts } = drain(explodeTnef(many, budgetOf({ objectCountMax: 5 })));
  expect([status, extracts.length]).toEqual(["unscanned", 5]);
});
