// ClamAV's signed containers (.cvd), made with keys of our own.
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { ContainerKeys, RsaKey } from "../../src/signature/clamav/container.ts";

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

/** What a container is to hold. */
export interface Wish {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What the list says of them, if not the truth. */
  readonly listed?: Readonly<Record<string, Uint8Array>>;
  /** What the list says of the container. */
  readonly version?: string;
  /** Changes the archive, or its packed bytes, before the header is signed. */
  readonly damage?: { readonly tar?: Change; readonly packed?: Change };
}

type Change = (bytes: Buffer) => Uint8Array;

const same: Change = (bytes) => bytes;

function headerOf(md5: string, dsig: string, version: string): string {
  const start = ["ClamAV-VDB", "01 Jan 2026 00-00 +0000", version, "1", "90"];
  return [...start, md5, dsig, "me", "1767225600"].join(":");
}

/** Makes containers; they are signed with keys of its own. */
export class ContainerMaker {
  readonly #header = keyPair(1024);
  readonly #info = keyPair(2048);

  /** What an importer has to know them by. */
  get keys(): ContainerKeys {
    return { header: this.#header.key, info: this.#info.key };
  }

  make({ files, listed = files, version = "7", damage = {} }: Wish): Buffer {
    const { tar: changeTar = same, packed = same } = damage;
    const info = this.#list(listed, version);
    const archive = tar({ COPYING: Buffer.from("free\n"), "x.info": info, ...files });
    const body = packed(gzipSync(changeTar(archive)));
    const md5 = digest("md5", body);
    const { exponent, key } = this.#header;
    const dsig = writeDigits(power(BigInt(`0x${md5}`), exponent, key.modulus));
    return Buffer.concat([Buffer.from(headerOf(md5, dsig, "7").padEnd(512)), body]);
  }

  #list(listed: Readonly<Record<string, Uint8Array>>, version: string): Buffer {
    const lines = Object.entries(listed).map(
      ([name, bytes]) => `${name}:${bytes.length}:${digest("sha256", bytes)}\n`,
    );
    const list = Buffer.from(`${headerOf("X", "X", version)}\n${lines.join("")}`);
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const signature = sign("sha256", list, { key: this.#info.secret, padding, saltLength: 32 });
    const number = BigInt(`0x${signature.toString("hex")}`);
    return Buffer.concat([list, Buffer.from(`DSIG:${writeDigits(number)}\n`)]);
  }
}
