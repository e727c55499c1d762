// YARA's modules of a few functions each: hash, time, console, string.

import { crc32 } from "node:zlib";
import {
  integer,
  type ModuleArgument,
  type ModuleBytes,
  type ModuleStruct,
  type ModuleTools,
  type ModuleValue,
  signed,
  text,
} from "./value.ts";

type Argument = ModuleArgument | undefined;

const INTEGER = /^[\t\n\v\f\r ]*([+-]?)(0x[0-9a-f]+|[0-9a-z]+)$/i;
const LARGEST = (1n << 63n) - 1n;

/** Digests of a text or of a range of the object. */
export function hashModule(bytes: ModuleBytes): ModuleStruct {
  const over =
    (compute: (range: Buffer) => ModuleValue) =>
    (first: Argument, second: Argument): ModuleValue => {
      const range = bytes.range(first, second);
      return range === undefined ? undefined : compute(range);
    };
  const digest = (algorithm: "md5" | "sha1" | "sha256") =>
    over((range) => new Bun.CryptoHasher(algorithm).update(range).digest("hex"));
  return {
    md5: digest("md5"),
    sha1: digest("sha1"),
    sha256: digest("sha256"),
    crc32: over((range) => crc32(range)),
    checksum32: over(checksum32),
  };
}

function checksum32(range: Buffer): number {
  let sum = 0;
  for (const byte of range) sum = (sum + byte) >>> 0;
  return sum;
}

/** The time of the scan. */
export function timeModule(tools: ModuleTools): ModuleStruct {
  return { now: () => Math.floor(tools.now() / 1000) };
}

/** Functions that print in YARA; here they are true and say nothing. */
export function consoleModule(): ModuleStruct {
  return { log: () => true, hex: () => true };
}

/** Texts as numbers. */
export function stringModule(): ModuleStruct {
  return {
    length: (value) => text(value)?.length,
    to_int: (value, base) => toInteger(text(value), base === undefined ? 0 : integer(base)),
  };
}

// As strtoll has it: white space and a sign may stand before; base 0 goes by the prefix.
function toInteger(value: string | undefined, base: number | undefined): ModuleValue {
  const [, sign = "", digits = ""] = INTEGER.exec(value ?? "") ?? [];
  if (digits === "" || base === undefined) return;
  const isHex = /^0x/i.test(digits);
  const radix = base !== 0 ? base : isHex ? 16 : digits.startsWith("0") ? 8 : 10;
  if (radix < 2 || radix > 36 || (isHex && radix !== 16)) return;
  let number = 0n;
  for (const digit of isHex ? digits.slice(2) : digits) {
    const worth = Number.parseInt(digit, 36);
    if (worth >= radix) return;
    number = number * BigInt(radix) + BigInt(worth);
    if (number > LARGEST + 1n) return;
  }
  if (number > LARGEST && sign !== "-") return;
  return signed(BigInt.asUintN(64, sign === "-" ? -number : number));
}
