// Regular expressions over text and over a program, in MB/s, beside JavaScript's own engine (over
// the same bytes as a latin1 string). Run by hand: bun tests/bench/regex.ts
import { readFileSync } from "node:fs";
import { compileRegex } from "../../src/regex/regex.ts";
import type { Dialect } from "../../src/regex/types.ts";

const ROUNDS = 5;
const SIZE = 4 << 20;

const CASES: readonly (readonly [what: string, dialect: Dialect, source: string, flags: string])[] =
  [
    ["a literal", "pcre", "ThisIsNowhereInIt", ""],
    ["literal in front", "pcre", "function\\s+\\w+\\(zzq", ""],
    ["literal inside", "pcre", "\\w+\\.zzqexe\\b", ""],
    ["no case", "pcre", "wscript\\.shell|adodb\\.streamx", "i"],
    ["class only", "pcre", "[0-9a-f]{40}zz?[0-9]{9}", ""],
    ["alternatives", "pcre", "(?:alpha|bravo|charlie|delta)+_zz", ""],
    ["word edges", "pcre", "\\b[A-Z][a-z]+ZZ\\b", ""],
    ["bounded gap", "pcre", "eval.{0,200}unescape.{0,200}zzq", "s"],
    ["look ahead", "pcre", "var (?!a)[a-z]{3} = zz", ""],
    ["reference", "pcre", "(\\w{4})=\\1;zz", ""],
    ["YARA, a URL", "yara", "https?:\\/\\/[a-z0-9.-]{1,60}\\/zz[a-z]+", "i"],
  ];

function repeated(bytes: Uint8Array): Buffer {
  const all = Buffer.alloc(SIZE);
  for (let at = 0; at < SIZE; at += bytes.length) all.set(bytes.subarray(0, SIZE - at), at);
  return all;
}

function bestOf(run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    run();
    best = Math.min(best, performance.now() - started);
  }
  return SIZE / 1e3 / best;
}

// Our own source is text that is at hand everywhere, the runtime is a program.
const text = readFileSync(new URL("../../package-lock.json", import.meta.url));
const program = readFileSync(process.execPath).subarray(20 << 20, (20 << 20) + SIZE);
const row = (cells: readonly string[]) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(12))).join(""));

row(["", "text", "JavaScript", "program", "JavaScript", ""]);
for (const [what, dialect, source, flags] of CASES) {
  const ours = compileRegex(source, { dialect, flags });
  const theirs = new RegExp(source, flags);
  const speeds = [repeated(text), repeated(program)].flatMap((bytes) => {
    const latin1 = bytes.toString("latin1");
    return [
      bestOf(() => ours.exec(bytes, 0, { spend: () => true })),
      bestOf(() => theirs.exec(latin1)),
    ];
  });
  row([what, ...speeds.map((speed) => speed.toFixed(0)), ours.isLinear ? "" : "  goes back"]);
}
