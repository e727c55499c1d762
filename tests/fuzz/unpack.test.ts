// Broken archives from a fixed seed: unpacking them must neither throw, hang nor swell.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { unpackerFor } from "../../src/unpack/registry.ts";
import { uuencode } from "../harness/encode.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import { buildZip } from "../unpack/build-zip.ts";
import { mutated, random } from "./mutate.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDER = join(GW_CORPUS, "containers", "yauzl");
const SEED = 20_261_123;
const ROUNDS = 2000;
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
