// Holds README.md to the code: what it says of standards, folders, commands and settings.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Glob } from "bun";
import { allCommands, isGroup } from "../src/cli/catalogue.ts";
import { checkText } from "../src/config/check.ts";
import { findConflicts } from "../src/config/relations.ts";
import { SCHEMA } from "../src/config/schema.ts";

const README = readFileSync("README.md", "utf8");

function section(title: string): string {
  return new RegExp(`\n## ${title}\n(.*?)(?=\n## |$)`, "s").exec(README)?.[1] ?? "";
}

async function citedInSource(): Promise<number[]> {
  const cited = new Set<number>();
  for await (const file of new Glob("src/**/*.ts").scan(".")) {
    for (const [, number] of (await Bun.file(file).text()).matchAll(/RFC[ -]?(\d{3,5})/g)) {
      cited.add(Number(number));
    }
  }
  return [...cited].sort((a, b) => a - b);
}

describe("README", () => {
  test("lists exactly the RFCs that the source cites, each with its state", async () => {
    const rows = [...section("Standards").matchAll(/^\| (\d+) \| (\S.*) \| (\S.*) \|$/gm)];
    expect(rows.map(([, number]) => Number(number))).toEqual(await citedInSource());
    for (const [, , , state] of rows) expect(state).toMatch(/^(yes(: .+)?|(partial|no): .+)$/);
  });

  test("draws every folder of src/", () => {
    const road = section("The road of a message");
    const folders = readdirSync("src", { withFileTypes: true }).filter((each) =>
      each.isDirectory(),
    );
    const known = folders.filter(({ name }) => !["base", "policy"].includes(name));
    for (const { name } of known) expect(road).toMatch(new RegExp(`\\b${name}\\b`));
  });

  test("names every command that is for daily work, with all its verbs", () => {
    for (const [name, item] of Object.entries(allCommands())) {
      expect(README).toContain(name);
      for (const verb of isGroup(item) ? Object.keys(item.verbs) : []) {
        expect(section("Operation")).toMatch(new RegExp(`gw ${name} .*\\b${verb}\\b`));
      }
    }
  });

  test("shows a configuration that is right", () => {
    const shown = section("Configuration")
      .split("\n")
      .filter((line) => /^ {4}(\[|\w+ = )/.test(line))
      .map((line) => line.slice(4));
    expect(shown.length).toBeGreaterThan(5);
    expect(checkText(SCHEMA, shown.join("\n"), findConflicts).problems).toEqual([]);
  });

  test("speaks only of settings, files and npm scripts that there are", () => {
    const scripts = JSON.parse(readFileSync("package.json", "utf8")).scripts;
    for (const [, script = ""] of README.matchAll(/npm run ([\w:]+)/g)) {
      expect(Object.keys(scripts)).toContain(script);
    }
    for (const [, file = ""] of README.matchAll(/\]\(([^)]+)\)/g))
      expect(existsSync(file)).toBe(true);
    for (const [, key = ""] of README.matchAll(/`([a-z]+\.[a-z_]+)`/g)) {
      if (!key.endsWith(".ts")) expect(Object.keys(SCHEMA)).toContain(key);
    }
  });

  test("keeps its size: about 130 lines beside the standards", () => {
    const own = README.replace(section("Standards"), "");
    expect(own.split("\n").length).toBeLessThan(140);
  });
});
