// Archives that other programs wrote: how each of them ends, told by its name.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../../src/message.ts";
import { inspect, type ObjectScanner } from "../../../src/pipeline/inspect.ts";
import { LIMITS } from "../../harness/extracts.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDERS = ["libarchive/libarchive", "libarchive/cpio", "libarchive/tar", "rarfile"].map(
  (name) => join(GW_CORPUS, "containers", name),
);

const BLIND: ObjectScanner = {
  identity: "none",
  scan: ({ bytes }) => ({ findings: [], scanned: bytes.length, isComplete: true }),
};

function look(path: string): { status: Status; count: number; isOpened: boolean } {
  const bytes = readFileSync(path);
  const { status, objects } = inspect({ name: "x", declaredType: "", bytes }, BLIND, LIMITS);
  const isOpened = objects[0]?.notes.some((note) => note.includes("opened with the password"));
  return { status, count: objects.length, isOpened: isOpened === true };
}

function samples(pattern: RegExp, ...folders: readonly string[]): string[] {
  const found = folders.flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [],
  );
  return found.filter((path) => pattern.test(path) && statSync(path).isFile()).sort();
}

// What the samples are for, in the words of their names.
const ENCRYPTED = /encrypt|-psw/;
const VOLUMES =
  /multivolume|multiarchive|multi\.p2|splitted|seek_data_cursor|desync|pointer_leak|underflow/;
const HOSTILE =
  /malformed|oom|oob|invalid|bad_|overflow|leftshift|loop|use_after_free|unbound|different_|nonempty_dir|skip_block|readtables|history|huge_rpm|oob_read|missing_target|pax_g_large|archive_properties|lzx_16bit|afio|too_many_filters/;
const NOT_OPENED = /lzo$|lrz$|grz$|zstd|deflate_powerpc|ctime5|rar15|sparse_1_17/;

const ORDINARY = samples(
  /\.(?:7z|rar|cab|lzh|tar|Z|tgz|tbz|tlz|lz4?|lzma|xz|bz2|zst|cpio|newc|rpm|iso|gz)$/,
  ...FOLDERS,
).filter((path) => ![ENCRYPTED, VOLUMES, HOSTILE, NOT_OPENED].some((one) => one.test(path)));

test("ordinary archives of other programs end clean, with their files", () => {
  const wrong: string[] = [];
  for (const path of ORDINARY) {
    const { status, count } = look(path);
    const isEmpty = /malformed4|newsub|endarc|symlink_trailer|empty_|raw/.test(path);
    if (status !== "clean" || (count < 2 && !isEmpty)) wrong.push(`${path}: ${status} ${count}`);
  }
  expect(wrong).toEqual([]);
  expect(ORDINARY.length >= 120 || !existsSync(FOLDERS[0] ?? "")).toBe(true);
}, 60_000);

test("a compressed file that holds itself ends at once, and is not clean", () => {
  const [file] = samples(/too_many_filters\.gz$/, ...FOLDERS);
  if (file !== undefined) expect(look(file)).toMatchObject({ status: "unscanned", count: 2 });
  expect(existsSync(FOLDERS[0] ?? "")).toBe(file !== undefined);
});

test("encrypted archives are told or opened, parts of archives are never clean", () => {
  for (const path of samples(/\.(?:7z|rar)$/, ...FOLDERS)) {
    if (!ENCRYPTED.test(path) && !VOLUMES.test(path)) continue;
    const { status, isOpened } = look(path);
    const isTold = status === "protected" || isOpened || /rar3-comment/.test(path);
    if (ENCRYPTED.test(path)) expect([path, isTold]).toEqual([path, true]);
    if (!isOpened) expect([path, status]).not.toEqual([path, "clean"]);
  }
}, 60_000);

test("hostile archives end, by whatever word", () => {
  for (const path of samples(HOSTILE, ...FOLDERS)) {
    const beganAt = performance.now();
    expect(look(path).status).toBeDefined();
    expect([path, performance.now() - beganAt < 5000]).toEqual([path, true]);
  }
}, 120_000);
