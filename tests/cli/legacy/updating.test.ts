// The old tools that fetched signatures and kept licences.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateKey } from "../../../src/base/key/signing-key.ts";
import { runLegacy } from "../../../src/cli/legacy/legacy.ts";
import { signEntitlement } from "../../../src/license/entitlement.ts";
import { fakeTerminal } from "../fake-terminal.ts";
import { emptyFolder } from "../mail-folder.ts";

const DAY_MS = 86_400_000;
const { folder, remove } = emptyFolder();
const key = generateKey();
const config = join(folder, "gw.toml");
const unlicensed = join(folder, "none.toml");

beforeAll(() => {
  const server = (name: string) => `[server]\ndata_dir = "${join(folder, name)}"\n`;
  const feed = `[[feed]]\nname = "company"\ntype = "files"\nfolder = "${folder}"\n`;
  writeFileSync(config, `${server("data")}${feed}licence_key = "${key.publicHex}"\n`);
  writeFileSync(unlicensed, server("empty"));
});
afterAll(remove);

async function tool(name: string, ...words: string[]) {
  const terminal = fakeTerminal();
  const code = await runLegacy(name, [...words, "-c", config], terminal);
  return { code, ...terminal.printed };
}

function license(id: string, fromDays: number): string {
  const day = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
  const file = join(folder, `${id}.lic`);
  const who = { id, holder: "Example Ltd", feeds: ["company"], trafficPerDay: 0, mailboxes: 0 };
  const entitlement = { ...who, from: day(fromDays), until: day(fromDays + 60) };
  writeFileSync(file, signEntitlement(entitlement, key));
  return file;
}

describe("keepup2date", () => {
  test("ends with 60 where a feed has no licence, and tells it to its log as well", async () => {
    const log = join(folder, "update.log");
    const { code, out } = await tool("keepup2date", "-l", log);
    expect(code).toBe(60);
    expect(out).toContain("company: ");
    expect(readFileSync(log, "utf8")).toBe(out);
  });

  test("says nothing with -q: the exit code tells", async () => {
    expect(await tool("keepup2date", "-q", "-y")).toEqual({ code: 60, out: "", err: "" });
  });

  test("takes options that are not needed, and says why", async () => {
    const { code, err } = await tool("keepup2date", "-b", "/nowhere", "-s", "-y");
    expect(code).toBe(60);
    expect(err.match(/^keepup2date: -[bsy] is not needed: /gm)).toHaveLength(3);
    expect(existsSync("/nowhere")).toBe(false);
  });

  test("shows the feeds with -i", async () => {
    const { out } = await tool("keepup2date", "-i");
    expect(out).toContain("company");
  });

  test.each([
    ["an unknown option", ["-Z"], 75, "unknown option -Z"],
    ["an operand", ["now"], 75, 'unexpected argument "now"'],
    ["a source without keys", ["-g", "http://192.0.2.1/"], 75, "[[feed]] with its keys"],
    ["two things at once", ["-r", "-i"], 75, "don't go together"],
    ["a log that can't be", ["-l", "/nonexistent/log"], 75, "cannot write the log"],
  ])("refuses %s", async (_, words, code, message) => {
    const answer = await tool("keepup2date", ...words);
    expect(answer.code).toBe(code);
    expect(answer.err).toContain(message);
  });

  test("ends with 75 for a wrong configuration, and for one without feeds", async () => {
    for (const file of ["/nonexistent.toml", unlicensed]) {
      const terminal = fakeTerminal();
      expect(await runLegacy("keepup2date", ["-c", file], terminal)).toBe(75);
      expect(terminal.printed.err).not.toBe("");
    }
  });
});

describe("licensemanager", () => {
  test("adds, lists, shows and removes the active licence and the one in reserve", async () => {
    const [now, later] = [license("now1", -1), license("later1", 10)];
    expect((await tool("licensemanager", "-k", now)).out).toContain("Example Ltd");
    expect((await tool("licensemanager", "-s")).out).toBe("no licence is installed\n");
    expect((await tool("licensemanager", "-a", now)).code).toBe(0);
    expect((await tool("licensemanager", "-a", later)).code).toBe(0);
    expect((await tool("licensemanager")).out).toMatch(
      /^now1 +active .*\nlater1 +reserve |^later1 +reserve .*\nnow1 +active /m,
    );
    expect((await tool("licensemanager", "-d", "r")).out).toContain("licence later1 is removed");
    expect((await tool("licensemanager", "-d", "a")).out).toContain("licence now1 is removed");
    const none = await tool("licensemanager", "-d", "a");
    expect(none).toMatchObject({ code: 2, err: "gw: there is no licence that is active\n" });
  });

  test("names those that it could remove when there are several, and removes none", async () => {
    for (const id of ["res1", "res2"]) await tool("licensemanager", "-a", license(id, 10));
    const { code, err } = await tool("licensemanager", "-d", "r");
    expect(code).toBe(2);
    expect(err).toMatch(/several licences are reserve \((res1, res2|res2, res1)\)/);
    expect((await tool("licensemanager")).out).toMatch(/^res1 .*\nres2 |^res2 .*\nres1 /m);
  });

  test("shows the mail of each day with -i", async () => {
    expect((await tool("licensemanager", "-i")).out).toContain("DAY (UTC)");
  });

  test.each(["-d x", "-d", "-Z", "-a /nonexistent", "-s -i"])("refuses %s", async (words) => {
    const { code, err } = await tool("licensemanager", ...words.split(" "));
    expect(code).toBe(2);
    expect(err).toStartWith("gw: ");
  });
});
