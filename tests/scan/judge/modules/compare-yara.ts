// Compares our modules with what another implementation sees in the same files, field by field. Run
// by hand where `yara` (4.2 or later) is installed:
//
//     bun tests/scan/judge/modules/compare-yara.ts FILE…
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseExecutable } from "../../../../src/executable/executable.ts";
import { type ModuleName, moduleOf } from "../../../../src/scan/judge/modules/modules.ts";
import type {
  ModuleArgument,
  ModuleFunction,
  ModuleStruct,
  ModuleValue,
} from "../../../../src/scan/judge/modules/value.ts";

const MODULES = ["pe", "elf", "dotnet"] as const;
const SHOWN_PER_FILE = 8;
// YARA 4.2 shows the functions of each library behind those of the libraries before it, and cuts the
// last byte off every blob.
const THEIR_MISTAKE = /^pe\.import_details\[[1-9]|^dotnet\.(?:constants\[|.*public_key_or_token)/;

/** Paths of fields with their printed values: `pe.sections[0].name` -> `".text"`. */
function parseDump(dump: string): Map<string, string> {
  const values = new Map<string, string>();
  const path: string[] = [];
  for (const line of dump.split("\n")) {
    const match = /^(\t*)([^\s=]+)(?: = (.*))?$/s.exec(line);
    if (match === null) continue;
    const [, tabs = "", name = "", value] = match;
    path.length = tabs.length;
    path.push(name.startsWith("[") || tabs === "" ? name : `.${name}`);
    if (value !== undefined) values.set(path.join(""), value);
  }
  return values;
}

function printed(value: ModuleValue): string {
  if (value === undefined) return "YR_UNDEFINED";
  if (typeof value === "string" || value instanceof Uint8Array) {
    const text = Buffer.from(value as string, "latin1").toString("latin1");
    const escaped = text.replace(
      /[^ -~]/g,
      (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
    return `"${escaped}"`;
  }
  return String(value);
}

/** The value at a path in a module; "missing" if there is no such field. */
function lookUp(root: ModuleValue, path: string): ModuleValue | "missing" {
  let value: ModuleValue = root;
  for (const [, field, index] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    if (value instanceof Map) value = value.get((index ?? field ?? "").replaceAll('"', ""));
    else if (typeof value !== "object" || value === null) return "missing";
    else if (!((field ?? index ?? "") in value)) return "missing";
    else value = (value as Record<string, ModuleValue>)[field ?? index ?? ""];
  }
  return value;
}

/** Conditions that our answers to functions make true; theirs must agree. */
function conditionsOf(modules: ReadonlyMap<ModuleName, ModuleStruct>, size: number): string[] {
  const call = (module: ModuleName, name: string, ...values: ModuleArgument[]) =>
    ((modules.get(module) ?? {})[name] as ModuleFunction)(...values);
  const equal = (module: ModuleName, name: string, ...values: (number | string)[]): string => {
    const value = call(module, name, ...values);
    const given = values.map((one) => JSON.stringify(one)).join(", ");
    const said = typeof value === "string" ? JSON.stringify(value) : String(value);
    if (value === undefined) return `${UNDEFINED} ${module}.${name}(${given})`;
    if (typeof value === "number" && !Number.isInteger(value)) {
      const called = `${module}.${name}(${given})`;
      return `${called} >= ${(value - 1e-6).toFixed(9)} and ${called} <= ${(value + 1e-6).toFixed(9)}`;
    }
    return `${module}.${name}(${given}) == ${said}`;
  };
  return [
    ...["imphash", "calculate_checksum", "is_dll", "is_32bit"].map((name) => equal("pe", name)),
    equal("pe", "locale", 1033),
    equal("pe", "language", 9),
    equal("pe", "rva_to_offset", 0x1001),
    equal("pe", "imports", "kernel32.dll"),
    equal("pe", "imports", "KERNEL32.dll", "ExitProcess"),
    equal("pe", "section_index", ".rsrc"),
    equal("pe", "section_index", 5000),
    equal("hash", "md5", 0, size),
    equal("hash", "crc32", 0, size),
    equal("hash", "checksum32", 3, size),
    ...["entropy", "mean", "serial_correlation", "monte_carlo_pi"].map((name) =>
      equal("math", name, 0, size),
    ),
    equal("math", "mode"),
    equal("math", "count", 0),
    equal("math", "percentage", 0),
  ];
}

const UNDEFINED = "undefined:";
const rules = join(tmpdir(), "gw-compare-modules.yar");
writeFileSync(
  rules,
  `${MODULES.map((name) => `import "${name}"\n`).join("")}rule r { condition: true }`,
);
let fields = 0;
let differences = 0;
for (const file of process.argv.slice(2)) {
  const { stdout } = Bun.spawnSync(["yara", "-D", rules, file]);
  const bytes = readFileSync(file);
  const executable = parseExecutable(bytes);
  const modules = new Map(
    [...MODULES, "math" as const, "hash" as const].map(
      (name) => [name, moduleOf(name, { bytes }, executable)] as const,
    ),
  );
  const conditions = conditionsOf(modules, bytes.length);
  const header = [...modules.keys()].map((name) => `import "${name}"\n`).join("");
  const asked = join(tmpdir(), "gw-compare-functions.yar");
  // What is undefined does not even equal itself.
  const stated = conditions.map((one) => one.replace(/^undefined: (.*)$/, "$1 == $1"));
  const texts = stated.map((one, i) => `rule r${i} { condition: ${one} }\n`);
  writeFileSync(asked, header + texts.join(""));
  const answer = Bun.spawnSync(["yara", asked, file]);
  const held = new Set(answer.stdout.toString("latin1").match(/^r\d+/gm) ?? []);
  if (answer.exitCode !== 0) console.log(answer.stderr.toString());
  conditions.forEach((one, i) => {
    fields++;
    if (held.has(`r${i}`) !== one.startsWith(UNDEFINED)) return;
    differences++;
    console.log(`${file}: they disagree: ${one}`);
  });
  let shown = 0;
  for (const [path, expected] of parseDump(stdout.toString("latin1"))) {
    const name = MODULES.find((one) => path.startsWith(`${one}.`));
    if (name === undefined || THEIR_MISTAKE.test(path)) continue;
    fields++;
    const value = lookUp(modules.get(name), path.slice(name.length));
    if (value !== "missing" && printed(value) === expected) continue;
    if (expected === "YR_UNDEFINED" && value === "missing") continue;
    differences++;
    if (shown++ < SHOWN_PER_FILE) {
      console.log(
        `${file}: ${path}: theirs ${expected.slice(0, 90)}, ours ${printed(value).slice(0, 90)}`,
      );
    }
  }
}
console.log(`${process.argv.length - 2} files, ${fields} fields, ${differences} differences`);
