import { describe, expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { explodeProgram } from "../../../src/unpack/executable/program.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { buildPe } from "../../harness/pe-builder.ts";
import {
  NSIS_BZIP2,
  NSIS_BZIP2_SOLID,
  NSIS_LZMA,
  NSIS_LZMA_SOLID,
  NSIS_README,
  NSIS_SCRIPT,
} from "./nsis-samples.ts";

const long = (...values: readonly number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32LE(value >>> 0, index * 4);
  });
  return bytes;
};

/** A script of one instruction, which writes the first file. */
function script(name: string): Buffer {
  const tables = 4 + 8 * 8;
  const head = Buffer.alloc(tables);
  head.writeUInt32LE(tables, 4 + 8 * 2);
  head.writeUInt32LE(1, 8 + 8 * 2);
  head.writeUInt32LE(tables + 28, 4 + 8 * 3);
  const strings = Buffer.from(`\0\x03\x80\x80\\${name}\0`, "latin1");
  return Buffer.concat([head, long(20, 0, 1, 0, 0, 0, 0), strings]);
}

type Packing = "stored" | "deflate" | "solid";

function installer(packing: Packing, files: readonly string[], name = "drop.js"): Buffer {
  const header = script(name);
  const bodies = [header, ...files.map((one) => Buffer.from(one))];
  const plain = Buffer.concat(bodies.flatMap((one) => [long(one.length), one]));
  const singly = bodies.flatMap((one) => {
    const packed = deflateRawSync(one);
    return [long(0x8000_0000 + packed.length), packed];
  });
  const data = { stored: plain, deflate: Buffer.concat(singly), solid: deflateRawSync(plain) };
  const bytes = data[packing];
  const first = [long(4, 0xdeadbeef), Buffer.from("NullsoftInst")];
  return Buffer.concat([...first, long(header.length, 28 + bytes.length), bytes]);
}

function found(overlay: Buffer) {
  const { status, note, extracts } = drain(explodeProgram(buildPe({ overlay }), budgetOf()));
  return { status, note, files: extracts.map((one) => [one.name, textOf(one.bytes)]) };
}

describe("an NSIS installer's files are given by name", () => {
  test.each<Packing>(["stored", "deflate", "solid"])("%s", (packing) => {
    const { status, files } = found(installer(packing, ["first file", "second file"]));
    expect(status).toBe("clean");
    expect(files.slice(1)).toEqual([
      ["drop.js", "first file"],
      ["file 2", "second file"],
    ]);
    expect(files[0]?.[0]).toBe("installer script");
  });

  test.each([
    ["bzip2", NSIS_BZIP2],
    ["bzip2, in one stream", NSIS_BZIP2_SOLID],
    ["LZMA", NSIS_LZMA],
    ["LZMA, in one stream", NSIS_LZMA_SOLID],
  ])("%s, as NSIS itself writes it", (_, sample) => {
    const { status, files } = found(Buffer.from(sample, "base64"));
    expect(status).toBe("clean");
    expect(files.slice(1)).toEqual([
      ["readme.txt", NSIS_README],
      ["run.js", NSIS_SCRIPT],
    ]);
  });
});

test("what stands behind an installer is given too", () => {
  const behind = Buffer.from("something that was put behind it");
  const { files } = found(Buffer.concat([installer("solid", ["one"]), behind]));
  expect(files.at(-1)).toEqual(["data behind the program", textOf(behind)]);
});

test("an installer that is cut is damaged, one that is too large unscanned", () => {
  const whole = installer("stored", ["first file", "second file"]);
  expect(found(whole.subarray(0, whole.length - 4)).status).toBe("damaged");
  const large = buildPe({ overlay: installer("solid", ["x".repeat(100_000)]) });
  const { status } = drain(explodeProgram(large, budgetOf({ expandedSizeMax: 50_000 })));
  expect(status).toBe("unscanned");
});

test("an Inno Setup installer is told, since its files are not opened", () => {
  const overlay = Buffer.from(`${"Inno Setup Setup "}Data (6.2.0) (u)`.padEnd(80, "\0"));
  expect(found(overlay)).toMatchObject({
    status: "unscanned",
    note: "the files of Inno Setup installers are not opened",
  });
});
