import { describe, expect, test } from "bun:test";
import { explodeCpio } from "../../../src/unpack/archive/cpio.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";

interface Member {
  readonly name: string;
  readonly content?: string;
  readonly mode?: number;
  readonly sum?: number;
}

function uncpio(bytes: Uint8Array) {
  const found = drain(explodeCpio(bytes, budgetOf()));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

function align(bytes: Buffer, to: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);
}

const hex = (value: number) => value.toString(16).padStart(8, "0");
const octal = (value: number, width: number) => value.toString(8).padStart(width, "0");

function newc(member: Member, magic = "070701"): Buffer {
  const { name, content = "", mode = 0o100644, sum = 0 } = member;
  const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, sum];
  const header = Buffer.from(`${magic}${fields.map(hex).join("")}${name}\0`);
  return Buffer.concat([align(header, 4), align(Buffer.from(content), 4)]);
}

function odc({ name, content = "", mode = 0o100644 }: Member): Buffer {
  const fields = [0, 1, mode, 0, 0, 1, 0].map((value) => octal(value, 6)).join("");
  const sizes = `${octal(name.length + 1, 6)}${octal(content.length, 11)}`;
  return Buffer.from(`070707${fields}${octal(0, 11)}${sizes}${name}\0${content}`);
}

function afio({ name, content = "", mode = 0o100644 }: Member): Buffer {
  const start = `070727${"0".repeat(24)}m${octal(mode, 6)}${"0".repeat(48)}n`;
  const sizes = `${(name.length + 1).toString(16).padStart(4, "0")}00000000s`;
  const size = content.length.toString(16).padStart(16, "0");
  return Buffer.from(`${start}${sizes}${size}:${name}\0${content}`);
}

function binary({ name, content = "", mode = 0o100644 }: Member, isLittle: boolean): Buffer {
  const header = Buffer.alloc(26);
  const words = [0o070707, 0, 1, mode, 0, 0, 1, 0, 0, 0, name.length + 1, 0, content.length];
  for (const [index, word] of words.entries()) {
    if (isLittle) header.writeUInt16LE(word, index * 2);
    else header.writeUInt16BE(word, index * 2);
  }
  const head = align(Buffer.concat([header, Buffer.from(`${name}\0`)]), 2);
  return Buffer.concat([head, align(Buffer.from(content), 2)]);
}

const FORMATS: [string, (member: Member) => Buffer][] = [
  ["newc", (member) => newc(member)],
  ["odc", odc],
  ["afio", afio],
  ["binary, little endian", (member) => binary(member, true)],
  ["binary, big endian", (member) => binary(member, false)],
];
const A = { name: "a.txt", content: "the content" };
const TRAILER = { name: "TRAILER!!!", mode: 0 };

test.each(FORMATS)("explodeCpio() reads %s", (_, write) => {
  const archive = [A, { name: "dir", mode: 0o040755 }, { name: "empty" }, TRAILER].map(write);
  const files = [
    ["a.txt", "the content"],
    ["empty", ""],
  ];
  expect(uncpio(Buffer.concat(archive))).toEqual({ status: "clean", note: "", files });
});

describe("explodeCpio()", () => {
  test("verifies the sum of the crc format", () => {
    const sum = [...Buffer.from(A.content)].reduce((one, two) => one + two);
    const end = newc(TRAILER, "070702");
    expect(uncpio(Buffer.concat([newc({ ...A, sum }, "070702"), end])).status).toBe("clean");
    const wrong = uncpio(Buffer.concat([newc({ ...A, sum: 1 }, "070702"), end]));
    expect(wrong).toMatchObject({ status: "damaged", files: [["a.txt", "the content"]] });
  });

  test("reads archives that follow each other, and what follows them", () => {
    const one = align(Buffer.concat([newc(A), newc(TRAILER)]), 512);
    const two = Buffer.concat([odc({ name: "b", content: "two" }), odc(TRAILER)]);
    const { status, files } = uncpio(Buffer.concat([one, two, Buffer.from("\0\0something")]));
    expect(files.map(([name]) => name)).toEqual(["a.txt", "b", "data behind the archive"]);
    expect(status).toBe("clean");
  });

  test("finds the next header behind a broken one", () => {
    const junk = Buffer.from("junk that is no header");
    const found = uncpio(Buffer.concat([newc(A), junk, newc({ name: "b" }), newc(TRAILER)]));
    expect(found.status).toBe("damaged");
    expect(found.files.map(([name]) => name)).toEqual(["a.txt", "b"]);
  });

  test.each<[string, Buffer]>([
    ["that is cut short", newc(A).subarray(0, -8)],
    ["without an end", newc(A)],
    ["that is none", Buffer.from("070701 and no more")],
    ["of sizes that cannot be", Buffer.from("070701".padEnd(110, "f"))],
  ])("of an archive %s is damaged", (_, bytes) => {
    expect(uncpio(bytes).status).toBe("damaged");
  });
});
