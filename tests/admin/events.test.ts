// Every event that the source logs is explained, and the page of the documentation is up to date.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Glob } from "bun";
import { EVENTS, explain, logPage } from "../../src/admin/events/events.ts";

const CALL = /\blog\??\.(?:error|warn|info|debug)\(\s*([^,;]+?)(?:,|\))/g;

/** Names in a call's first argument: `"a"`, `x ? "a" : "b"`, and `feed-` of a template. */
function namesIn(argument: string): string[] {
  const plain = [...argument.matchAll(/"([a-z0-9-]+)"/g)].map(([, name = ""]) => name);
  const begun = [...argument.matchAll(/`([a-z-]+)\$\{/g)].map(([, start = ""]) => `${start}x`);
  return [...plain, ...begun];
}

test("every event in the source is explained", async () => {
  const missing: string[] = [];
  let found = 0;
  for await (const file of new Glob("src/**/*.ts").scan(".")) {
    for (const [, argument = ""] of readFileSync(file, "utf8").matchAll(CALL)) {
      for (const name of namesIn(argument)) {
        found++;
        if (explain(name) === undefined) missing.push(`${file}: ${name}`);
      }
    }
  }
  expect(missing).toEqual([]);
  expect(found).toBeGreaterThan(100);
});

test("an event that is grave says what to do", () => {
  for (const [name, [meaning, remedy]] of Object.entries(EVENTS)) {
    expect(meaning).toMatch(/\.$/);
    if (/-failed$|-damaged$|^not-/.test(name)) expect(`${name}: ${remedy}`).not.toEndWith(": ");
  }
});

test("docs/log.md is what gw explain --markdown prints", () => {
  expect(readFileSync("docs/log.md", "utf8")).toBe(logPage());
});
