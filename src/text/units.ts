// Sizes and durations as people write them ("50MB", "5m") and as gw counts them (bytes,
// milliseconds). The notation is exact both ways, so that a setting prints as it was written.

/** Units of sizes, largest first; as in mail servers everywhere, 1KB is 1024 bytes. */
const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ["GB", 2 ** 30],
  ["MB", 2 ** 20],
  ["KB", 2 ** 10],
  ["B", 1],
];

/** Units of durations, largest first. */
const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

type Units = typeof SIZE_UNITS;

// At most 15 digits, so that every product that passes is a safe integer.
function parse(text: string, units: Units): number | undefined {
  const [, digits, unit] = /^(\d{1,15}) ?([a-z]{1,2})$/i.exec(text) ?? [];
  const factor = units.find(([name]) => name.toLowerCase() === unit?.toLowerCase())?.[1];
  if (factor === undefined) return undefined;
  const amount = Number(digits) * factor;
  return Number.isSafeInteger(amount) ? amount : undefined;
}

function format(amount: number, units: Units): string {
  const smallest = units.at(-1) ?? ["", 1];
  const [name, factor] =
    units.find(([, size]) => amount !== 0 && amount % size === 0) ?? (smallest as [string, number]);
  return `${amount / factor}${name}`;
}

/** Bytes of a size such as "256KB" or "50MB"; undefined if it is none. */
export function parseSize(text: string): number | undefined {
  return parse(text, SIZE_UNITS);
}

/** The shortest exact notation of a size in bytes: 52428800 is "50MB". */
export function formatSize(bytes: number): string {
  return format(bytes, SIZE_UNITS);
}

/** Milliseconds of a duration such as "30s" or "5d"; undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  return parse(text, DURATION_UNITS);
}

/** The shortest exact notation of a duration in milliseconds: 300000 is "5m". */
export function formatDuration(ms: number): string {
  return format(ms, DURATION_UNITS);
}

/** A size to look at, rounded: 1234567 is "1.2 MB". */
export function roundSize(bytes: number): string {
  const [name, factor] = SIZE_UNITS.find(([, size]) => bytes >= size) ?? ["B", 1];
  const amount = bytes / factor;
  return `${factor === 1 || amount >= 100 ? Math.round(amount) : amount.toFixed(1)} ${name}`;
}

/** A duration to look at, in its largest unit: 9000000 is "2h", 90 is "90ms". */
export function roundDuration(ms: number): string {
  const [name, factor] = DURATION_UNITS.find(([, size]) => ms >= size) ?? ["ms", 1];
  return `${Math.floor(ms / factor)}${name}`;
}
