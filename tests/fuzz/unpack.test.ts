// Broken archives from a fixed seed: unpacking them must neither throw, hang nor swell.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { unpackerFor } from "../../src/unpack/registry.ts";
import { uuencode } from "../harness/encode.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import * as compressed from "../unpack/archive/compressed.ts";
import { buildZip } from "../unpack/build-zip.ts";
import { implode, reduce, shrink } from "../unpack/zip/pack-legacy.ts";
import { mutated, random } from "./mutate.ts";

const { GW_CORPUS = join("..", "shared", "corpus"), GW_FUZZ_ROUNDS = "3000" } = process.env;
const FOLDER = join(GW_CORPUS, "containers", "yauzl");
const SEED = 20_261_123;
// A long run is started by hand: GW_FUZZ_ROUNDS=100000 bun test tests/fuzz/unpack.test.ts
const ROUNDS = Number(GW_FUZZ_ROUNDS);
const LIMITS = { objectSizeMax: 1 << 20, expandedSizeMax: 8 << 20, objectCountMax: 500 };
const DICTIONARY = [
  ...["PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07", "PK\x07\x08"],
  ...[
    "\xff\xff\xff\xff",
    "\0\0\0\0",
    "\x01\0\x1c\0",
    "\x1f\x8b\x08",
    "begin 644 x\n",
    "data:;base64,",
  ],
];

// One archive for each method, so that damage reaches every decoder.
function methods(bytes: Buffer): [string, Buffer][] {
  const match = { distance: 9, length: 30 };
  const packed: [number, Buffer][] = [
    [1, shrink(bytes)],
    [2, reduce(bytes, match)],
    [6, implode(bytes, match, true)],
    [9, deflateRawSync(bytes)],
    [12, compressed.BZIP2],
    [14, Buffer.concat([Buffer.from([9, 20, 5, 0]), compressed.LZMA.subarray(0, 5)])],
    [93, zstdCompressSync(bytes)],
    [95, compressed.XZ],
    [98, bytes],
  ];
  return packed.map(([method, data]) => {
    const member = { name: "a", bytes, method, packed: data, flags: method === 6 ? 4 : 0 };
    return ["zip", buildZip([member])];
  });
}

function samples(): [type: string, bytes: Buffer][] {
  const bytes = Buffer.from("some content ".repeat(50));
  const own: [string, Buffer][] = [
    [
      "zip",
      buildZip([
        { name: "a", bytes },
        { name: "b", bytes, method: 0, hasDescriptor: true },
      ]),
    ],
    [
      "zip",
      buildZip([
        { name: "a", bytes, isZip64: true },
        { name: "b", bytes, isHidden: true },
      ]),
    ],
    ...methods(bytes),
    ["gzip", Buffer.concat([gzipSync(bytes), gzipSync("x")])],
    [
      "text",
      Buffer.from(`${uuencode("a", "content")} "data:a/b;base64,${bytes.toString("base64")}"`),
    ],
    ["mbox", Buffer.from("From a\nA: b\n\nc\n".repeat(5))],
  ];
  for (const name of existsSync(FOLDER) ? readdirSync(FOLDER, { recursive: true }).sort() : []) {
    const path = join(FOLDER, String(name));
    if (path.endsWith(".zip") && statSync(path).size < 50_000)
      own.push(["zip", readFileSync(path)]);
  }
  return own;
}

test("unpackers survive broken input", () => {
  const next = random(SEED);
  const all = samples();
  let slowest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [type, sample] = all[next(all.length)] as [string, Buffer];
    const bytes = mutated(sample, DICTIONARY, next);
    const unpack = unpackerFor(type);
    if (unpack === undefined) throw new Error(`no unpacker for ${type}`);
    const startedAt = performance.now();
    const { extracts } = drain(unpack(bytes, budgetOf(LIMITS)));
    slowest = Math.max(slowest, performance.now() - startedAt);
    const size = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
    expect(size).toBeLessThanOrEqual(LIMITS.expandedSizeMax);
    expect(extracts.length).toBeLessThanOrEqual(LIMITS.objectCountMax);
  }
  expect(slowest).toBeLessThan(2000);
}, 120_000);
