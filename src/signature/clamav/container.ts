// The containers that ClamAV's databases are published in, .cvd .cld .cud: a header of 512 bytes and
// a tar archive. Nothing of one is used unless its signature and all of its checksums are right.
import { constants, createHash, createPublicKey, verify } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { SourceError } from "../source.ts";

const HEADER_SIZE = 512;
const BLOCK = 512;
const UNPACKED_MAX = 1024 ** 3;
const MEMBERS_MAX = 1000;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const SALT_LENGTH = 32;

/** An RSA key: modulus and public exponent. */
export interface RsaKey {
  readonly modulus: bigint;
  readonly exponent: bigint;
}

/** Who signs: `header` the checksum in the header, `info` the list of the files. */
export interface ContainerKeys {
  readonly header: RsaKey;
  readonly info: RsaKey;
}

/** A file out of a container. */
export interface Member {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The keys of the ClamAV project: everyone's copy of ClamAV has them. */
export const CLAMAV_KEYS: ContainerKeys = {
  header: {
    modulus: BigInt(
      [
        "0xa8f34c7b2bae902e1e608cfcec44c024375370c09cd460e1917a98546ddfc53a90c608bb48ba8cb7",
        "eed1ff342085ecdd1491428ca8a895972403a3db2a452dd80173bb07e1e23acbc84fab2e2586930f",
        "62909d56d2e25256c989d399fa722ab25ab628df79bcfce43b86a0e049263171352b75048f2d4778",
        "b69a5e574a6130ad",
      ].join(""),
    ),
    exponent: 100_001_027n,
  },
  info: {
    modulus: BigInt(
      [
        "0x57d749b7e7d61160421a14aeadb263bbaec4422cabda76e94db3fa98cd63bfe32a54c72b3026f235",
        "6dfa9543f9020219cbdcbdae9e642c4441c23a2523cf4fa6d444722ec227b89e04dad097c38eeef9",
        "3b588baabecc6fc20199fea6ea47a66c736d4fec15b5a8d4411e1ae838e2a0a55b7398f4d48b346a",
        "7d747134c62bfdf95a4bce381fa151a2118b6788ccb3289512a6c8b3a84d640e0fca01d0f4611d7d",
        "d1a47452027ddecfc1572d08370e63c51d9bd4773153ce7ad95c4ffb2f4a1147e35304f827f34a4d",
        "5ef388bab077f7cae0b2fbbbfea09936b656b4c0c7c4e9907c6c6d392e01b047746d2b8694bede7a",
        "5e0861f8d95ef844a29b71e7f8b8f0c9",
      ].join(""),
    ),
    exponent: 100_002_049n,
  },
};

/** The key with which the ClamAV project signs what is different between two versions (cdiff). */
export const CLAMAV_DIFF_KEY: RsaKey = {
  modulus: BigInt(
    [
      "0x751c709765074b2f79f1390581433f72b8e29dc8de678481ed1b56a39215e9d0298619228d8326d2",
      "b3b5db9dfcb832dc1fab5ec269986dad56b1c2fe661c18823918e61f8f4d6efbe6be587f0a0fe4db6a",
      "f5c1c5c0592127e48c012698233a67c1073fa0b52198edbe5ae2c1449a3b8acab7f791b282986fa086",
      "1ec925511f713a087c299d39da10173c25aaf328971b4feef396f72f1d7d533bda6505514f1bff8c5f",
      "ad963334ed4ae2a8d35fdb941cb9f8dbf92002781fdfcf3b11bbbc3bec64174f75560f6450a0835e3c",
      "9acc8be4f6c9af3f85c17d9b49b27792d7602b9821c015f87679b65b25ad5c2e041da84e6ee076ac52",
      "74e693a0f874bc7fd10903",
    ].join(""),
  ),
  exponent: 100_002_053n,
};

function fail(message: string): never {
  throw new SourceError(message, { line: 1, column: 1 });
}

// ---- signatures ---------------------------------------------------------------------------------

const DIGITS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
const SIGNATURE_MAX = 1024;

/** A number in ClamAV's digits of 6 bits, the lowest first; undefined if it is none. */
export function readDigits(text: string): bigint | undefined {
  if (text === "" || text.length > SIGNATURE_MAX) return undefined;
  let number = 0n;
  for (let i = text.length - 1; i >= 0; i--) {
    const digit = DIGITS.indexOf(text[i] ?? "");
    if (digit < 0) return undefined;
    number = (number << 6n) | BigInt(digit);
  }
  return number;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function bytesOf(number: bigint, length: number): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * length, "0"), "hex");
}

// Textbook RSA: what comes out is the MD5 itself.
function isHeaderSigned(digits: string, md5: string, { modulus, exponent }: RsaKey): boolean {
  const signature = readDigits(digits);
  if (signature === undefined || signature >= modulus) return false;
  return power(signature, exponent, modulus) === BigInt(`0x${md5}`);
}

/**
 * Whether the digits are a signature of these bytes: RSASSA-PSS with SHA-256, as PKCS #1 v2.2 has it.
 * So are lists of files signed, and the differences between versions.
 */
