// All regular expressions of the signature sets in the corpus: each compiles, or stands in the list
// of those that don't, with the reason.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compileRegex } from "../../src/regex/regex.ts";
import type { Dialect } from "../../src/regex/types.ts";

const FOLDER = join(process.env["GW_CORPUS"] ?? "../shared/corpus", "signatures");

interface Expression {
  readonly source: Uint8Array;
  readonly dialect: Dialect;
  readonly flags: string;
  readonly from: string;
}

function filesBelow(folder: string, ending: RegExp): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => ending.test(name))
    .map((name) => join(folder, name));
}

// The subsignatures of a line; within slashes a semicolon separates nothing.
function* clamavExpressions(line: string): Generator<{ source: string; flags: string }> {
  for (const [, source = "", flags = ""] of line.matchAll(
    /;(?:[^;/]*:)?[^;/]*\/((?:[^/\\]|\\.)*)\/([a-zA-Z]*)(?=;|$)/g,
  )) {
    yield { source, flags };
  }
}

function fromClamav(): Expression[] {
  const all: Expression[] = [];
  for (const file of filesBelow(FOLDER, /\.ldb$/)) {
    for (const line of readFileSync(file, "latin1").split(/\r?\n/)) {
      for (const { source, flags } of clamavExpressions(line)) {
        const known = flags.replace(/[^ismxAEUg]/g, "");
        const from = `${line.split(";")[0]}: /${source}/${flags}`;
        all.push({ source: Buffer.from(source, "latin1"), dialect: "pcre", flags: known, from });
      }
    }
  }
  return all;
}

function fromYara(): Expression[] {
  const all: Expression[] = [];
  for (const file of filesBelow(FOLDER, /\.yara?$/)) {
    const text = readFileSync(file, "latin1");
    for (const [, source = "", flags = "", words = ""] of text.matchAll(
      /^\s*\$\w*\s*=\s*\/((?:[^/\\\n]|\\.)+)\/([is]*)((?:[ \t]+[a-z]+)*)/gm,
    )) {
      const nocase = /\bnocase\b/.test(words) && !flags.includes("i") ? "i" : "";
      const from = `${file}: /${source}/${flags}${words}`;
      const bytes = Buffer.from(source, "latin1");
      all.push({ source: bytes, dialect: "yara", flags: flags + nocase, from });
      if (/\bwide\b/.test(words)) {
        all.push({ source: bytes, dialect: "yara", flags: `${flags}${nocase}w`, from });
      }
    }
  }
  return all;
}

const EXPECTED_MIN = 900;

test("every regular expression of the corpus compiles", () => {
  const all = [...fromClamav(), ...fromYara()];
  const refused: string[] = [];
  let linear = 0;
  let withLiterals = 0;
  for (const { source, dialect, flags, from } of all) {
    try {
      const regex = compileRegex(source, { dialect, flags });
      if (regex.isLinear) linear++;
      if (regex.literals().length > 0) withLiterals++;
    } catch (error) {
      refused.push(`${from}: ${String(error)}`);
    }
  }
  expect(refused).toEqual([]);
  if (existsSync(FOLDER)) {
    expect(all.length).toBeGreaterThan(EXPECTED_MIN);
    // Nearly all have something to search for first; half need no going back.
    expect(withLiterals / all.length).toBeGreaterThan(0.9);
    expect(linear / all.length).toBeGreaterThan(0.4);
    if (process.env["GW_VERBOSE"]) console.log({ all: all.length, linear, withLiterals });
  }
}, 60_000);
