// Speed of the scan core on made-up data, beside Hyperscan if its library is there (Debian:
// libhyperscan-dev, gcc). Run by hand: bun tests/bench/matcher.ts [SIGNATURES …]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine } from "../../src/scan/engine.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSources } from "../../src/signature/compile.ts";
import { readSources } from "../../src/signature/files.ts";
import { buildCore } from "../../wasm/build.ts";
import { Random } from "../scan/generator.ts";

const DATA_SIZE = 2 << 20;
const ROUNDS = 25;
/** On a busy machine the optimizing compiler comes late: rounds go on at least so long. */
const TIME_LEAST_MS = 400;
const SMALL_SIZE = 5 * 1024;
const SMALL_ROUNDS = 2000;

type Data = Readonly<Record<"binary" | "text" | "random" | "base64", Uint8Array>>;

// ---- data ---------------------------------------------------------------------------------------

function makeText(random: Random, size: number): Uint8Array {
  const syllables = "the in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha";
  const parts = syllables.split(" ");
  const words = Array.from({ length: 4000 }, () =>
    Array.from({ length: 1 + random.below(4) }, () => random.pick(parts)).join(""),
  );
  const marks = [" ", " ", " ", " ", ", ", ". ", '="', '">', "</", "\r\n", "\n    ", "(", ");\n"];
  let text = "";
  while (text.length < size) text += random.pick(words) + random.pick(marks);
  return Buffer.from(text.slice(0, size), "latin1");
}

/** Records, as programs have them: opcodes that repeat, small numbers, zeros. */
function makeBinary(random: Random, size: number): Uint8Array {
  const opcodes = [0x48, 0x8b, 0x89, 0xe8, 0x0f, 0x83, 0xc7, 0x45, 0xff, 0x00, 0x24, 0x8d, 0x41];
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; ) {
    const length = 1 + random.below(60);
    const kind = random.below(4);
    for (let end = Math.min(size, at + length); at < end; at++) {
      if (kind === 0) continue;
      bytes[at] = kind === 1 ? random.below(256) : kind === 2 ? random.pick(opcodes) : at % 4 && 0;
    }
  }
  return bytes;
}

function makeData(random: Random, size: number): Data {
  const noise = random.bytes(size, [...Array(256).keys()]);
  const lines = Buffer.from(noise).toString("base64").replace(/.{76}/g, "$&\r\n");
  return {
    binary: makeBinary(random, size),
    text: makeText(random, size),
    random: noise,
    base64: Buffer.from(lines.slice(0, size), "latin1"),
  };
}

/** Literals of 12 to 59 bytes, cut from text and programs that are not the data. */
function makeLiterals(random: Random, count: number): Uint8Array[] {
  const pools = [makeBinary(random, 1 << 20), makeText(random, 1 << 20)];
  return Array.from({ length: count }, () => {
    const pool = random.pick(pools);
    const length = 12 + random.below(48);
    const start = random.below(pool.length - length);
    const literal = pool.slice(start, start + length);
    for (let i = 0; i < 4; i++) literal[random.below(length)] = random.below(256);
    return literal;
  });
}

// ---- engines ------------------------------------------------------------------------------------

