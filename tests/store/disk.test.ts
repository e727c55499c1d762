import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  FreeSpace,
  readBody,
  SharedRun,
  StoreFullError,
  storeFull,
  systemDisk,
} from "../../src/store/disk.ts";
import { cleanUp, FaultyDisk, ManualClock, tempFolder } from "./samples.ts";

afterEach(cleanUp);

describe("systemDisk", () => {
  test("creates, writes, cuts and removes a file of its own user", async () => {
    const path = join(tempFolder(), "file");
    const file = await systemDisk.create(path);
    await systemDisk.write(file, Buffer.from("hello world"), 0);
    await systemDisk.write(file, Buffer.from("W"), 6);
    await systemDisk.truncate(file, 8);
    await systemDisk.sync(file);
    await systemDisk.close(file);
    expect(readFileSync(path, "utf8")).toBe("hello Wo");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await expect(systemDisk.create(path)).rejects.toThrow("EEXIST");
    await systemDisk.remove(path);
    await systemDisk.remove(path);
    await expect(systemDisk.open(path)).rejects.toThrow("ENOENT");
  });

  test("writes lists of any length one behind the other", async () => {
    const path = join(tempFolder(), "list");
    const file = await systemDisk.create(path);
    const chunks = Array.from({ length: 3000 }, (_, i) => Buffer.from("x".repeat(i % 7)));
    await systemDisk.write(file, Buffer.from("head"), 0);
    await systemDisk.write(file, chunks, 4);
    await systemDisk.write(file, [], 4);
    await systemDisk.close(file);
    expect(readFileSync(path, "utf8")).toBe(`head${Buffer.concat(chunks).toString()}`);
  });

  test("knows free space, and says when it does not", () => {
    expect(systemDisk.freeBytes(tempFolder())).toBeGreaterThan(0);
    expect(() => systemDisk.freeBytes("/nowhere/at/all")).toThrow();
  });
});

describe("FreeSpace", () => {
  test("asks again after 100 ms, and refuses when it can't know", () => {
    const disk = new FaultyDisk();
    const clock = new ManualClock();
    const space = new FreeSpace(disk, "/", clock, 100);
    space.check();
    disk.free = 99;
    clock.advance(99);
    space.check();
    clock.advance(1);
    expect(() => space.check()).toThrow("99 bytes free, 100 wanted");
    disk.freeBytes = () => {
      throw new Error("EIO");
    };
    clock.advance(100);
    expect(() => space.check()).toThrow(StoreFullError);
  });
});

describe("SharedRun", () => {
  test("lets callers share runs, each of which began after its call", async () => {
    let runs = 0;
    const shared = new SharedRun(async () => {
      await null;
      runs++;
    });
    await Promise.all([shared.run(), shared.run(), shared.run(), shared.run()]);
    expect(runs).toBe(2);
    await shared.run();
    expect(runs).toBe(3);
  });

  test("tells only its own callers of a failure", async () => {
    const results = [new Error("first"), undefined];
    const shared = new SharedRun(async () => {
      await null;
      const error = results.shift();
      if (error) throw error;
    });
    const ends = await Promise.allSettled([shared.run(), shared.run()]);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });
});

test("storeFull() keeps the cause, and wraps once", () => {
  const cause = new Error("ENOSPC");
  const error = storeFull(cause);
  expect([error.cause, storeFull(error)]).toEqual([cause, error]);
});

test("readBody() gives the start of a body, and says if its file is too short", async () => {
  const path = join(tempFolder(), "file");
  await Bun.write(path, "0123456789");
  const read = async (size: number, max: number) =>
    Buffer.from(await readBody({ kind: "file", path, offset: 2, size }, max)).toString();
  expect([await read(5, 100), await read(5, 2)]).toEqual(["23456", "23"]);
  await expect(read(9, 100)).rejects.toThrow("cut short");
  const bytes = Buffer.from("abc");
  expect(await readBody({ kind: "bytes", bytes }, 2)).toEqual(Buffer.from("ab"));
});
