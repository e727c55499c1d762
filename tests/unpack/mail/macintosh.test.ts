// BinHex and AppleSingle: both carry a Macintosh file with two forks.
import { expect, test } from "bun:test";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeAppleFile } from "../../../src/unpack/mail/apple-file.ts";
import { explodeBinhex } from "../../../src/unpack/mail/binhex.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";

const DIGITS = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
const MARK = "(This file must be converted with BinHex 4.0)";

function u32be(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

// The checksum bit by bit, over the bytes and two zeros, unlike the table in the source.
function withSum(bytes: Buffer): Buffer {
  let crc = 0;
  for (const byte of [...bytes, 0, 0]) {
    for (let bit = 7; bit >= 0; bit--) {
      const isSet = (crc & 0x8000) !== 0;
      crc = ((crc << 1) | ((byte >> bit) & 1)) & 0xffff;
      if (isSet) crc ^= 0x1021;
    }
  }
  return Buffer.concat([bytes, Buffer.from([crc >> 8, crc & 255])]);
}

function binhex(name: string, data: Buffer, resource = Buffer.alloc(0)): string {
  const head = Buffer.concat([
    Buffer.from(`${String.fromCharCode(name.length)}${name}\0TEXTttxt\0\0`, "latin1"),
    u32be(data.length),
    u32be(resource.length),
  ]);
  const plain = Buffer.concat([withSum(head), withSum(data), withSum(resource)]);
  // A run of five and more is written as a count; 0x90 as 0x90 0x00.
  const packed = plain
    .toString("latin1")
    .replace(/\x90/g, "\x90\0")
    .replace(
      /([^\x90\0])\1{4,254}/g,
      (run: string) => `${run[0]}\x90${String.fromCharCode(run.length)}`,
    );
  let bits = "";
  for (const byte of Buffer.from(packed, "latin1")) bits += byte.toString(2).padStart(8, "0");
  const text = (bits.match(/.{1,6}/g) ?? []).map(
    (six) => DIGITS[Number.parseInt(six.padEnd(6, "0"), 2)],
  );
  return `${MARK}\r\n:${text.join("").replace(/.{63}/g, "$&\r\n")}:\r\n`;
}

const open = (text: string) => {
  const { status, extracts } = drain(explodeBinhex(Buffer.from(text, "latin1"), budgetOf()));
  return { status, files: extracts.map((one) => [one.name, textOf(one.bytes)]) };
};
const DATA = Buffer.from(`content ${"z".repeat(40)} \x90 end`, "latin1");

test("explodeBinhex() gives both forks, with runs written out", () => {
  const text = binhex("a.txt", DATA, Buffer.from("resource"));
  expect(fileType(Buffer.from(text))).toBe("binhex");
  expect(open(text)).toEqual({
    status: "clean",
    files: [
      ["a.txt", textOf(DATA)],
      ["a.txt (resource fork)", "resource"],
    ],
  });
});

test("explodeBinhex() finds several files in a text, and none in a sentence", () => {
  const text = `Hi\r\n${binhex("a", DATA)}and\r\n${binhex("b", DATA)}`;
  expect(open(text).files.map(([name]) => name)).toEqual(["a", "b"]);
  expect(open(`It says ${MARK} at its top.\r\nYes.`)).toEqual({ status: "clean", files: [] });
});

test("explodeBinhex() gives what a broken file holds, and calls it damaged", () => {
  const text = binhex("a.txt", DATA);
  const cut = open(text.slice(0, -30));
  expect(cut.status).toBe("damaged");
  expect(cut.files[0]?.[1]).toStartWith("con");
  expect(open(`${text.slice(0, 60)}!${text.slice(61)}`).status).toBe("damaged");
});

test("explodeBinhex() is bounded", () => {
  const bomb = binhex("a", Buffer.alloc(3 << 20, "x"));
  const found = drain(explodeBinhex(Buffer.from(bomb), budgetOf({ objectSizeMax: 1 << 20 })));
  expect(found.status).toBe("unscanned");
});

function appleFile(
  magic: number,
  ...entries: readonly (readonly [id: number, content: string])[]
): Buffer {
  const head = Buffer.concat([
    u32be(magic),
    u32be(0x0002_0000),
    Buffer.alloc(16),
    Buffer.from([0, entries.length]),
  ]);
  let at = head.length + 12 * entries.length;
  const table = entries.map(([id, content]) => {
    const entry = Buffer.concat([u32be(id), u32be(at), u32be(content.length)]);
    at += content.length;
    return entry;
  });
  return Buffer.concat([
    head,
    ...table,
    Buffer.from(entries.map(([, content]) => content).join(""), "latin1"),
  ]);
}

test("explodeAppleFile() gives the forks of AppleSingle and AppleDouble", () => {
  const single = appleFile(0x0005_1600, [3, "a.exe"], [1, "data"], [9, "finder"], [2, "resource"]);
  const double = appleFile(0x0005_1607, [9, "finder"], [2, "resource"]);
  const names = (bytes: Buffer) => {
    expect(fileType(bytes)).toBe("applefile");
    const { status, extracts } = drain(explodeAppleFile(bytes, budgetOf()));
    return [status, ...extracts.map((one) => `${one.name}=${textOf(one.bytes)}`)];
  };
  expect(names(single)).toEqual(["clean", "a.exe=data", "a.exe (resource fork)=resource"]);
  expect(names(double)).toEqual(["clean", "(resource fork)=resource"]);
});

test("explodeAppleFile() calls a cut file damaged", () => {
  const whole = appleFile(0x0005_1600, [1, "data"]);
  for (const size of [4, 30, whole.length - 2]) {
    expect(drain(explodeAppleFile(whole.subarray(0, size), budgetOf())).status).toBe("damaged");
  }
});
