// Broken programs from a fixed seed: reading every field of them and taking them apart must neither throw nor hang.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { parseExecutable } from "../../src/executable/executable.ts";
import { MODULE_NAMES, moduleOf } from "../../src/scan/judge/modules/modules.ts";
import type { ModuleValue } from "../../src/scan/judge/modules/value.ts";
import { explodeProgram } from "../../src/unpack/executable/program.ts";
import { dotnetPart } from "../harness/dotnet-builder.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import {
  buildPe,
  exportPart,
  importPart,
  resourcePart,
  versionResource,
} from "../harness/pe-builder.ts";
import { NSIS_BZIP2, NSIS_LZMA, NSIS_LZMA_SOLID } from "../unpack/executable/nsis-samples.ts";
import { mutated, random } from "./mutate.ts";

const { GW_FUZZ_ROUNDS = "1500" } = process.env;
const SEED = 20_261_123;
// A long run is started by hand: GW_FUZZ_ROUNDS=100000 bun test tests/fuzz/executable.test.ts
const ROUNDS = Number(GW_FUZZ_ROUNDS);
const VALUES_MAX = 400_000;
const LIMITS = { objectSizeMax: 1 << 20, expandedSizeMax: 8 << 20, objectCountMax: 500 };
const DICTIONARY = [
  "\xef\xbe\xad\xdeNullsoftInst",
  ...["\xff\xff\xff\xff", "\0\0\0\0", "\0\0\0\x80", "\x00\x10\0\0", "\x10\0\0\0", "\xff\xff"],
  ...[
    "MZ",
    "PE\0\0",
    "RSDS",
    "Rich",
    "BSJB",
    "#~",
    "\x7fELF\x02\x01",
    "\xcf\xfa\xed\xfe",
    "\x0b\x02",
  ],
];
/** Small programs that most machines have; without them only our own are broken. */
const HOST_FILES = ["/bin/true", "/bin/echo", "/usr/bin/env"];

function samples(): Buffer[] {
  const parts = (is64: boolean) => [
    dotnetPart({ resource: Buffer.from("res") }),
    importPart({ "KERNEL32.dll": ["Sleep"], "WS2_32.dll": [3] }, is64),
    exportPart("a.dll", { One: 0x80, Two: "b.Three" }),
    resourcePart([
      { type: 10, name: "DATA", data: Buffer.from("data") },
      { type: 16, name: 1, data: versionResource({ CompanyName: "Own" }) },
    ]),
  ];
  const own = [
    buildPe({ parts: parts(false), overlay: Buffer.from("overlay") }),
    buildPe({ is64: true, parts: parts(true) }),
  ];
  for (const sample of [NSIS_BZIP2, NSIS_LZMA, NSIS_LZMA_SOLID]) {
    own.push(buildPe({ overlay: Buffer.from(sample, "base64") }));
  }
  return [
    ...own,
    ...HOST_FILES.filter((name) => existsSync(name)).map((name) => readFileSync(name)),
  ];
}

/** Reads every field there is, within bounds; how many. */
function readAll(root: ModuleValue): number {
  const open = [root];
  let count = 0;
  for (let value = open.pop(); open.length > 0 || value !== undefined; value = open.pop()) {
    if (++count > VALUES_MAX) break;
    if (value instanceof Map || Array.isArray(value)) open.push(...value.values());
    else if (typeof value === "function") open.push(value(), value("x"), value(0x1000, 16));
    else if (typeof value === "object" && !(value instanceof Uint8Array)) {
      open.push(...Object.values(value));
    }
  }
  return count;
}

test("programs that are broken in any way are read to the end", () => {
  const next = random(SEED);
  const all = samples();
  const slow: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutated(all[next(all.length)] as Buffer, DICTIONARY, next);
    const startedAt = performance.now();
    const executable = parseExecutable(bytes);
    if (executable === undefined) continue;
    expect(executable.overlay.offset + executable.overlay.size).toBeLessThanOrEqual(bytes.length);
    const { extracts } = drain(explodeProgram(bytes, budgetOf(LIMITS)));
    expect(extracts.length).toBeLessThanOrEqual(LIMITS.objectCountMax);
    for (const name of MODULE_NAMES) readAll(moduleOf(name, { bytes }, executable));
    const elapsed = performance.now() - startedAt;
    if (elapsed > 2000) slow.push(`round ${round}: ${elapsed.toFixed(0)} ms`);
  }
  expect(slow).toEqual([]);
}, 120_000);
