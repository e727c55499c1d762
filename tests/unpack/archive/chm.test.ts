import { describe, expect, test } from "bun:test";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeChm } from "../../../src/unpack/archive/chm.ts";
import { Output } from "../../../src/unpack/archive/stream/output.ts";
import { LZX_FRAME, LzxDecoder, lzxSlots } from "../../../src/unpack/coder/lzx.ts";
import { unpackerFor } from "../../../src/unpack/registry.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { buildChm, CHM_PAGE, CHM_SCRIPT } from "./build-chm.ts";

function found(bytes: Uint8Array) {
  const { status, note, extracts } = drain(explodeChm(bytes, budgetOf()));
  return { status, note, files: new Map(extracts.map((one) => [one.name, textOf(one.bytes)])) };
}

describe("a compiled help file", () => {
  test("is known and opened", () => {
    const bytes = buildChm();
    expect(fileType(bytes)).toBe("chm");
    expect(unpackerFor("chm")).toBe(explodeChm);
    const { status, files } = found(bytes);
    expect(status).toBe("clean");
    expect(files.get("page.html")).toBe(CHM_PAGE);
    expect(files.get("a.js")).toBe(CHM_SCRIPT);
  });

  test("that is cut or broken is damaged, and gives what there is", () => {
    const bytes = buildChm();
    expect(found(bytes.subarray(0, bytes.length - 100)).status).toBe("damaged");
    expect(found(bytes.subarray(0, 70)).status).toBe("damaged");
    const broken = Buffer.from(bytes);
    broken.fill(0xff, bytes.length - 600, bytes.length - 500);
    expect(found(broken).status).toBe("damaged");
    const { status, files } = found(withoutControlData(bytes));
    expect(status).toBe("damaged");
    expect([...files.keys()]).toContain("#SYSTEM");
  });

  test("is unscanned if it is larger than what may be extracted", () => {
    const budget = budgetOf({ expandedSizeMax: 100 });
    expect(drain(explodeChm(buildChm(), budget)).status).toBe("unscanned");
  });
});

function withoutControlData(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.write("XXXX", copy.indexOf("LZXC"), "latin1");
  return copy;
}

describe("LZX", () => {
  const slots = lzxSlots(16) ?? 0;

  /** A stored block: no translation, type 3, its size, padding, three distances. */
  function storedFrame(content: Buffer): Buffer {
    const bits = `0011${content.length.toString(2).padStart(24, "0")}`.padEnd(32, "0");
    const head = Buffer.alloc(16);
    head.writeUInt16LE(Number.parseInt(bits.slice(0, 16), 2), 0);
    head.writeUInt16LE(Number.parseInt(bits.slice(16), 2), 2);
    [1, 1, 1].forEach((distance, index) => {
      head.writeUInt32LE(distance, 4 + 4 * index);
    });
    return Buffer.concat([head, content]);
  }

  test("blocks may be stored", () => {
    const output = new Output(LZX_FRAME);
    const content = Buffer.from("bytes that would not become fewer");
    const input = storedFrame(content);
    const { end, at } = new LzxDecoder(slots, output).frame(input, 0, content.length);
    expect([end, at, textOf(output.made)]).toEqual(["whole", input.length, textOf(content)]);
  });

  test.each([
    ["no bytes at all", Buffer.alloc(0), "truncated"],
    ["a stored block that is cut", storedFrame(Buffer.alloc(9)).subarray(0, 20), "corrupt"],
    ["a block of no known type", Buffer.alloc(16), "corrupt"],
    ["codes of no known shape", Buffer.alloc(4000, 0x11), "corrupt"],
  ])("%s end the frame", (_, input, expected) => {
    const { end } = new LzxDecoder(slots, new Output(LZX_FRAME)).frame(input, 0, 9);
    expect(end).toBe(expected as "corrupt");
  });

  test("windows are of 32 KB to 2 MB", () => {
    expect([14, 15, 21, 22].map(lzxSlots)).toEqual([undefined, 30, 50, undefined]);
  });
});