export function isSignedBy(
  digits: string,
  signed: Uint8Array,
  { modulus, exponent }: RsaKey,
): boolean {
  const number = readDigits(digits);
  if (number === undefined || number >= modulus) return false;
  const length = Math.ceil(modulus.toString(2).length / 8);
  const part = (value: bigint) =>
    bytesOf(value, Math.ceil(value.toString(16).length / 2)).toString("base64url");
  const jwk = { kty: "RSA", n: part(modulus), e: part(exponent) };
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const how = { key, padding, saltLength: SALT_LENGTH };
  return verify("sha256", signed, how, bytesOf(number, length));
}

// ---- the archive --------------------------------------------------------------------------------

function unpackBody(body: Uint8Array): Buffer {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  if (!isGzip) return Buffer.from(body.buffer, body.byteOffset, body.length);
  try {
    return gunzipSync(body, { maxOutputLength: UNPACKED_MAX });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return fail(`the container can't be unpacked: ${error.message}`);
  }
}

const isZero = (block: Uint8Array) => block.every((byte) => byte === 0);

// Plain files only, as ClamAV writes them: POSIX.1 ustar, sizes in octal.
function readTar(tar: Buffer): Member[] {
  const members: Member[] = [];
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (isZero(header)) break;
    const name = header.toString("latin1", 0, 100).split("\0")[0] ?? "";
    const size = Number.parseInt(header.toString("latin1", 124, 136), 8);
    const type = header[156] ?? 0;
    if (!NAME.test(name) || (type !== 0 && type !== 0x30)) fail("an entry is no plain file");
    if (!(size >= 0 && size <= tar.length - at - BLOCK)) fail(`${name} is cut`);
    members.push({ name, bytes: tar.subarray(at + BLOCK, at + BLOCK + size) });
    if (members.length > MEMBERS_MAX) fail("the container holds too many files");
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return members;
}

/** Checks a list of files against the header, and the files against the list. */
function checkInfo(info: Member, files: readonly Member[], headerFields: readonly string[]): void {
  const lines = Buffer.from(info.bytes).toString("latin1").split("\n");
  const own = (lines[0] ?? "").split(":");
  // Version, number of signatures, level, builder and time; the checksums stand only in the header.
  for (const i of [0, 1, 2, 3, 4, 7, 8]) {
    if (own[i] !== headerFields[i]) {
      fail(`${info.name} is of another container than the header`);
    }
  }
  const listed = new Map<string, { size: number; sha256: string }>();
  for (const line of lines.slice(1)) {
    const [, name = "", size, sha256 = ""] =
      /^([^:]{1,64}):(\d{1,10}):([0-9a-fA-F]{64})\s*$/.exec(line) ?? [];
    if (size !== undefined) listed.set(name, { size: Number(size), sha256: sha256.toLowerCase() });
  }
  for (const { name, bytes } of files) {
    const entry = listed.get(name);
    if (entry === undefined) fail(`${name} is not listed in ${info.name}`);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (entry.size !== bytes.length || entry.sha256 !== sha256)
      fail(`${name} has a wrong checksum`);
    listed.delete(name);
  }
  for (const name of listed.keys()) fail(`${name} is listed and missing`);
}

function isListSigned(info: Member, key: RsaKey): boolean {
  const text = Buffer.from(info.bytes).toString("latin1");
  const at = text.lastIndexOf("DSIG:");
  if (at < 0) return false;
  const signed = info.bytes.subarray(0, at);
  return isSignedBy(text.slice(at + 5).trim(), signed, key);
}

/** The files of a container that hold signatures: `openMembers` without what is about them. */
export function openContainer(
  file: { readonly path: string; readonly bytes: Uint8Array },
  keys: ContainerKeys = CLAMAV_KEYS,
): readonly Member[] {
  return openMembers(file, keys).filter(
    ({ name }) => !name.endsWith(".info") && name !== "COPYING",
  );
}

/**
 * All members of a container. Throws SourceError, with the reason, unless the header's checksum and
 * signature (.cvd), the signed list of files and the checksum of every file are right.
 */
export function openMembers(
  { path, bytes }: { readonly path: string; readonly bytes: Uint8Array },
  keys: ContainerKeys = CLAMAV_KEYS,
): readonly Member[] {
  if (bytes.length <= HEADER_SIZE) fail("the container is cut");
  // Padded with spaces; other white space would be a byte that nobody has vouched for.
  const header = Buffer.from(bytes.subarray(0, HEADER_SIZE)).toString("latin1").replace(/ +$/, "");
  const fields = header.split(":");
  if (fields[0] !== "ClamAV-VDB" || fields.length < 8) fail("this is no ClamAV container");
  const body = bytes.subarray(HEADER_SIZE);
  const [md5 = "", signature = ""] = fields.slice(5, 7);
  // What freshclam puts together out of updates (.cld) is no longer what was signed as a whole.
  if (/\.cvd$/i.test(path)) {
    const actual = createHash("md5").update(body).digest("hex");
    if (actual !== md5) fail("the container's checksum is wrong");
    if (!isHeaderSigned(signature, actual, keys.header)) fail("the header's signature is wrong");
  }
  const members = readTar(unpackBody(body));
  const info = members.find(({ name }) => name.endsWith(".info"));
  if (info === undefined) fail("the container has no list of its files");
  if (!isListSigned(info, keys.info)) fail(`the signature of ${info.name} is wrong`);
  const files = members.filter((one) => one !== info && one.name !== "COPYING");
  checkInfo(info, files, fields);
  return members;
}
