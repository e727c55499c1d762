import { describe, expect, test } from "bun:test";
import { explodeCpio } from "../../../src/unpack/archive/cpio.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { afio, align, binaryCpio, newc, odc } from "./build-unix.ts";

function uncpio(bytes: Uint8Array) {
  const found = drain(explodeCpio(bytes, budgetOf()));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

const FORMATS: [string, typeof odc][] = [
  ["newc", (member) => newc(member)],
  ["odc", odc],
  ["afio", afio],
  ["binary, little endian", (member) => binaryCpio(member, true)],
  ["binary, big endian", (member) => binaryCpio(member, false)],
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
