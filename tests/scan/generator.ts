// Random signatures and data with a fixed seed, over few different bytes and with instances of the
// patterns planted, so that much of it matches, or nearly.
import type { Op, Pattern } from "../../src/signature/source.ts";

/** Random numbers that are the same in every run. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 .. limit - 1 */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 0x100000000) * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  bytes(length: number, alphabet: readonly number[]): Uint8Array {
    return Uint8Array.from({ length }, () => this.pick(alphabet));
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function piece(random: Random, alphabet: readonly number[]): string {
  const bytes = hex(random.bytes(1 + random.below(9), alphabet));
  switch (random.below(8)) {
    case 0:
      return `${bytes} ??`;
    case 1:
      return `${bytes} ${bytes[0]}?`;
    case 2:
      return `(${bytes}|${hex(random.bytes(1 + random.below(3), alphabet))})`;
    case 3:
      return `!(${hex(random.bytes(1, alphabet))}|${hex(random.bytes(1, alphabet))})`;
    default:
      return bytes;
  }
}

function gap(random: Random): string {
  const low = random.below(4);
  return random.pick([
    "",
    "",
    "*",
    `{${low}}`,
    `{${low}-${low + random.below(12)}}`,
    `{${low}-}`,
    `{70-${70 + random.below(60)}}`,
  ]);
}

function place(random: Random): string {
  const from = random.below(60);
  return random.pick([
    "",
    "",
    "",
    ` at ${from}`,
    ` at ${from}..${from + random.below(200)}`,
    ` at EOF-${from + 40}..EOF-${from}`,
  ]);
}

/** What signatures are made of. */
export interface Mix {
  readonly alphabet: readonly number[];
  /** Each pattern has a literal run of at least that many bytes. */
  readonly runMin: number;
  readonly hasFolded: boolean;
}

function hexPattern(random: Random, { alphabet, runMin }: Mix): string {
  let text = hex(random.bytes(runMin + random.below(20), alphabet));
  for (let parts = random.below(4); parts > 0; parts--) {
    const other = `${gap(random)} ${piece(random, alphabet)}`;
    const before = `${piece(random, alphabet)} ${gap(random)}`;
    text = random.below(2) === 0 ? `${text} ${other}` : `${before} ${text}`;
  }
  return `hex $x ${text}${place(random)}`;
}

function textPattern(random: Random, { alphabet, runMin, hasFolded }: Mix): string {
  const text = [...random.bytes(runMin + random.below(24), alphabet)]
    .map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`)
    .join("");
  const known = hasFolded ? ["nocase", "wide", "fullword"] : ["wide", "fullword"];
  const words = known.filter(() => random.below(3) === 0);
  return `text $x "${text}" ${words.join(" ")}${place(random)}`;
}

/** Source of one signature with a pattern or two, and sometimes a count. */
export function randomSignature(random: Random, name: string, mix: Mix): string {
  const line = () => (random.below(3) === 0 ? textPattern(random, mix) : hexPattern(random, mix));
  const first = line().replace("$x", "$a");
  const second = random.below(3) === 0 ? line().replace("$x", "$b") : "";
  const count = random.below(5);
  const tail = second === "" ? "" : random.pick([" and $b", " or $b", " and not $b"]);
  const condition = count < 2 ? `#a > ${count}${tail}` : `$a${tail}`;
  return `signature ${name}\n${first}\n${second}\ncondition ${condition}\nend\n`;
}

function instanceOf(random: Random, op: Op, isFolded: boolean, alphabet: readonly number[]) {
  switch (op.kind) {
    case "literal":
      return op.bytes.map((byte) =>
        isFolded && byte >= 0x61 && byte <= 0x7a && random.below(2) === 0 ? byte & 0xdf : byte,
      );
    case "masked":
      return op.values.map((value, i) => value | (random.pick(alphabet) & ~(op.masks[i] ?? 0)));
    case "gap":
      return random.bytes(
        op.min + random.below(Math.min(op.max, op.min + 20) - op.min + 1),
        alphabet,
      );
    case "alternatives": {
      const item = random.pick(op.items);
      return op.isNegated ? random.bytes(item.values.length, alphabet) : item.values;
    }
    case "boundary":
      return new Uint8Array(0);
    default:
      return op satisfies never;
  }
}

/** Data with instances of the patterns in it, some of them cut. */
export function randomData(
  random: Random,
  patterns: readonly Pattern[],
  size: { alphabet: readonly number[]; length: number },
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let length = 0; length < size.length; length += parts.at(-1)?.length ?? 1) {
    parts.push(random.bytes(1 + random.below(40), size.alphabet));
    const pattern = random.pick(patterns);
    if (pattern?.kind !== "bytes") continue;
    const ops = pattern.ops.map((op) => instanceOf(random, op, pattern.isFolded, size.alphabet));
    const whole = Buffer.concat(ops);
    parts.push(random.below(4) === 0 ? whole.subarray(random.below(3)) : whole);
  }
  return new Uint8Array(Buffer.concat(parts).subarray(0, size.length));
}
