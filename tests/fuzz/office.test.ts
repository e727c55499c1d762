// Broken documents from a fixed seed: taking them apart must neither throw, hang nor swell.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileType } from "../../src/scan/file-type.ts";
import { explodeOle2 } from "../../src/unpack/office/ole2.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import { buildCompound } from "../unpack/office/build-compound.ts";
import {
  autoOpenName,
  buildMessage,
  buildWorkbook,
  formulaCell,
  packageStream,
  stringToken,
  vbaStreams,
} from "../unpack/office/build-office.ts";
import { mutated, type Random, random } from "./mutate.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDER = join(GW_CORPUS, "containers", "oletools");
const SEED = 20_261_122;
const { GW_FUZZ_ROUNDS = "3000" } = process.env;
const LIMITS = { objectSizeMax: 1 << 20, expandedSizeMax: 4 << 20, objectCountMax: 300 };
const SIZE_MAX = 60_000;
const DICTIONARY = [
  ...["\xfe\xff\xff\xff", "\xff\xff\xff\xff", "\xfd\xff\xff\xff", "\0\0\0\0", "\x01\0\0\0"],
  ...["\0Attribut", "\x01\x19\xb0\0", "\xfe\xca", "\x09\x08\x10\0\0\x06\x40\0", "\x2f\0", "LZFu"],
  ...["\x10\0\x11\x10", "\x42\xff\xff\xff", "\xec\xa5"],
];

const ENCRYPTED = Buffer.from("EncryptedPackage", "utf16le");
const AGILE = `<keyData hashAlgorithm="SHA1" saltValue="AAAA"/><a:encryptedKey spinCount="5"
  keyBits="128" hashAlgorithm="SHA1" saltValue="AAAA" encryptedKeyValue="AAAA"/>`;

function samples(): Buffer[] {
  const sheet = { name: "M", records: [formulaCell(0, 0, stringToken("text"))] };
  const own = [
    buildCompound(vbaStreams([{ name: "M", source: "Attribute VB_Name\r\nSub a()", compiled: 9 }])),
    buildCompound({ Workbook: buildWorkbook([sheet], [autoOpenName()]) }),
    buildCompound({ "a/\x01Ole10Native": packageStream("a.exe", Buffer.from("content"), "b") }),
    buildMessage(Buffer.from("attached"), Buffer.alloc(60, "LZFu")),
    buildCompound({ EncryptionInfo: `\x04\0\x04\0\0\0\0\0${AGILE}`, EncryptedPackage: AGILE }),
    buildCompound({ large: Buffer.alloc(9000, "x"), small: "y" }, { shift: 12 }),
  ];
  const names = existsSync(FOLDER) ? readdirSync(FOLDER, { recursive: true }).map(String) : [];
  for (const name of names.sort()) {
    const path = join(FOLDER, name);
    if (!statSync(path).isFile() || statSync(path).size > SIZE_MAX) continue;
    const bytes = readFileSync(path);
    // Trying a password takes a tenth of a second: the own sample has fewer rounds of it.
    if (fileType(bytes) === "ole2" && !bytes.includes(ENCRYPTED)) own.push(bytes);
  }
  return own;
}

// Chains and directories break by a changed number, which inserted bytes hardly ever make.
function repointed(input: Buffer, next: Random): Buffer {
  const bytes = Buffer.from(input);
  for (let count = 1 + next(6); count > 0; count--) {
    const at = next(Math.max(1, bytes.length >> 2)) * 4;
    if (at + 4 > bytes.length) continue;
    const values = [next(bytes.length >> 8), next(64), 0xfffffffe, 0xffffffff, next(0x7fffffff)];
    bytes.writeUInt32LE(values[next(values.length)] ?? 0, at);
  }
  return bytes;
}

test("documents of the old formats survive damage", () => {
  const next = random(SEED);
  const all = samples();
  let slowest = 0;
  for (let round = 0; round < Number(GW_FUZZ_ROUNDS); round++) {
    const sample = all[next(all.length)] as Buffer;
    const change = next(2) === 0 ? repointed : (input: Buffer) => mutated(input, DICTIONARY, next);
    const bytes = change(sample, next);
    const startedAt = performance.now();
    const { extracts } = drain(explodeOle2(bytes, budgetOf(LIMITS)));
    slowest = Math.max(slowest, performance.now() - startedAt);
    const size = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
    expect(size).toBeLessThanOrEqual(LIMITS.expandedSizeMax);
    expect(extracts.length).toBeLessThanOrEqual(LIMITS.objectCountMax);
  }
  expect(slowest).toBeLessThan(2000);
}, 120_000);
