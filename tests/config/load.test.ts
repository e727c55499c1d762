import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkText } from "../../src/config/check.ts";
import type { Schema } from "../../src/config/field.ts";
import { ConfigError } from "../../src/config/file/text-file.ts";
import { checkConfig, loadConfig } from "../../src/config/load.ts";
import { SCHEMA } from "../../src/config/schema.ts";
import { TABLES } from "../../src/config/tables.ts";
import { secret } from "../../src/config/types.ts";
import { findPolicyConflicts } from "../../src/pipeline/policy/config-rules.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(content: string | Uint8Array): string {
  const path = join(folder, "gw.toml");
  writeFileSync(path, content);
  return path;
}

function errorOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("bad configurations", () => {
  const cases = readdirSync("tests/configs").sort();

  test("there are at least twenty", () => {
    expect(cases.length).toBeGreaterThanOrEqual(20);
  });

  // `{{here}}` stands for the case's folder: paths of a configuration begin at the root.
  const filled = (name: string, file: string) => {
    const here = join(process.cwd(), "tests/configs", name);
    return readFileSync(join(here, file), "utf8").replaceAll("{{here}}", here);
  };

  test.each(cases)("%s fails for its stated reason", (name) => {
    const file = fileOf(filled(name, "config.toml"));
    const expected = filled(name, "error.txt");
    const problems = checkConfig(file, findPolicyConflicts);
    const lines = problems.map(({ line, column, message }) => `${line}:${column}: ${message}\n`);
    expect(lines.join("")).toBe(expected);
    expect(expected).toMatch(/^\d+:\d+: \S/);
    const prefixed = lines.map((line) => `${file}:${line}`).join("");
    expect(errorOf(() => loadConfig(file, {}, findPolicyConflicts))).toBe(prefixed.trimEnd());
  });
});

describe("loadConfig()", () => {
  test("gives every default without a file, in bytes and milliseconds", () => {
    const config = loadConfig(undefined);
    expect(Object.keys(config)).toEqual([...Object.keys(SCHEMA), ...Object.keys(TABLES)]);
    expect(config["inbound.listen"]).toEqual(["0.0.0.0:25"]);
    expect(config["inbound.message_size_max"]).toBe(50 * 1024 * 1024);
    expect(config["queue.lifetime"]).toBe(5 * 24 * 3600 * 1000);
    expect(config["policy.unscanned"]).toBe("defer");
  });

  test("takes what the file says, keeps the other defaults, and puts overrides above both", () => {
    const file = fileOf(
      '[scan]\nworkers = 3\ntimeout = "90s"\n[outbound]\nroutes = ["* [::1]:26"]\n',
    );
    const config = loadConfig(file, { "scan.workers": 7 });
    expect(config["scan.workers"]).toBe(7);
    expect(config["scan.timeout"]).toBe(90_000);
    expect(config["outbound.routes"]).toEqual(["* [::1]:26"]);
    expect(config["scan.depth_max"]).toBe(20);
  });

  test.each([
    ["section", '[log]\nlevel = "debug"\n'],
    ["dotted key", 'log.level = "debug"\n'],
    ["inline table", 'log = { level = "debug" }\n'],
    ["byte order mark and CRLF", '\ufeff[log]\r\nlevel = "debug"\r\n'],
  ])("reads a setting written as %s", (_, text) => {
    expect(loadConfig(fileOf(text))["log.level"]).toBe("debug");
  });

  test("reads tables in their order, with defaults for what they are about and for no rule", () => {
    const file = fileOf(
      '[[group]]\nname = "sales"\nto = ["*@sales.example.org"]\ninfected = "block"\n' +
        '[[group]]\nname = "boss"\nto = ["boss@example.org"]\ncheck = false\n' +
        '[[filter]]\nname = "programs"\nnames = ["*.exe"]\n',
    );
    const { group, filter } = loadConfig(file);
    expect(group).toEqual([
      { name: "sales", from: ["*"], to: ["*@sales.example.org"], infected: "block" },
      { name: "boss", from: ["*"], to: ["boss@example.org"], check: false },
    ]);
    expect(filter[0]).toMatchObject({ names: ["*.exe"], names_except: [], larger_than: 0 });
    expect(Object.keys(filter[0] ?? {})).not.toContain("action");
  });

  test("rules of a higher layer are held against the file, with line and column", () => {
    const file = fileOf('[[filter]]\nname = "x"\ntypes = ["pee"]\n');
    const rule = () => [{ keys: ["filter[0].types[0]"], message: "no such type" }];
    expect(checkConfig(file, rule)).toEqual([
      { file, line: 3, column: 10, message: "no such type" },
    ]);
    expect(errorOf(() => loadConfig(file, {}, rule))).toEndWith(":3:10: no such type");
  });

  test("overrides that do not fit together are refused", () => {
    const overrides = { "queue.retry_min": 10, "queue.retry_max": 5 };
    expect(errorOf(() => loadConfig(undefined, overrides))).toContain("queue.retry_min must not");
  });

  test("a file that cannot be read is an error that says why", () => {
    expect(errorOf(() => loadConfig("/nonexistent/gw.toml"))).toBe(
      "/nonexistent/gw.toml: cannot be read: no such file",
    );
    expect(errorOf(() => loadConfig(folder))).toContain("a folder");
    expect(errorOf(() => loadConfig(fileOf(Uint8Array.of(0x23, 0xff))))).toContain("not UTF-8");
    expect(errorOf(() => loadConfig(fileOf(Buffer.alloc(2 ** 20 + 1, "#"))))).toContain(
      "larger than",
    );
  });
});

describe("hostile files", () => {
  const noConflicts = () => [];

  test("deep nesting is a problem, not a crash", () => {
    const text = `a = ${"[".repeat(5000)}${"]".repeat(5000)}`;
    expect(checkText(SCHEMA, text, noConflicts).problems).toHaveLength(1);
  });

  test("names of JavaScript's own are unknown settings like others", () => {
    for (const name of ["__proto__", "constructor", "toString"]) {
      const { problems } = checkText(SCHEMA, `[scan]\n${name} = 1\n`, noConflicts);
      expect(problems.map(({ message }) => message)).toEqual([`unknown setting scan.${name}`]);
      expect(checkText(SCHEMA, `[${name}]\nx = 1\n`, noConflicts).problems[0]?.message).toBe(
        `unknown section [${name}]`,
      );
    }
  });

  test("reports at most a hundred problems, in the file's order", () => {
    const text = `[scan]\n${Array.from({ length: 300 }, (_, n) => `zzzz_${n} = 1\n`).join("")}`;
    const { problems } = checkText(SCHEMA, text, noConflicts);
    expect(problems.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, n) => n + 2));
  });

  test("control characters of keys and values do not reach the terminal", () => {
    const text = '[scan]\n"\\u001b[31m" = 1\ntimeout = "\\u009b31m"\n';
    const { problems } = checkText(SCHEMA, text, noConflicts);
    expect(problems).toHaveLength(2);
    expect(problems.map(({ message }) => message).join("")).not.toMatch(/\p{Cc}/u);
  });

  test("a wrong secret is not repeated", () => {
    const schema = {
      "admin.password": { type: secret(), default: "", doc: "", example: "" },
    } satisfies Schema;
    const { problems } = checkText(schema, "[admin]\npassword = 12345\n", noConflicts);
    expect(problems[0]?.message).toStartWith("admin.password: expected a text");
    expect(problems[0]?.message).not.toContain("12345");
  });
});
