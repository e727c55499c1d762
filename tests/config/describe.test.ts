import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as config from "../../src/config/describe.ts";
import { checkConfig, loadConfig } from "../../src/config/load.ts";
import { SCHEMA, SECTIONS } from "../../src/config/schema.ts";
import { TABLES } from "../../src/config/tables.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-describe-"));
const file = join(folder, "gw.toml");
afterAll(() => rmSync(folder, { recursive: true }));

describe("sample()", () => {
  test("is a file without problems that changes nothing", () => {
    writeFileSync(file, config.sample());
    expect(checkConfig(file)).toEqual([]);
    expect(loadConfig(file)).toEqual(loadConfig(undefined));
  });

  test("with every comment sign before a setting removed gives the defaults again", () => {
    const settings = config.sample().replace(/^#(?=[a-z])/gm, "");
    writeFileSync(file, settings);
    expect(checkConfig(file)).toEqual([]);
    expect(loadConfig(file)).toEqual(loadConfig(undefined));
    expect(settings.match(/^[a-z_]+ = /gm)).toHaveLength(Object.keys(SCHEMA).length);
  });

  test("keeps its lines short", () => {
    const prose = config
      .sample()
      .split("\n")
      .filter((line) => line.startsWith("# "));
    expect(prose.filter((line) => line.length > 100)).toEqual([]);
  });
});

test("show() writes a file that gives the same configuration", () => {
  writeFileSync(
    file,
    '[[group]]\nname = "a"\nto = ["*@a.example"]\ncheck = false\n' +
      '[[filter]]\nname = "large"\nlarger_than = "3MB"\naction = "defer"\n',
  );
  const overrides = { "scan.workers": 3, "inbound.idle_timeout": 90_000 };
  const changed = loadConfig(file, overrides);
  writeFileSync(file, config.show(changed));
  expect(loadConfig(file)).toEqual(changed);
});

describe("describe()", () => {
  test("of a setting tells its text, value, default and example", () => {
    const { text = "" } = config.describe("inbound.hops_max");
    for (const part of ["Most Received fields", "whole number from 10 to 100", "hops_max = 30"]) {
      expect(text).toContain(part);
    }
  });

  test("without a key lists every setting, of a section only its own", () => {
    const all = config.describe().text ?? "";
    for (const key of Object.keys(SCHEMA)) expect(all).toContain(key);
    expect(config.describe("queue").text).toContain("queue.retry_min");
    expect(config.describe("queue").text).not.toContain("inbound.");
  });

  test("of a table tells what it has, of one of its settings that one", () => {
    expect(config.describe("filter").text).toContain("filter.larger_than");
    expect(config.describe("group").text).toContain("Every setting of [policy]");
    expect(config.describe("group.to").text).toStartWith("group.to\n");
  });

  test.each([
    ["inbound.hop_max", "inbound.hops_max"],
    ["outbond", "outbound"],
  ])("of %s asks whether %s was meant", (key, meant) => {
    expect(config.describe(key)).toEqual({ meant });
  });

  test.each([
    ["mynetworks", "inbound.relay_networks"],
    ["ListenOn", "inbound.listen"],
    ["workers", "scan.workers"],
    ["[[group]]", "group"],
  ])("of %s describes %s, which is what is meant", (word, key) => {
    expect(config.describe(word)).toEqual(config.describe(key));
  });

  test("of nonsense knows nothing", () => {
    expect(config.describe("qqqqqqqqqqqq")).toEqual({});
  });
});

describe("markdown()", () => {
  test("is docs/configuration.md", () => {
    expect(readFileSync("docs/configuration.md", "utf8")).toBe(config.markdown());
  });

  test("has a table for every section and a row of four cells for every setting", () => {
    const lines = config.markdown().split("\n");
    for (const section of Object.keys(SECTIONS)) {
      expect(lines.some((line) => line.startsWith(`## [${section}]`))).toBe(true);
    }
    const rows = lines.filter((line) => line.startsWith("| `"));
    // What a table may have and what is told elsewhere is not told twice.
    const names = Object.values(TABLES).map(({ fields, optional, optionalAre }) => {
      const told = optionalAre === "" ? Object.keys(optional).length : 0;
      return Object.keys(fields).length + told;
    });
    const ofTables = names.reduce((sum, count) => sum + count, 0);
    expect(rows).toHaveLength(Object.keys(SCHEMA).length + ofTables);
    for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(6);
  });
});
