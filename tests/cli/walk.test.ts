import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { walk } from "../../src/cli/walk.ts";

const root = mkdtempSync(join(tmpdir(), "gw-walk-"));

beforeAll(() => {
  mkdirSync(join(root, "b/deep"), { recursive: true });
  for (const name of ["a.txt", "b/2.txt", "b/deep/3.txt", "c.txt"]) {
    writeFileSync(join(root, name), name);
  }
  symlinkSync(root, join(root, "b/loop"));
  symlinkSync(join(root, "a.txt"), join(root, "link.txt"));
});
afterAll(() => rmSync(root, { recursive: true }));

const names = (paths: readonly string[]) =>
  [...walk(paths)].map((each) =>
    each.kind === "file" ? each.path : `${each.path}: ${each.reason}`,
  );

test("walk() gives a folder's files by name and follows no links in it", () => {
  const files = ["a.txt", "b/2.txt", "b/deep/3.txt", "c.txt"].map((name) => join(root, name));
  expect(names([root])).toEqual(files);
});

test("walk() keeps the order of what was named and follows named links", () => {
  const paths = [join(root, "link.txt"), join(root, "a.txt")];
  expect(names(paths)).toEqual(paths);
  expect([...walk(paths)][0]).toMatchObject({ kind: "file", size: 5 });
});

test("walk() reports what is not there and what is no file, and goes on", () => {
  const paths = [join(root, "no"), "/dev/null", join(root, "a.txt"), join(root, "a.txt/x")];
  expect(names(paths)).toEqual([
    `${paths[0]}: no such file`,
    "/dev/null: not a file or folder",
    paths[2] ?? "",
    `${paths[3]}: no such file`,
  ]);
});

test("walk() is not stopped by depth", () => {
  const deep = join(root, "deep", ...Array.from({ length: 200 }, (_, n) => `d${n}`));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "end.txt"), "");
  expect(names([join(root, "deep")])).toEqual([join(deep, "end.txt")]);
});
