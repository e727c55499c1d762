import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyFolder, gw } from "../mail-folder.ts";

const { folder, remove } = emptyFolder();
const file = join(folder, "gw.toml");
afterAll(remove);

describe("gw config", () => {
  test("check exits 0 for a good file and 2 with every mistake of a bad one", async () => {
    writeFileSync(file, "[scan]\nworkers = 2\n");
    expect(await gw("config", "check", file)).toEqual({
      code: 0,
      out: `${file}: no mistakes\n`,
      err: "",
    });
    writeFileSync(file, '[scan]\nworkers = "2"\ndepth = 3\n');
    const { code, err } = await gw("config", "check", "--config", file);
    expect(code).toBe(2);
    expect(err).toMatch(/^\S+:2:11: .*\n\S+:3:1: unknown setting scan\.depth.*\n$/);
  });

  test("describe explains, lists, and helps with names", async () => {
    expect((await gw("config", "describe", "scan.workers")).out).toStartWith("scan.workers\n  ");
    expect((await gw("config", "describe")).out).toContain("dns.servers");
    expect((await gw("config", "describe", "--markdown")).out).toStartWith("# Configuration\n");
    await expect(gw("config", "describe", "scan.worker")).rejects.toThrow("mean scan.workers?");
    await expect(gw("config", "describe", "qqqqqqq")).rejects.toThrow("lists all");
  });

  test("sample prints a file that check accepts", async () => {
    writeFileSync(file, (await gw("config", "sample")).out);
    expect((await gw("config", "check", file)).code).toBe(0);
  });

  test("show prints what is in force, and errors with their places", async () => {
    writeFileSync(file, "[scan]\nworkers = 3\n");
    const { out } = await gw("config", "show", "--config", file);
    expect(out).toStartWith(`# ${file}\n`);
    expect(out).toContain("\nworkers = 3\n");
    writeFileSync(file, "[scan]\nworkers = -3\n");
    await expect(gw("config", "show", "--config", file)).rejects.toThrow(`${file}:2:11: `);
  });
});
