import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildZip } from "../unpack/build-zip.ts";
import { eicar, emptyFolder, gw } from "./mail-folder.ts";

const { folder, remove } = emptyFolder();
const at = (name: string) => join(folder, name);

beforeAll(() => {
  const inner = buildZip([{ name: "../../up.txt", bytes: Buffer.from("x".repeat(500)) }]);
  const members = [
    { name: "inner.zip", bytes: inner },
    { name: "-rf", bytes: Buffer.from(eicar()) },
  ];
  writeFileSync(at("outer.zip"), buildZip(members));
  mkdirSync(at("full"));
  writeFileSync(at("full/file"), "");
});
afterAll(remove);

describe("gw explode", () => {
  test("draws the tree with types, sizes and findings", async () => {
    const { code, out } = await gw("explode", at("outer.zip"));
    expect(code).toBe(0);
    expect(out).toContain("inner.zip  zip, ");
    expect(out).toContain("up.txt  text, 500 B  clean");
    expect(out).toContain("infected Gw.Test.EICAR");
  });

  test("--json has the objects with ratio and where they were found", async () => {
    const { out } = await gw("explode", at("outer.zip"), "--json");
    const { verdict, objects } = JSON.parse(out);
    expect(verdict).toBe("infected");
    expect(objects[1]).toMatchObject({ id: 1, parent: 0, name: "inner.zip", type: "zip" });
    expect(objects[1].ratio).toBeGreaterThan(2);
    expect(objects.map(({ size }: { size: number }) => size)).toContain(500);
  });

  test("--to writes every object under a name that leads nowhere", async () => {
    const { code, out } = await gw("explode", at("outer.zip"), "--to", at("new"));
    expect(code).toBe(0);
    expect(out).toEndWith(`4 objects in ${at("new")}\n`);
    const names = readdirSync(at("new")).sort();
    expect(names).toEqual(["0000-outer.zip", "0001-inner.zip", "0002-____up.txt", "0003--rf"]);
    expect(readFileSync(at("new/0002-____up.txt"), "utf8")).toBe("x".repeat(500));
    expect(statSync(at("new/0003--rf")).mode & 0o777).toBe(0o600);
  });

  test("refuses a folder with something in it, and a file that is not there", async () => {
    const full = gw("explode", at("outer.zip"), "--to", at("full"));
    await expect(full).rejects.toThrow(`${at("full")} is not empty`);
    await expect(gw("explode", at("none"))).rejects.toThrow(`${at("none")}: no such file`);
    expect(existsSync(at("none"))).toBe(false);
  });
});
