// What gw says of itself: the parts it is made of, their licences, and all versions.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { VERSION } from "../../src/base/version.ts";
import { showVersions } from "../../src/cli/commands/about/versions.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { gw } from "./mail-folder.ts";

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));

describe("gw licenses", () => {
  test("lists gw, its runtime and every package it depends on, each with a licence", async () => {
    const { code, out } = await gw("licenses", "--json");
    const parts = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(code).toBe(0);
    expect(parts[0]).toEqual({ name: "gw", version: VERSION, license: "Apache-2.0" });
    const names = parts.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["bun", ...Object.keys(dependencies)]));
    for (const { license } of parts) expect(license).not.toBe("");
    const { out: table } = await gw("licenses");
    for (const name of names) expect(table).toContain(`${name} `);
    expect(table).toContain(VERSION);
  });

  test("prints the texts, those of what lies inside parts too", async () => {
    const { out } = await gw("licenses", "--texts");
    for (const text of ["Apache License", "JavaScriptCore", "Permission is hereby granted"]) {
      expect(out).toContain(text);
    }
    expect(out.match(/^==== /gm)?.length).toBeGreaterThan(Object.keys(dependencies).length);
  });

  test("finds parts by name or licence, and says when there are none", async () => {
    expect((await gw("licenses", "Smtp-Server")).out).toContain("smtp-server");
    expect((await gw("licenses", "blueoak", "--json")).out).toContain('"BlueOak-1.0.0"');
    await expect(gw("licenses", "frobnicate")).rejects.toThrow("no part of gw has that");
  });

  test("the runtime comes with the licences of what is linked into it", async () => {
    expect((await gw("licenses", "bun", "--texts")).out).toContain("==== bun ");
    const { out } = await gw("licenses", "bun", "--texts");
    for (const text of ["GNU LIBRARY GENERAL PUBLIC LICENSE", "Relinking", "TinyCC"]) {
      expect(out).toContain(text);
    }
  });
});

test("gw --version --verbose names gw, Bun, the core and the shipped signatures", () => {
  const terminal = fakeTerminal();
  expect(showVersions(terminal)).toBe(0);
  const { out } = terminal.printed;
  expect(out).toContain(`gw               ${VERSION}\n`);
  expect(out).toMatch(/^Bun +\d+\.\d+\.\d+ /m);
  expect(out).toMatch(/^scan core +sha256 [0-9a-f]{16}$/m);
  expect(out).toMatch(/^shipped set +gwdb-[0-9a-f]{16}, \d+ signatures$/m);
});
