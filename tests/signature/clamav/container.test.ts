// ClamAV's signed containers, made here with keys of our own; and the project's own, if the corpus
// is at hand.
import { expect, test } from "bun:test";
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import {
  CLAMAV_KEYS,
  type ContainerKeys,
  openContainer,
  type RsaKey,
  readDigits,
} from "../../../src/signature/clamav/container.ts";
import { importClamav } from "../../../src/signature/clamav/importer.ts";

const DIGITS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";

function writeDigits(number: bigint): string {
  let text = "";
  for (let rest = number; rest > 0n; rest >>= 6n) text += DIGITS[Number(rest & 63n)];
  return text;
}

const big = (part: string | undefined) =>
  BigInt(`0x${Buffer.from(part ?? "", "base64url").toString("hex")}`);

function keyPair(bits: number): { key: RsaKey; secret: KeyObject; exponent: bigint } {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const { n, e } = publicKey.export({ format: "jwk" });
  const { d } = privateKey.export({ format: "jwk" });
  return { key: { modulus: big(n), exponent: big(e) }, secret: privateKey, exponent: big(d) };
}

const HEADER = keyPair(1024);
const INFO = keyPair(2048);
const KEYS: ContainerKeys = { header: HEADER.key, info: INFO.key };

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let rest = exponent, square = base; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

const digest = (algorithm: "md5" | "sha256", bytes: Uint8Array) =>
  new Bun.CryptoHasher(algorithm).update(bytes).digest("hex");

function tar(files: Readonly<Record<string, Uint8Array>>): Buffer {
  const blocks: Uint8Array[] = [];
  for (const [name, bytes] of Object.entries(files)) {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(bytes.length.toString(8).padStart(11, "0"), 124);
    header.write("0", 156);
    blocks.push(header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

interface Wish {
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** What the list says of them, if not the truth. */
  readonly listed?: Readonly<Record<string, Uint8Array>>;
  readonly version?: string;
}

const FILES = { "x.ndb": Buffer.from("Test.One:0:*:616c706861\n"), "x.ign2": Buffer.from("No\n") };

function container({ files = FILES, listed = files, version = "7" }: Wish = {}): Buffer {
  const fields = (md5: string, dsig: string, of = "7") =>
    ["ClamAV-VDB", "01 Jan 2026 00-00 +0000", of, "1", "90", md5, dsig, "me", "1767225600"].join(
      ":",
    );
  const lines = Object.entries(listed).map(
    ([name, bytes]) => `${name}:${bytes.length}:${digest("sha256", bytes)}\n`,
  );
  const list = Buffer.from(`${fields("X", "X", version)}\n${lines.join("")}`);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const signature = sign("sha256", list, { key: INFO.secret, padding, saltLength: 32 });
  const number = BigInt(`0x${signature.toString("hex")}`);
  const info = Buffer.concat([list, Buffer.from(`DSIG:${writeDigits(number)}\n`)]);
  const body = gzipSync(tar({ COPYING: Buffer.from("free\n"), "x.info": info, ...files }));
  const md5 = digest("md5", body);
  const dsig = writeDigits(power(BigInt(`0x${md5}`), HEADER.exponent, HEADER.key.modulus));
  return Buffer.concat([Buffer.from(fields(md5, dsig).padEnd(512)), body]);
}

const open = (bytes: Uint8Array, path = "x.cvd") => openContainer({ path, bytes }, KEYS);

test("openContainer() gives the files of a container whose signatures are right", () => {
  expect(open(container()).map(({ name }) => name)).toEqual(["x.ndb", "x.ign2"]);
});

test("openContainer() trusts the signed list of a .cld, whose header is not signed", () => {
  const bytes = container();
  bytes.fill(0x20, 60, 500);
  const fields = "ClamAV-VDB:01 Jan 2026 00-00 +0000:7:1:90:x:x:me:1767225600";
  bytes.write(fields.padEnd(512), 0);
  expect(open(bytes, "x.cld")).toHaveLength(2);
  expect(() => open(bytes, "x.cvd")).toThrow("the container's checksum is wrong");
});

test.each<[string, string, () => Uint8Array]>([
  ["cut in the header", "the container is cut", () => container().subarray(0, 400)],
  ["not a container", "this is no ClamAV container", () => Buffer.alloc(600, 0x20)],
  [
    "changed in its body",
    "the container's checksum is wrong",
    () => {
      const bytes = container();
      bytes[600] = (bytes[600] ?? 0) ^ 1;
      return bytes;
    },
  ],
  [
    "with another file than listed",
    "x.ndb has a wrong checksum",
    () => container({ listed: { ...FILES, "x.ndb": Buffer.from("Test.Two:0:*:616c706861\n") } }),
  ],
  [
    "with a file more than listed",
    "x.ign2 is not listed in x.info",
    () => container({ listed: { "x.ndb": FILES["x.ndb"] } }),
  ],
  [
    "with a file less than listed",
    "y.ndb is listed and missing",
    () => container({ listed: { ...FILES, "y.ndb": FILES["x.ndb"] } }),
  ],
  [
    "with the list of another one",
    "x.info is of another container than the header",
    () => container({ version: "8" }),
  ],
  [
    "whose file names lead elsewhere",
    "an entry is no plain file",
    () => container({ files: { "../x.ndb": FILES["x.ndb"] } }),
  ],
])("openContainer() refuses a container %s", (_, reason, make) => {
  expect(() => open(make())).toThrow(reason);
});

test("openContainer() refuses what others have signed", () => {
  const bytes = container();
  expect(() => openContainer({ path: "x.cvd", bytes })).toThrow("the header's signature is wrong");
  const keys = { header: HEADER.key, info: CLAMAV_KEYS.info };
  expect(() => openContainer({ path: "x.cvd", bytes }, keys)).toThrow(
    "the signature of x.info is wrong",
  );
});

test("importClamav() reads the files of a container, and reports one that is refused", () => {
  const bytes = container();
  const { signatures, reports } = importClamav(
    [
      { path: "x.cvd", bytes },
      { path: "y.cvd", bytes: bytes.subarray(0, 700) },
    ],
    KEYS,
  );
  expect(signatures.map(({ info, file }) => [info.name, file])).toEqual([
    ["Test.One", "x.cvd/x.ndb"],
  ]);
  const refused = reports.find(({ file }) => file === "y.cvd");
  expect(refused?.diagnostics).toEqual([
    expect.objectContaining({ message: "the container's checksum is wrong" }),
  ]);
});

test("readDigits() reads the lowest digit first, and nothing but digits", () => {
  expect(readDigits("ba")).toBe(1n);
  expect(readDigits("ab")).toBe(64n);
  expect(readDigits("a=")).toBeUndefined();
});

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const OFFICIAL = `${CORPUS}/gpl-optional/clamav-unit-tests/unit_tests/input/freshclam_testfiles`;

test("openContainer() accepts what the ClamAV project has signed", () => {
  const names = ["test-1", "test-2", "test-3"].map((name) => `${OFFICIAL}/${name}.cvd`);
  const there = names.filter((name) => existsSync(name));
  const sizes = there.map((path) => openContainer({ path, bytes: readFileSync(path) }).length);
  expect(sizes).toEqual([2, 2, 18].slice(0, there.length));
});
