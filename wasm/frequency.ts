// Counts byte pairs in the files of the folders given and prints frequency.h, the background model
// by which anchors are chosen. Run by hand: bun wasm/frequency.ts FOLDER… > wasm/frequency.h
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const CLASSES = 128;
const FILE_MAX = 512 * 1024;
const TOTAL_MAX = 256 * 1024 * 1024;
const FILES_MAX = 60_000;

function* filesUnder(roots: readonly string[]): Generator<string> {
  const open = [...roots];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) open.push(...readdirSync(path).map((name) => join(path ?? "", name)));
    else if (stat?.isFile()) yield path;
  }
}

// Text and programs weigh the same, however much there is of either: a mail gateway sees both.
function count(roots: readonly string[]): Float64Array {
  const kinds = [new Float64Array(65536), new Float64Array(65536)];
  let total = 0;
  let files = 0;
  for (const path of filesUnder(roots)) {
    if (total > TOTAL_MAX || ++files > FILES_MAX) break;
    const bytes = readFileSync(path).subarray(0, FILE_MAX);
    const pairs = kinds[bytes.subarray(0, 4096).includes(0) ? 1 : 0] as Float64Array;
    for (let i = 1; i < bytes.length; i++) {
      const at = (bytes[i - 1] as number) * 256 + (bytes[i] as number);
      pairs[at] = (pairs[at] as number) + 1;
    }
    total += bytes.length;
  }
  const sums = kinds.map((pairs) => pairs.reduce((sum, n) => sum + n, 0) || 1);
  return Float64Array.from({ length: 65536 }, (_, i) =>
    kinds.reduce((sum, pairs, k) => sum + (pairs[i] as number) / (sums[k] as number), 0),
  );
}

// The commonest bytes have a class each, all others share the last.
function classify(pairs: Float64Array): { classOf: number[]; members: number } {
  const single = Array.from({ length: 256 }, (_, b) =>
    pairs.subarray(b * 256, b * 256 + 256).reduce((sum, n) => sum + n, 0),
  );
  const order = single.map((n, byte) => ({ n, byte })).sort((a, b) => b.n - a.n);
  const classOf = new Array<number>(256).fill(CLASSES - 1);
  order.slice(0, CLASSES - 1).forEach(({ byte }, rank) => {
    classOf[byte] = rank;
  });
  return { classOf, members: 256 - (CLASSES - 1) };
}

function print(pairs: Float64Array): string {
  const { classOf, members } = classify(pairs);
  const grouped = new Float64Array(CLASSES * CLASSES);
  pairs.forEach((n, i) => {
    const at = (classOf[i >> 8] as number) * CLASSES + (classOf[i & 255] as number);
    grouped[at] = (grouped[at] as number) + n;
  });
  const letter = (bits: number) => String.fromCharCode(65 + Math.max(0, Math.min(15, bits)));
  const rows: string[] = [];
  for (let last = 0; last < CLASSES; last++) {
    const row = grouped.subarray(last * CLASSES, last * CLASSES + CLASSES);
    const sum = row.reduce((a, b) => a + b, 0) || 1;
    const bits = [...row].map((n) => letter(Math.round(-Math.log2(n / sum + 1e-9))));
    rows.push(`    "${bits.slice(0, 64).join("")}"`, `    "${bits.slice(64).join("")}"`);
  }
  const extra = Array.from({ length: CLASSES }, (_, c) =>
    letter(c === CLASSES - 1 ? Math.round(Math.log2(members)) : 0),
  ).join("");
  const table: string[] = [];
  for (let i = 0; i < 256; i += 16) table.push(`    ${classOf.slice(i, i + 16).join(", ")},`);
  return `// How common pairs of bytes are, in bits of surprise as letters (A = 0): row is the class of the
// first byte, column that of the second. Made by frequency.ts; don't edit.
#pragma once
#define FREQUENCY_CLASSES ${CLASSES}
static const unsigned char FREQUENCY_CLASS[256] = {
${table.join("\n")}
};
// What being one certain byte of a class adds.
static const char FREQUENCY_EXTRA[FREQUENCY_CLASSES + 1] =
    "${extra.slice(0, 64)}"
    "${extra.slice(64)}";
static const char FREQUENCY_PAIRS[FREQUENCY_CLASSES * FREQUENCY_CLASSES + 1] =
${rows.join("\n")};
`;
}

process.stdout.write(print(count(process.argv.slice(2))));
