import { afterAll, expect, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { becomeOwner, type Identity } from "../../../src/cli/service/privilege.ts";

const root = mkdtempSync(join(tmpdir(), "gw-owner-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Notes what it is asked to become. */
function identity(euid: number): { readonly calls: string[] } & Identity {
  const calls: string[] = [];
  const note = (name: string) => (id: number | readonly number[]) => {
    calls.push(`${name} ${id}`);
  };
  return {
    calls,
    geteuid: () => euid,
    ...{ seteuid: note("seteuid"), setegid: note("setegid") },
    ...{ setuid: note("setuid"), setgid: note("setgid"), setgroups: note("setgroups") },
  };
}

const isRoot = process.geteuid?.() === 0;

test("becomeOwner() leaves everybody but root as they are", () => {
  const who = identity(1000);
  becomeOwner(root, "nobody", who);
  expect(who.calls).toEqual([]);
});

test("becomeOwner() leaves root as it is where the folder is root's, or is nobody's yet", () => {
  const who = identity(0);
  if (isRoot) becomeOwner(root, "", who);
  becomeOwner(join(root, "missing"), "", who);
  becomeOwner(join(root, "missing"), "no-such-user", who);
  expect(who.calls).toEqual([]);
  expect(existsSync(join(root, "missing"))).toBe(false);
});

test("becomeOwner() becomes the folder's owner, the groups first and the user last", () => {
  const folder = join(root, "data");
  mkdirSync(folder);
  if (isRoot) chownSync(folder, 12_345, 23_456);
  const { uid, gid } = statSync(folder);
  const who = identity(0);
  becomeOwner(folder, "", who);
  expect(who.calls).toEqual(
    uid === 0 ? [] : [`setgroups ${gid}`, `setgid ${gid}`, `setuid ${uid}`],
  );
});

test("becomeOwner() makes a missing folder for the user that is named", () => {
  if (!isRoot) return;
  const folder = join(root, "new", "data");
  const who = identity(0);
  becomeOwner(folder, "nobody", who);
  const { uid } = statSync(folder);
  expect(uid).toBeGreaterThan(0);
  expect(who.calls.at(-1)).toBe(`setuid ${uid}`);
});
