// The coders of 7z archives that are opened here: encryption, which the library does not have, and
// what may stand behind it.

import { createDecipheriv, createHash } from "node:crypto";
import { decodeDeflate64 } from "../../coder/deflate64.ts";
import { inflate } from "../../inflate.ts";
import { readBzip2 } from "../stream/bzip2.ts";
import { unfilter } from "../stream/filter.ts";
import { decodeLzma2, LzmaDecoder, lzmaProperties } from "../stream/lzma.ts";
import type { StreamReader } from "../stream/open.ts";
import { Output } from "../stream/output.ts";
import { readZstd } from "../stream/zstd.ts";
import type { Coder } from "./header.ts";

/** The method id of encryption. */
export const AES = "06f10701";
const ZSTD = "04f71101";
const DEFLATE64 = "040109";

/** Methods that the library cannot undo, or not here: archives with them are opened here. */
export const OWN_METHODS: readonly string[] = [AES, ZSTD, DEFLATE64];

const CYCLES_MAX = 24;
const CYCLES_NONE = 63;
const ROUNDS_AT_ONCE = 4096;

/** Keys by password: deriving one takes hundreds of thousands of rounds. */
export class KeyRing {
  readonly #keys = new Map<string, Buffer | undefined>();

  /** The key for `password`; undefined if the archive asks for more rounds than are done here. */
  key(password: string, properties: Buffer): Buffer | undefined {
    const { salt, cycles } = aesParameters(properties);
    const mark = `${cycles} ${salt.toString("hex")} ${password}`;
    if (!this.#keys.has(mark)) this.#keys.set(mark, derive(password, salt, cycles));
    return this.#keys.get(mark);
  }
}

function aesParameters(properties: Buffer) {
  const [first = 0, second = 0] = properties;
  const saltSize = (first >> 7) + (second >> 4);
  const vectorSize = ((first >> 6) & 1) + (second & 15);
  const salt = properties.subarray(2, 2 + saltSize);
  const vector = Buffer.alloc(16);
  properties.copy(vector, 0, 2 + saltSize, 2 + saltSize + vectorSize);
  return { cycles: first & 63, salt, vector };
}

function derive(password: string, salt: Buffer, cycles: number): Buffer | undefined {
  const unit = Buffer.concat([salt, Buffer.from(password, "utf16le"), Buffer.alloc(8)]);
  if (cycles === CYCLES_NONE) return Buffer.concat([unit, Buffer.alloc(32)]).subarray(0, 32);
  if (cycles > CYCLES_MAX) return;
  const hash = createHash("sha256");
  const rounds = 2 ** cycles;
  const count = Math.min(rounds, ROUNDS_AT_ONCE);
  const chunk = Buffer.alloc(unit.length * count, unit);
  for (let round = 0; round < rounds; round += count) {
    for (let i = 0; i < count; i++) chunk.writeUInt32LE(round + i, (i + 1) * unit.length - 8);
    hash.update(chunk);
  }
  return hash.digest();
}

/** What undoing coders needs. */
export interface Means {
  readonly password: string;
  readonly keys: KeyRing;
  readonly sizeMax: number;
  readonly goesOn: () => boolean;
}

/** Why data could not be had. */
export type CoderProblem = "unsupported" | "broken";

/** Undoes one coder. Throws OutputFullError beyond `sizeMax`. */
export function undo(coder: Coder, input: Buffer, means: Means): Buffer | CoderProblem {
  const { id, properties, size } = coder;
  if (!coder.isSimple) return "unsupported";
  switch (id) {
    case "00":
      return input;
    case AES:
      return decrypt(coder, input, means);
    case "030101":
    case "21":
      return unpackLzma(coder, input, means);
    case "040108": {
      const { bytes, end } = inflate(input, Math.min(size, means.sizeMax));
      return end === "whole" ? Buffer.from(bytes) : "broken";
    }
    case DEFLATE64: {
      const output = new Output(means.sizeMax);
      const { end } = decodeDeflate64(input, output, means.goesOn);
      return end === "whole" ? Buffer.from(output.made) : "broken";
    }
    case "040202":
      return streamed(readBzip2, input, means);
    case ZSTD:
      return streamed(readZstd, input, means);
    default:
      return filtered(id, properties, input);
  }
}

// The old branch filters have long ids, the new ones the numbers that xz gave them.
const FILTERS: Readonly<Record<string, number>> = {
  "03": 3,
  "04": 4,
  "07": 7,
  "03030103": 4,
  "03030501": 7,
};

function filtered(id: string, properties: Buffer, input: Buffer): Buffer | CoderProblem {
  const number = FILTERS[id];
  if (number === undefined) return "unsupported";
  const bytes = Buffer.from(input);
  return unfilter(bytes, number, properties) ? bytes : "unsupported";
}

function decrypt({ properties, size }: Coder, input: Buffer, means: Means): Buffer | CoderProblem {
  const key = means.keys.key(means.password, properties);
  if (key === undefined) return "unsupported";
  const cipher = createDecipheriv("aes-256-cbc", key, aesParameters(properties).vector);
  cipher.setAutoPadding(false);
  return cipher.update(input.subarray(0, input.length - (input.length % 16))).subarray(0, size);
}

function unpackLzma(coder: Coder, input: Buffer, means: Means): Buffer | CoderProblem {
  const output = new Output(means.sizeMax);
  if (coder.id === "21") {
    const end = decodeLzma2(input, 0, output, means.goesOn);
    return end.problem === "" ? Buffer.from(output.made) : "broken";
  }
  const properties = lzmaProperties(coder.properties[0] ?? 255);
  if (properties === undefined) return "broken";
  const decoder = new LzmaDecoder(output);
  decoder.reset(properties);
  const end = decoder.decode(input, 0, input.length, coder.size);
  return end.problem === "" ? Buffer.from(output.made) : "broken";
}

function streamed(read: StreamReader, input: Buffer, means: Means): Buffer | CoderProblem {
  const output = new Output(means.sizeMax);
  const { status } = read(input, output, means.goesOn);
  return status === "clean" ? Buffer.from(output.made) : "broken";
}