function best(rounds: number, run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  const end = performance.now() + TIME_LEAST_MS;
  for (let i = 0; i < rounds || performance.now() < end; i++) {
    const began = performance.now();
    run();
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

const rate = (bytes: number, ms: number) => Math.round(bytes / ms / 1000);

async function measure(image: Uint8Array, data: Data): Promise<Record<string, number>> {
  const set = loadSet(image, { arenas: 1, arenaSize: DATA_SIZE, core: await buildCore() });
  const engine = await Engine.attach(set, 0);
  const scan = (bytes: Uint8Array) =>
    engine.scan({ bytes, name: "invoice.pdf", type: "text", containerType: "mail", depth: 1 });
  const rates: Record<string, number> = {};
  for (const [name, bytes] of Object.entries(data)) {
    rates[name] = rate(
      bytes.length,
      best(ROUNDS, () => scan(bytes)),
    );
  }
  const small = data.text.subarray(0, SMALL_SIZE);
  const ms = best(5, () => {
    for (let i = 0; i < SMALL_ROUNDS; i++) scan(small);
  });
  return { ...rates, "5 KB, us": Number(((ms / SMALL_ROUNDS) * 1000).toFixed(2)) };
}

const HYPERSCAN = `
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static int on_match(unsigned a, unsigned long long b, unsigned long long c, unsigned d, void *e) {
  return 0;
}
static char *slurp(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  fseek(f, 0, SEEK_END);
  *size = ftell(f);
  rewind(f);
  char *bytes = malloc(*size);
  if (fread(bytes, 1, *size, f) != *size) exit(1);
  fclose(f);
  return bytes;
}
int main(int n, char **v) {
  size_t size;
  char *p = slurp(v[1], &size), *end = p + size;
  const char **literals = malloc(size * sizeof *literals);
  size_t *lengths = malloc(size * sizeof *lengths);
  unsigned *flags = malloc(size * sizeof *flags), *ids = malloc(size * sizeof *ids), count = 0;
  for (; p < end; p += 1 + lengths[count++]) {
    lengths[count] = (unsigned char)*p;
    literals[count] = p + 1;
    flags[count] = HS_FLAG_SINGLEMATCH;
    ids[count] = count;
  }
  hs_database_t *db;
  hs_compile_error_t *error;
  if (hs_compile_lit_multi(literals, flags, ids, lengths, count, HS_MODE_BLOCK, 0, &db, &error)) exit(2);
  hs_scratch_t *scratch = 0;
  if (hs_alloc_scratch(db, &scratch)) exit(3);
  for (int i = 2; i < n; i++) {
    char *bytes = slurp(v[i], &size);
    double least = 1e9;
    for (int k = 0; k < ${ROUNDS}; k++) {
      struct timespec a, b;
      clock_gettime(CLOCK_MONOTONIC, &a);
      hs_scan(db, bytes, size, 0, scratch, on_match, 0);
      clock_gettime(CLOCK_MONOTONIC, &b);
      double s = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
      if (s < least) least = s;
    }
    printf("%.0f\\n", size / least / 1e6);
  }
}
`;

/** MB/s by kind of data, or null where there is no Hyperscan. */
function hyperscan(literals: readonly Uint8Array[], data: Data): Record<string, number> | null {
  const folder = mkdtempSync(join(tmpdir(), "gw-hyperscan-"));
  try {
    const program = join(folder, "hyperscan");
    writeFileSync(`${program}.c`, HYPERSCAN);
    const command = ["gcc", "-O2", "-w", "-o", program, `${program}.c`, "-lhs"];
    if (Bun.spawnSync(command, { stderr: "ignore" }).exitCode !== 0) return null;
    const lines = literals.map((literal) => Buffer.from([literal.length, ...literal]));
    writeFileSync(join(folder, "literals"), Buffer.concat(lines));
    const files = Object.entries(data).map(([name, bytes]) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    });
    const run = Bun.spawnSync([program, join(folder, "literals"), ...files]);
    if (run.exitCode !== 0) return null;
    const rates = run.stdout.toString().trim().split("\n").map(Number);
    return Object.fromEntries(Object.keys(data).map((name, i) => [name, rates[i] ?? 0]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// ---- the table ----------------------------------------------------------------------------------

const sizes = process.argv.slice(2).map(Number);
const random = new Random(1);
const data = makeData(random, DATA_SIZE);
const rows: Record<string, Record<string, number | string>> = {};

const shipped = await compileSources(await readSources("signatures"), await buildCore());
rows[`shipped (${shipped.signatures.length})`] = await measure(shipped.image, data);

for (const count of sizes.length > 0 ? sizes : [1000, 10_000]) {
  const literals = makeLiterals(random, count);
  const line = (literal: Uint8Array, i: number) =>
    `signature T.${i}\nhex $a ${Buffer.from(literal).toString("hex")}\nend\n`;
  const began = performance.now();
  const files = [{ path: "bench.gws", text: literals.map(line).join("") }];
  const { image, signatures } = await compileSources(files, await buildCore());
  const compileMs = Math.round(performance.now() - began);
  const own = await measure(image, data);
  const bytes = Math.round(image.length / signatures.length);
  rows[`gw ${count}`] = { ...own, "compile, ms": compileMs, "bytes/sig": bytes };
  const peer = hyperscan(literals, data);
  if (peer === null) continue;
  rows[`hyperscan ${count}`] = peer;
  rows[`ratio ${count}`] = Object.fromEntries(
    Object.entries(peer).map(([name, mbs]) => [name, ((own[name] ?? 0) / mbs).toFixed(2)]),
  );
}
console.log("MB/s, best of", ROUNDS);
console.table(rows);
