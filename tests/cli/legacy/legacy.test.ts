import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { runLegacy } from "../../../src/cli/legacy/legacy.ts";
import { fakeTerminal } from "../fake-terminal.ts";
import { folderWith } from "../mail-folder.ts";

let place: Awaited<ReturnType<typeof folderWith>>;
let config = "";

beforeAll(async () => {
  place = await folderWith([
    { place: "queue", recipients: ["b@example.org"], sender: "a@example.com" },
    { place: "queue", recipients: ["c@example.org"] },
    { place: "quarantine", findings: ["Some.Name"] },
  ]);
  config = join(place.folder, "gw.toml");
  writeFileSync(config, `[server]\ndata_dir = "${place.data}"\n`);
});
afterAll(() => place.remove());

async function tool(name: string, ...words: string[]) {
  const terminal = fakeTerminal();
  const code = await runLegacy(name, words, terminal);
  return { code, ...terminal.printed };
}

describe("klmailq", () => {
  test("lists as it did: id, status, size, date, address, sender and recipient", async () => {
    for (const words of [[], ["--show-all"]]) {
      const { code, out } = await tool("klmailq", ...words, "-c", config);
      expect(code).toBe(0);
      expect(out.split("\n")).toHaveLength(3);
      expect(out).toMatch(
        /^\S+ WFS \d+ \d{4}-\d\d-\d\d \S+ 192\.0\.2\.7 <a@example\.com> -> <b@example\.org>$/m,
      );
    }
  });

  test("shows, sends and removes one, and all", async () => {
    const [first = "", second = ""] = place.ids;
    expect((await tool("klmailq", "--show-id", first, "-c", config)).out).toContain(first);
    expect((await tool("klmailq", `--send-id=${second}`, "-c", config)).out).toContain(
      "will be tried now",
    );
    expect((await tool("klmailq", "-a", "-c", config)).code).toBe(0);
    expect((await tool("klmailq", "-d", first, "-c", config)).out).toBe("1 recipient deleted\n");
    expect((await tool("klmailq", "-d", first, "-c", config)).code).toBe(4);
    expect((await tool("klmailq", "--remove-all", "-c", config)).out).toBe("1 recipient deleted\n");
  });

  test.each([
    [["--frobnicate"], 1],
    [["-d"], 1],
    [["-r", "-a"], 1],
    [["-c", "/nonexistent.conf"], 1],
  ])("%j ends with %d", async (words, code) => {
    expect((await tool("klmailq", ...words)).code).toBe(code);
  });

  test("a folder that is none ends with 2", async () => {
    const other = join(place.folder, "other.toml");
    writeFileSync(other, `[server]\ndata_dir = "${place.folder}/none"\n`);
    expect((await tool("klmailq", "-c", other)).code).toBe(2);
  });
});

describe("klmaila", () => {
  test("lists and removes from the store that the path names", async () => {
    const path = "--archive-path=/var/db/kav/5.5/smtpgw/quarantine";
    const { code, out } = await tool("klmaila", path, "-c", config);
    expect(code).toBe(0);
    expect(out).toMatch(/^\S+ INF \d+ .* -> <b@example\.org>\n$/);
    expect((await tool("klmaila", "--archive-path=/x/backup", "-c", config)).out).toBe("");
    expect((await tool("klmaila", path, "-r", "-c", config)).out).toBe("1 message deleted\n");
    expect((await tool("klmaila", path, "-d", "nothing", "-c", config)).code).toBe(4);
  });

  test("wants a path of a store", async () => {
    expect((await tool("klmaila", "-c", config)).code).toBe(1);
    expect((await tool("klmaila", "--archive-path=/elsewhere", "-c", config)).code).toBe(2);
  });
});

test("kltlv checks templates by their names", async () => {
  const good = join(place.folder, "placeholder.tmpl");
  const bad = join(place.folder, "notify.tmpl");
  writeFileSync(good, "%OBJECT%\n");
  writeFileSync(bad, "<FOR OBJECT>\n");
  expect((await tool("kltlv", good)).code).toBe(0);
  expect((await tool("kltlv", good, bad)).code).toBe(1);
});

test("smtpgw starts no gateway as a user that the host has not, or with a file that is none", async () => {
  const { err } = await tool("smtpgw", "-n", "-o", "-u", "nobody-else");
  expect(err).toContain("there is no user nobody-else");
  expect((await tool("smtpgw", "-c", "/nonexistent.conf")).code).toBe(1);
});
