// YARA's math module: what the bytes look like as numbers.

import {
  integer,
  type ModuleArgument,
  type ModuleBytes,
  type ModuleStruct,
  type ModuleValue,
  signed,
} from "./value.ts";

type Argument = ModuleArgument | undefined;

const MEAN_BYTES = 127.5;
/** Bytes that make one point of the Monte Carlo test: three for each coordinate. */
const POINT = 6;
const SIDE = 256 ** 3 - 1;

/** Members whose values are floats, although they may look like whole numbers. */
export const MATH_FLOATS: ReadonlySet<string> = new Set([
  ...["MEAN_BYTES", "deviation", "mean", "serial_correlation", "monte_carlo_pi", "entropy"],
  ...["percentage", "index_of_coincidence"],
]);

/** The module's struct over one object. */
export function mathModule(bytes: ModuleBytes): ModuleStruct {
  const over =
    (compute: (range: Buffer) => ModuleValue) =>
    (first: Argument, second: Argument): ModuleValue => {
      const range = bytes.range(first, second);
      return range === undefined ? undefined : compute(range);
    };
  return {
    MEAN_BYTES,
    entropy: over(entropy),
    mean: over(mean),
    serial_correlation: over(serialCorrelation),
    monte_carlo_pi: over(monteCarloPi),
    index_of_coincidence: over(indexOfCoincidence),
    deviation: (first, second, third) =>
      typeof first === "number" || typeof first === "bigint"
        ? deviation(bytes.range(first, second), third)
        : deviation(bytes.range(first), second),
    ...countingFunctions(bytes),
    ...numberFunctions(),
  };
}

// Without a range these look at the whole object.
function countingFunctions(bytes: ModuleBytes): ModuleStruct {
  const counted = (byte: Argument, offset: Argument, size: Argument) => {
    const wanted = integer(byte);
    if (wanted === undefined || wanted < 0 || wanted > 255) return;
    const range = offset === undefined ? bytes.range(0, bytes.size) : bytes.range(offset, size);
    if (range === undefined) return;
    return { count: histogram(range)[wanted] as number, of: range.length };
  };
  return {
    count: (...values) => counted(values[0], values[1], values[2])?.count,
    percentage: (...values) => {
      const found = counted(values[0], values[1], values[2]);
      return found === undefined ? undefined : found.count / found.of;
    },
    mode: (offset, size) => {
      const range = offset === undefined ? bytes.range(0, bytes.size) : bytes.range(offset, size);
      if (range === undefined) return;
      const counts = histogram(range);
      return counts.indexOf(Math.max(...counts));
    },
  };
}

function numberFunctions(): ModuleStruct {
  return {
    in_range: (test, lower, upper) => {
      const [value, from, to] = [float(test), float(lower), float(upper)];
      if (value === undefined || from === undefined || to === undefined) return;
      return value >= from && value <= to;
    },
    max: (a, b) => unsignedPick(a, b, (x, y) => x >= y),
    min: (a, b) => unsignedPick(a, b, (x, y) => x <= y),
    to_number: (value) => (typeof value === "boolean" ? Number(value) : whole(value)),
    abs: (value) => {
      const number = whole(value);
      return typeof number === "bigint" ? signed(number < 0n ? -number : number) : abs(number);
    },
    to_string: (value, base) => toText(whole(value), base === undefined ? 10 : integer(base)),
  };
}

function abs(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.abs(value);
}

function whole(value: Argument): number | bigint | undefined {
  return typeof value === "bigint" ? value : integer(value);
}

function float(value: Argument): number | undefined {
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
}

// YARA compares as unsigned numbers here: -1 is the largest there is.
function unsignedPick(
  first: Argument,
  second: Argument,
  isPicked: (a: bigint, b: bigint) => boolean,
): ModuleValue {
  const [a, b] = [whole(first), whole(second)];
  if (a === undefined || b === undefined) return;
  return isPicked(BigInt.asUintN(64, BigInt(a)), BigInt.asUintN(64, BigInt(b))) ? a : b;
}

function toText(value: number | bigint | undefined, base: number | undefined): ModuleValue {
  if (value === undefined || (base !== 10 && base !== 8 && base !== 16)) return;
  return base === 10 ? String(value) : BigInt.asUintN(64, BigInt(value)).toString(base);
}

function histogram(range: Buffer): number[] {
  const counts = new Array<number>(256).fill(0);
  for (const byte of range) counts[byte] = (counts[byte] as number) + 1;
  return counts;
}

function entropy(range: Buffer): number {
  let bits = 0;
  for (const count of histogram(range)) {
    if (count > 0) bits -= (count / range.length) * Math.log2(count / range.length);
  }
  return bits;
}

function mean(range: Buffer): number | undefined {
  let sum = 0;
  for (const byte of range) sum += byte;
  return range.length === 0 ? undefined : sum / range.length;
}

function deviation(range: Buffer | undefined, center: Argument): number | undefined {
  const middle = float(center);
  if (range === undefined || middle === undefined || range.length === 0) return;
  let sum = 0;
  for (const byte of range) sum += Math.abs(byte - middle);
  return sum / range.length;
}

// Each byte against the one before it; YARA takes the last one as followed by itself.
function serialCorrelation(range: Buffer): number {
  const size = range.length;
  let [products, sum, squares, last] = [0, 0, 0, 0];
  for (const byte of range) {
    products += last * byte;
    sum += byte;
    squares += byte * byte;
    last = byte;
  }
  products += last * last;
  const spread = size * squares - sum * sum;
  return spread === 0 ? -100_000 : (size * products - sum * sum) / spread;
}

// Points in a square: the share within the quarter circle is near pi / 4 if the bytes are random.
function monteCarloPi(range: Buffer): number | undefined {
  let inside = 0;
  let points = 0;
  for (let at = 0; at + POINT <= range.length; at += POINT) {
    const x = range.readUIntBE(at, 3);
    const y = range.readUIntBE(at + 3, 3);
    points++;
    if (x * x + y * y <= SIDE * SIDE) inside++;
  }
  return points === 0 ? undefined : Math.abs((4 * inside) / points - Math.PI) / Math.PI;
}

function indexOfCoincidence(range: Buffer): number | undefined {
  const size = range.length;
  if (size < 2) return;
  let pairs = 0;
  for (const count of histogram(range)) pairs += count * (count - 1);
  return pairs / (size * (size - 1));
}
