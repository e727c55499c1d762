import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder, writeAtomically } from "../../../src/base/file/atomic-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-atomic-"));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

test("writeAtomically() replaces a file and leaves nothing beside it", () => {
  const path = join(folder, "state.json");
  writeAtomically(path, "one");
  writeAtomically(path, Buffer.from("two"), 0o644);
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(readdirSync(folder)).toEqual(["state.json"]);
});

test("writeAtomically() does not write through a link that waits where its draft goes", () => {
  const path = join(folder, "state.json");
  const victim = join(folder, "victim");
  writeFileSync(victim, "precious");
  symlinkSync(victim, `${path}.${process.pid}.new`);
  writeAtomically(path, "mine");
  expect(readFileSync(victim, "utf8")).toBe("precious");
  expect(readFileSync(path, "utf8")).toBe("mine");
});

test("writeAtomically() keeps the old file if the new one can't take its place", () => {
  const path = join(folder, "taken");
  mkdirSync(join(path, "inside"), { recursive: true });
  expect(() => writeAtomically(path, "new")).toThrow();
  expect(readdirSync(folder)).toEqual(["taken"]);
});

test("makeFolder() makes parents, and is content with what is there", () => {
  const path = join(folder, "a/b/c");
  makeFolder(path);
  makeFolder(path);
  expect(statSync(path).isDirectory()).toBe(true);
});
