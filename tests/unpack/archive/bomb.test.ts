// Small files that would become large ones: each ends within its limits, and none is clean.
import { expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { inspect, type ObjectScanner } from "../../../src/pipeline/inspect.ts";
import { buildIso } from "./build-disc.ts";
import { buildDynamicVhd } from "./build-images.ts";
import { buildTar, octal, paxHeader, type TarMember, tarMember } from "./build-tar.ts";

const BLIND: ObjectScanner = {
  identity: "none",
  scan: ({ bytes }) => ({ findings: [], scanned: bytes.length, isComplete: true }),
};
const MIB = 1 << 20;
const LIMITS = {
  ...{ objectSizeMax: 8 * MIB, expandedSizeMax: 32 * MIB, objectCountMax: 1000 },
  ...{ depthMax: 10, timeMaxMs: 5000 },
};

function nested(depth: number, wrap: (inner: Buffer) => Buffer): Buffer {
  let bytes: Buffer = Buffer.from("the innermost");
  for (let i = 0; i < depth; i++) bytes = wrap(bytes);
  return bytes;
}

const tarOf = (content: Buffer) => buildTar({ name: "a.tar", content });

// Every member holds the archive that follows it: the sizes overlap.
function overlapping(): Buffer {
  const count = 500;
  const members = Array.from({ length: count }, (_, i) => {
    const size = (count - i) * 512;
    return tarMember({ name: `${i}`, size });
  });
  return Buffer.concat(members);
}

// A table whose blocks are all the same one.
function sameBlock(): Buffer {
  const vhd = buildDynamicVhd(Buffer.alloc(4096 * 2000, 1));
  const sector = vhd.readUInt32BE(1536);
  for (let at = 1536; at < 1536 + 8000; at += 4) vhd.writeUInt32BE(sector, at);
  vhd.writeBigUInt64BE(1n << 40n, vhd.length - 512 + 48);
  return vhd;
}

const SPARSE = { "GNU.sparse.size": "68719476736", "GNU.sparse.map": "0,1,68719476735,1" };

test.each<[string, () => Buffer]>([
  ["tar in tar", () => nested(12, tarOf)],
  ["zstd in zstd", () => nested(12, (inner) => zstdCompressSync(inner))],
  ["tar in gzip in tar", () => nested(6, (inner) => gzipSync(tarOf(inner)))],
  ["zeros in zstd", () => zstdCompressSync(Buffer.alloc(64 * MIB))],
  [
    "zstd of zeros, often",
    () =>
      buildTar(
        ...Array<TarMember>(20).fill({
          name: "z",
          content: zstdCompressSync(Buffer.alloc(7 * MIB)),
        }),
      ),
  ],
  ["many members", () => buildTar(...Array<TarMember>(2000).fill({ name: "a", content: "x" }))],
  ["a file of holes", () => buildTar(paxHeader(SPARSE), { name: "s", content: "xx" })],
  [
    "an old file of holes",
    () =>
      buildTar({
        name: "s",
        type: "S",
        dialect: "gnu",
        content: "x",
        patches: [
          [386, octal(0, 12) + octal(1, 12)],
          [483, "77777777777\0"],
        ],
      }),
  ],
  ["a disk of one block", sameBlock],
])("%s is not clean", (_, build) => {
  const bytes = build();
  const beganAt = performance.now();
  const { status, objects } = inspect({ name: "x", declaredType: "", bytes }, BLIND, LIMITS);
  expect(["unscanned", "damaged"]).toContain(status);
  expect(objects.length).toBeLessThanOrEqual(LIMITS.objectCountMax + 1);
  const taken = objects.slice(1).reduce((sum, { size }) => sum + size, 0);
  expect(taken).toBeLessThanOrEqual(LIMITS.expandedSizeMax);
  expect(performance.now() - beganAt).toBeLessThan(LIMITS.timeMaxMs);
});

test("files of an image that share their content are given once", () => {
  const image = buildIso(
    Array.from({ length: 40 }, (_, i) => ({ name: `${i}`, content: "x".repeat(5000) })),
  );
  // All forty records point at the first one's sectors.
  for (let at = 21 * 2048 + 68, count = 0; count < 40 && image[at] !== 0; count++) {
    image.writeUInt32LE(24, at + 2);
    at += image[at] as number;
  }
  const { status, objects } = inspect({ name: "x", declaredType: "", bytes: image }, BLIND, LIMITS);
  expect([status, objects.length]).toEqual(["clean", 2]);
});

test("an image that holds itself is not clean", () => {
  const image = buildIso([{ name: "A", content: "x" }]);
  const record = image.indexOf("FILE0.BIN;1", 21 * 2048) - 33;
  image.writeUInt32LE(0, record + 2);
  image.writeUInt32LE(image.length, record + 10);
  const { status, objects } = inspect({ name: "x", declaredType: "", bytes: image }, BLIND, LIMITS);
  expect([status, objects.length]).toEqual(["unscanned", 2]);
});

test("members that overlap end at once", () => {
  const bytes = overlapping();
  const { objects } = inspect({ name: "x", declaredType: "", bytes }, BLIND, LIMITS);
  expect(objects.length).toBeLessThan(1001);
});
