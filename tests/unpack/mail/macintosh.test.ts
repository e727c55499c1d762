// BinHex and AppleSingle: both carry a Macintosh file with two forks.
import { expect, test } from "bun:test";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeAppleFile } from "../../../src/unpack/mail/apple-file.ts";
import { explodeBinhex } from "../../../src/unpack/mail/binhex.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { appleFile, binhex, BINHEX_MARK as MARK } from "./build-forks.ts";

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
