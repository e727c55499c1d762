import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Disk, systemDisk } from "../../src/store/disk.ts";
import { Reserve } from "../../src/store/reserve.ts";

const SIZE = 64 * 1024;
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-reserve-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function reserve(disk: Partial<Disk> = {}, size = SIZE): Reserve {
  const path = join(folder, "reserve");
  return new Reserve({ disk: { ...systemDisk, ...disk }, path, size, freeSpaceMin: 0 });
}

test("keep() holds the space back, giveUp() frees it, and keep() takes it again", async () => {
  const one = reserve();
  await one.keep();
  expect(statSync(join(folder, "reserve")).size).toBe(SIZE);
  one.giveUp();
  expect(readdirSync(folder)).toEqual([]);
  expect(one.isInUse).toBe(true);
  await one.keep();
  expect(one.isInUse).toBe(false);
  expect(readdirSync(folder)).toEqual(["reserve"]);
});

test("keep() leaves a disk alone that has little room", async () => {
  await reserve({ freeBytes: () => SIZE + 1000 }).keep();
  expect(readdirSync(folder)).toEqual([]);
});

test("keep() leaves no half reserve behind when the disk refuses", async () => {
  const sync = () => Promise.reject(new Error("ENOSPC"));
  await expect(reserve({ sync }).keep()).rejects.toThrow("ENOSPC");
  expect(readdirSync(folder)).toEqual([]);
});

test("giveUp() frees what an earlier run held back", async () => {
  await reserve().keep();
  reserve().giveUp();
  expect(readdirSync(folder)).toEqual([]);
});

test("a reserve of no size holds nothing back", async () => {
  await reserve({}, 0).keep();
  expect(readdirSync(folder)).toEqual([]);
});
