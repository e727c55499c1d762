// Archives that unpack to far more than they are: flat, nested, overlapping, full of members, or
// holding themselves.
import { crc32, deflateRawSync } from "node:zlib";
import { buildIso } from "../../unpack/archive/build-disc.ts";
import { buildTar, paxHeader } from "../../unpack/archive/build-tar.ts";
import { encrypted7z } from "../../unpack/archive/sevenzip/build.ts";
import { buildZip, type Member } from "../../unpack/build-zip.ts";
import { encryptAes } from "../../unpack/zip/pack-legacy.ts";
import { type Bomb, GIB, MIB, nested, zerosDeflated } from "./bomb.ts";

const SECTOR = 2048;
const FIRST_RECORD = 21 * SECTOR;

const member = (name: string, bytes: Buffer): Member => ({ name, bytes });

function zerosMember(name: string, size: number): Member {
  const packed = zerosDeflated(size);
  return { name, bytes: Buffer.alloc(0), packed, declaredSize: Math.min(size, 2 ** 32 - 1) };
}

// As 42.zip: sixteen of each level in the next one.
function sixteenOfSixteen(levels: number): Buffer {
  const core = buildZip([zerosMember("0.dll", 4 * GIB - 16 * MIB)]);
  return nested(levels, core, (inner) =>
    buildZip(Array.from({ length: 16 }, (_, i) => member(`lib ${i}.zip`, inner))),
  );
}

// Every entry of the directory points at the same data (D. Fifield's "better zip bomb", simplified).
function overlapping(count: number, size: number): Buffer {
  const data = deflateRawSync(Buffer.alloc(size), { level: 9 });
  const sum = crc32(Buffer.alloc(size));
  const local = Buffer.alloc(31);
  local.write("PK\x03\x04", 0, "latin1");
  for (const [at, value] of [
    [4, 20],
    [8, 8],
    [26, 1],
  ] as const)
    local.writeUInt16LE(value, at);
  for (const [at, value] of [
    [14, sum],
    [18, data.length],
    [22, size],
  ] as const) {
    local.writeUInt32LE(value, at);
  }
  local[30] = 0x61;
  const central = Buffer.alloc(count * 51);
  for (let i = 0; i < count; i++) {
    const at = i * 51;
    central.write("PK\x01\x02", at, "latin1");
    local.copy(central, at + 6, 4, 28);
    central.writeUInt16LE(5, at + 28);
    central.write(String(i).padStart(5, "0"), at + 46);
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(count % 65536, 8);
  end.writeUInt16LE(count % 65536, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + data.length, 16);
  return Buffer.concat([local, data, central, end]);
}

// The one file of this disc is the disc.
function discOfItself(): Buffer {
  const image = buildIso([{ name: "A", content: "x" }]);
  const record = image.indexOf(Buffer.from("FILE0.BIN;1"), FIRST_RECORD) - 33;
  image.writeUInt32LE(0, record + 2);
  image.writeUInt32BE(0, record + 6);
  image.writeUInt32LE(image.length, record + 10);
  image.writeUInt32BE(image.length, record + 14);
  return image;
}

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ ...member(`${i}`, Buffer.from("x")), method: 0 }));

/** Zip, tar, 7z and disc images. */
export const ARCHIVE_BOMBS: readonly Bomb[] = [
  {
    name: "zip, one file of zeros",
    wouldBe: "10 GB",
    build: () => buildZip([zerosMember("zeros", 10 * GIB)]),
  },
  {
    name: "zip, 200 files just below the limit of one",
    wouldBe: "12 GB",
    build: () => buildZip(Array.from({ length: 200 }, (_, i) => zerosMember(`${i}`, 48 * MIB))),
  },
  { name: "zip of zips, 16 each, 6 deep", wouldBe: "70 PB", build: () => sixteenOfSixteen(6) },
  { name: "zip in zip, 300 deep", wouldBe: "300 objects", build: () => deepZip(300) },
  {
    name: "zip whose 60,000 entries share their data",
    wouldBe: "1.2 TB",
    build: () => overlapping(60_000, 20 * MIB),
  },
  {
    name: "zip whose 60,000 entries share a small file",
    wouldBe: "60,000 objects",
    build: () => overlapping(60_000, 64),
  },
  {
    name: "zip, 60,000 members",
    wouldBe: "60,000 objects",
    build: () => buildZip(many(60_000)),
  },
  { name: "disc image that holds itself", wouldBe: "no end", build: discOfItself },
  {
    name: "tar in tar, 3,000 deep",
    wouldBe: "3,000 objects",
    build: () => nested(3000, Buffer.from("x"), (inner) => buildTar({ name: "a", content: inner })),
  },
  {
    name: "tar, 100,000 members",
    wouldBe: "100,000 objects",
    build: () =>
      Buffer.alloc(51_200_000, buildTar({ name: "a", content: "" }).subarray(0, 512)).subarray(
        0,
        30_720_000,
      ),
  },
  {
    name: "tar, a file of holes",
    wouldBe: "8 EB",
    build: () =>
      buildTar(paxHeader({ "GNU.sparse.size": "9223372036854775807", "GNU.sparse.map": "0,1" }), {
        name: "s",
        content: "x",
      }),
  },
  {
    name: "7z, a password of 2^24 rounds",
    wouldBe: "hours of guessing",
    build: () => encrypted7z([{ name: "a", content: "x" }], "not to be guessed", 24),
  },
  {
    name: "zip, 2,000 members with AES",
    wouldBe: "hours of guessing",
    build: () =>
      buildZip(
        Array.from({ length: 2000 }, (_, i) => ({
          ...{ name: `${i}`, bytes: Buffer.from("x"), method: 99, flags: 1, crc: 0 },
          ...encryptAes(Buffer.from("x"), "not to be guessed", 0),
        })),
      ),
  },
];

function deepZip(depth: number): Buffer {
  return nested(depth, Buffer.from("x"), (inner) => buildZip([member("a.zip", inner)]));
}
