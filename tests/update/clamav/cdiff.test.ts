import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import {
  CLAMAV_DIFF_KEY,
  isSignedBy,
  openMembers,
} from "../../../src/signature/clamav/container.ts";
import { applyDiff, DiffError, openDiff } from "../../../src/update/clamav/cdiff.ts";
import { writeCld } from "../../../src/update/clamav/cld.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const CHAIN = `${CORPUS}/gpl-optional/clamav-unit-tests/unit_tests/input/freshclam_testfiles`;
const hasChain = existsSync(CHAIN);
const isSigned = (digits: string, signed: Uint8Array) =>
  isSignedBy(digits, signed, CLAMAV_DIFF_KEY);

const file = (name: string, text: string) => ({ name, bytes: Buffer.from(text) });
const texts = (files: readonly { name: string; bytes: Uint8Array }[]) =>
  Object.fromEntries(files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]));

const BEFORE = [file("a.ndb", "one\ntwo words\nthree\n"), file("b.hdb", "x\n")];

const GOOD: readonly (readonly [string, string, Record<string, string>])[] = [
  [
    "adds lines",
    "OPEN a.ndb\nADD four five\nCLOSE",
    { "a.ndb": "one\ntwo words\nthree\nfour five\n" },
  ],
  ["makes a new file", "OPEN c.fp\nADD x:1\nCLOSE", { "c.fp": "x:1\n" }],
  [
    "counts the lines of the file as it was",
    "OPEN a.ndb\nDEL 1 on\nXCHG 3 thr THREE\nDEL 2 two wor\nADD end\nCLOSE",
    { "a.ndb": "THREE\nend\n" },
  ],
  [
    "moves lines",
    "MOVE a.ndb b.hdb 1 one 2 two",
    { "a.ndb": "three\n", "b.hdb": "x\none\ntwo words\n" },
  ],
  ["takes notice of no remarks", "# remark\n\nOPEN b.hdb\nADD y\nCLOSE\n", { "b.hdb": "x\ny\n" }],
];

test.each(GOOD)("applyDiff() %s", (_, script, expected) => {
  expect(texts(applyDiff(BEFORE, script))).toMatchObject(expected);
});

test("applyDiff() deletes files", () => {
  expect(texts(applyDiff(BEFORE, "UNLINK b.hdb"))).toEqual({ "a.ndb": "one\ntwo words\nthree\n" });
});

const BAD: readonly (readonly [string, RegExp])[] = [
  ["OPEN a.ndb\nDEL 1 two\nCLOSE", /line 2 .* line 1 of a.ndb is not what the diff changes/],
  ["OPEN a.ndb\nXCHG 9 x y\nCLOSE", /line 9 of a.ndb/],
  ["OPEN a.ndb\nDEL 1 one\nDEL 1 one\nCLOSE", /line 3 of the diff/],
  ["ADD x", /ADD outside/],
  ["OPEN a.ndb\nOPEN b.hdb", /before CLOSE/],
  ["OPEN a.ndb\nADD x", /ends before CLOSE/],
  ["OPEN ../a.ndb", /names a file/],
  ["UNLINK nothing", /not there/],
  ["MOVE a.ndb b.hdb 2 one 1 two", /not in a.ndb/],
  ["MOVE a.ndb b.hdb 1 wrong 2 two", /not in a.ndb/],
  ["EXEC rm", /unknown command "EXEC rm"/],
];

test.each(BAD)("applyDiff() refuses %j", (script, expected) => {
  expect(() => applyDiff(BEFORE, script)).toThrow(DiffError);
  expect(() => applyDiff(BEFORE, script)).toThrow(expected);
});

describe("openDiff()", () => {
  const made = (head: string, body: Uint8Array, tail = ":x") =>
    Buffer.concat([Buffer.from(head), body, Buffer.from(tail)]);
  const packed = gzipSync("UNLINK b.hdb\n");
  const yes = () => true;

  test("gives the script of a diff that is signed and makes the version", () => {
    expect(openDiff(made("ClamAV-Diff:2:13:", packed), 2, yes)).toBe("UNLINK b.hdb\n");
  });

  const CASES: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["the signature is wrong", made("ClamAV-Diff:9:1:", packed), /makes version 9, not 2/],
    ["there is none", Buffer.from("nothing"), /no signature/],
    ["there is no header", made("Clam:2:13:", packed), /this is no diff/],
    ["it is damaged", made("ClamAV-Diff:2:13:", packed.subarray(0, 15)), /can't be unpacked/],
    ["it is empty", Buffer.alloc(0), /no signature/],
  ];
  test.each(CASES)("refuses a diff when %s", (_, bytes, expected) => {
    expect(() => openDiff(bytes, 2, yes)).toThrow(expected);
    expect(() => openDiff(bytes, 2, () => false)).toThrow(/signature/);
  });

  test.skipIf(!hasChain)("makes of version 1 what the project published as 2 and 3", () => {
    let files = openMembers({ path: "test.cvd", bytes: readFileSync(`${CHAIN}/test-1.cvd`) });
    for (const version of [2, 3]) {
      const script = openDiff(readFileSync(`${CHAIN}/test-${version}.cdiff`), version, isSigned);
      files = applyDiff(files, script);
      const bytes = writeCld(files);
      const kept = openMembers({ path: "test.cld", bytes });
      const whole = readFileSync(`${CHAIN}/test-${version}.cvd`);
      expect(texts(kept)).toEqual(texts(openMembers({ path: "test.cvd", bytes: whole })));
    }
  });

  test.skipIf(!hasChain)("refuses a diff and a container with any byte flipped", () => {
    for (const name of ["test-2.cdiff", "test-1.cvd"]) {
      const bytes = readFileSync(`${CHAIN}/${name}`);
      const open = () =>
        name.endsWith(".cvd") ? openMembers({ path: name, bytes }) : openDiff(bytes, 2, isSigned);
      expect(open).not.toThrow();
      let accepted = 0;
      for (let at = 0; at < bytes.length; at++) {
        // Each bit in turn: letters of the other case, spaces that become other white space.
        const bit = 1 << (at % 8);
        for (const flip of new Set([bit, 0x20])) {
          bytes[at] = (bytes[at] ?? 0) ^ flip;
          try {
            open();
            accepted++;
          } catch {
            // Refused, as it must be.
          }
          bytes[at] = (bytes[at] ?? 0) ^ flip;
        }
      }
      expect({ name, accepted }).toEqual({ name, accepted: 0 });
    }
  });
});
