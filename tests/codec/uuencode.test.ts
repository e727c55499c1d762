import { expect, test } from "bun:test";
import { decodeUuLines, uuBlocks } from "../../src/codec/uuencode.ts";
import { uuencode } from "../harness/encode.ts";

const blocksOf = (text: string) =>
  [...uuBlocks(Buffer.from(text, "latin1"))].map(({ name, bytes }) => [
    name,
    Buffer.from(bytes).toString("latin1"),
  ]);

test("uuBlocks() reads a block in the middle of prose", () => {
  const text = `Hello,\r\n\r\n${uuencode("a.txt", "some content")}\r\nBye\r\n`;
  expect(blocksOf(text)).toEqual([["a.txt", "some content"]]);
});

test("uuBlocks() reads several blocks and names with spaces", () => {
  const text = `${uuencode("one two.doc", "1".repeat(100))}text\n${uuencode("b", "2")}`;
  expect(blocksOf(text)).toEqual([
    ["one two.doc", "1".repeat(100)],
    ["b", "2"],
  ]);
});

test.each([
  ["LF line ends", (text: string) => text.replaceAll("\r\n", "\n")],
  ["CR line ends", (text: string) => text.replaceAll("\r\n", "\r")],
  ["spaces for zeros", (text: string) => text.replaceAll("`", " ")],
  ["trailing spaces lost", (text: string) => text.replace(/[` ]+(?=\r\n)/g, "")],
  ["no end line", (text: string) => text.replace("end\r\n", "")],
  ["blank lines between", (text: string) => text.replaceAll("\r\n", "\r\n\r\n")],
  ["check characters", (text: string) => text.replace(/^(M.*)$/gm, "$1X")],
])("uuBlocks() reads a block with %s", (_, change) => {
  const content = `${"content with zeros\0\0\0".repeat(9)}\0\0\0\0\0\0`;
  const [block] = blocksOf(change(uuencode("x", content)));
  expect(block?.[1]?.slice(0, 180)).toBe(content.slice(0, 180));
});

test("uuBlocks() reads the base64 form", () => {
  const text = `begin-base64 644 x.bin\n${Buffer.from("hello").toString("base64")}\n====\n`;
  expect(blocksOf(text)).toEqual([["x.bin", "hello"]]);
});

test.each([
  "begin the work at 6",
  "we begin 644 times",
  "begin 644 times a day\nThis is prose that no one encoded.\nAnd more of it.\n",
  "begin 644 x\nend\n",
  "begin",
])("uuBlocks() finds nothing in %j", (text) => {
  expect(blocksOf(text)).toEqual([]);
});

test("decodeUuLines() reads data lines that have no frame", () => {
  const lines = uuencode("x", "framed by nothing").split("\r\n").slice(1).join("\r\n");
  expect(Buffer.from(decodeUuLines(Buffer.from(lines))).toString()).toBe("framed by nothing");
});

test("uuBlocks() agrees with the encoder on all lengths", () => {
  for (let length = 1; length < 150; length++) {
    const content = Buffer.from(Array.from({ length }, (_, i) => (i * 53 + length) & 255));
    const text = uuencode("x", content.toString("latin1"));
    expect(blocksOf(text)).toEqual([["x", content.toString("latin1")]]);
  }
});
