import { describe, expect, test } from "bun:test";
import { fileType } from "../../../../src/scan/file-type.ts";
import { Output } from "../../../../src/unpack/archive/stream/output.ts";
import { explodeWim } from "../../../../src/unpack/archive/wim/wim.ts";
import { unpackXpress } from "../../../../src/unpack/coder/xpress.ts";
import { budgetOf, drain, textOf } from "../../../harness/extracts.ts";
import { buildLzxWim, buildWim, LZX_LINES, lzxCalls, packXpress } from "./build-wim.ts";

function open(bytes: Uint8Array, limits = {}) {
  const { status, note, extracts } = drain(explodeWim(bytes, budgetOf(limits)));
  return { status, note, files: new Map(extracts.map((one) => [one.name, textOf(one.bytes)])) };
}

const FILES = [
  { name: "a.txt", content: "the content" },
  { name: "large.bin", content: `${"-".repeat(20_000)}${"=".repeat(50_000)}the end` },
];

describe("a Windows image", () => {
  test.each([
    ["stored", buildWim(FILES)],
    ["packed with XPRESS", buildWim(FILES, { coder: "xpress" })],
    ["in one piece", buildWim(FILES, { coder: "xpress", isSolid: true })],
  ])("is known and opened: %s", (_, bytes) => {
    expect(fileType(bytes)).toBe("wim");
    const { status, files } = open(bytes);
    expect(status).toBe("clean");
    expect(files.get("sub/a.txt")).toBe("the content");
    expect(files.get("sub/large.bin")).toBe(FILES[1]?.content);
    expect(files.has("description")).toBe(true);
  });

  test("packed with LZX by another program is opened", () => {
    const { status, files } = open(buildLzxWim());
    expect(status).toBe("clean");
    expect(files.get("lines.txt")).toBe(LZX_LINES);
    expect(files.get("sub/calls.bin")).toBe(textOf(lzxCalls()));
  });

  test("gives streams that stand beside a file's content", () => {
    const { files } = open(buildWim(FILES, { stream: "hidden content" }));
    expect(files.get("sub/a.txt:hidden.exe")).toBe("hidden content");
  });

  test("gives contents that no folder names", () => {
    const bytes = buildWim(FILES);
    const at = bytes.indexOf(Buffer.from("sub", "utf16le"));
    // The folder leads nowhere.
    bytes.writeBigUInt64LE(0n, at - 102 + 16);
    expect([...open(bytes).files.values()]).toContain("the content");
  });

  test.each<[string, (bytes: Buffer) => Buffer, string, string]>([
    ["that is cut short", (bytes) => bytes.subarray(0, 300), "damaged", "cut short"],
    ["of a header alone", (bytes) => bytes.subarray(0, 100), "damaged", "header"],
    [
      "in several files",
      (bytes) => {
        bytes.writeUInt16LE(3, 42);
        return bytes;
      },
      "unscanned",
      "several files",
    ],
    [
      "packed with LZMS",
      (bytes) => {
        bytes.writeUInt32LE(0x8_0002, 16);
        return bytes;
      },
      "unscanned",
      "LZMS",
    ],
    [
      "that is made to be piped",
      (bytes) => {
        bytes.write("WLPWM", "latin1");
        return bytes;
      },
      "unscanned",
      "piped",
    ],
    [
      "with a broken chunk",
      (bytes) => {
        bytes.fill(0xff, 219, 219 + 256);
        return bytes;
      },
      "damaged",
      "large.bin",
    ],
  ])("%s is told", (_, change, status, word) => {
    const bytes = change(buildWim(FILES, { coder: "xpress" }));
    expect(fileType(bytes)).toBe("wim");
    const found = open(bytes);
    expect(found.status).toBe(status as "damaged");
    expect(found.note).toContain(word);
  });

  test("that unpacks to more than may be extracted is unscanned", () => {
    const found = open(buildWim(FILES, { coder: "xpress" }), { objectSizeMax: 30_000 });
    expect(found.status).toBe("unscanned");
    expect(found.files.get("sub/a.txt")).toBe("the content");
  });

  test("whose folders hold themselves ends", () => {
    const bytes = buildWim(FILES);
    const at = bytes.indexOf(Buffer.from("sub", "utf16le"));
    const own = bytes.readBigUInt64LE(at - 102 + 16) - 8n;
    bytes.writeBigUInt64LE(own - BigInt(8 + 112), at - 102 + 16);
    expect(open(bytes).files.size).toBe(3);
  });
});

describe("unpackXpress()", () => {
  const content = Buffer.from(`abc${"d".repeat(300)}e${"f".repeat(40)}g`);

  test("reads what was packed", () => {
    const output = new Output(content.length);
    expect(unpackXpress(packXpress(content), output, content.length)).toBe("whole");
    expect(textOf(output.made)).toBe(textOf(content));
  });

  test.each([
    ["no code", Buffer.alloc(100), "truncated"],
    ["a code that can't be", Buffer.alloc(400, 0x11), "corrupt"],
    [
      "a match before the beginning",
      Buffer.concat([packXpress(content).subarray(0, 256), Buffer.alloc(9)]),
      "corrupt",
    ],
    ["data that end", packXpress(content).subarray(0, 258), "truncated"],
  ])("%s ends it", (_, input, expected) => {
    const end = unpackXpress(input, new Output(content.length), content.length);
    expect(end).toBe(expected as "corrupt");
  });
});
