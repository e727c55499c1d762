import { afterEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { StoreFullError } from "../../src/store/disk.ts";
import { SpoolDraft } from "../../src/store/draft.ts";
import { cleanUp, FaultyDisk, tempFolder } from "./samples.ts";

afterEach(cleanUp);

function newDraft() {
  const folder = tempFolder();
  const disk = new FaultyDisk();
  const path = join(folder, "body");
  const draft = new SpoolDraft("id", { disk, path, memoryBodyMax: 1_000, checkSpace() {} });
  return { folder, disk, path, draft };
}

test.each([0, 1, 999, 1_000])("%p bytes stay in memory", async (size) => {
  const { draft, path } = newDraft();
  expect(draft.write(new Uint8Array(size))).toBeUndefined();
  expect(await draft.finish()).toEqual({ kind: "bytes", bytes: new Uint8Array(size) } as never);
  expect([draft.size, existsSync(path)]).toEqual([size, false]);
});

test.each([[[1_001]], [[1_000, 1]], [[500, 500, 500, 500]], [[10, 5_000_000, 10]]])(
  "chunks of %p bytes go to a file, in order",
  async (sizes) => {
    const { draft, path } = newDraft();
    const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1));
    for (const chunk of chunks) void draft.write(chunk);
    const whole = Buffer.concat(chunks);
    const body = await draft.finish();
    expect(body).toEqual({ kind: "file", path, offset: 0, size: whole.length });
    expect(readFileSync(path).equals(whole)).toBe(true);
  },
);

test("write() asks to wait once much is on its way to the disk, and only then", async () => {
  const { draft } = newDraft();
  expect(draft.write(new Uint8Array(100_000))).toBeUndefined();
  expect(draft.write(new Uint8Array(100_000))).toBeUndefined();
  const wait = draft.write(new Uint8Array(100_000));
  expect(wait).toBeInstanceOf(Promise);
  await wait;
  expect(draft.write(new Uint8Array(100_000))).toBeUndefined();
  await draft.finish();
});

test("a full disk is told by write() and by finish()", async () => {
  const { draft, disk } = newDraft();
  disk.faults.set("write", "ENOSPC");
  await expect(draft.write(new Uint8Array(500_000))).rejects.toThrow(StoreFullError);
  await expect(draft.write(new Uint8Array(1))).rejects.toThrow(StoreFullError);
  await expect(draft.finish()).rejects.toThrow(StoreFullError);
});

test("discard() removes the file, also in the middle of writing it", async () => {
  const { draft, folder } = newDraft();
  void draft.write(new Uint8Array(200_000));
  draft.discard();
  draft.discard();
  while (readdirSync(folder).length > 0) await new Promise((next) => setImmediate(next));
  expect(() => draft.write(new Uint8Array(1))).toThrow("is discarded");
});

test("discard() leaves alone what a commit has taken", async () => {
  const { draft, path } = newDraft();
  void draft.write(new Uint8Array(5_000));
  await draft.finish();
  draft.take();
  draft.discard();
  await draft.keepAs(path);
  expect(readFileSync(path).length).toBe(5_000);
});
