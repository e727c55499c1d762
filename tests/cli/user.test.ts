// `gw user` as it is typed.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder = "";
let file = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-user-"));
  file = join(folder, "users");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function gw(input: string, ...words: readonly string[]) {
  const done = Bun.spawnSync([process.execPath, "src/main.ts", "user", ...words, "--file", file], {
    stdin: Buffer.from(input),
    stderr: "pipe",
  });
  return { out: done.stdout.toString(), err: done.stderr.toString(), code: done.exitCode };
}

test("users are added, listed, checked, changed and removed", () => {
  expect(gw("secret\n", "add", "ann", "--address", "ann@example.org,*@lists.example.org")).toEqual({
    out: `added ann in ${file}\n`,
    err: "",
    code: 0,
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).not.toContain("secret");
  expect(gw("secret", "check", "Ann")).toMatchObject({ out: "right\n", code: 0 });
  expect(gw("wrong", "check", "ann")).toMatchObject({ out: "wrong\n", code: 1 });
  expect(gw("other\n", "add", "ann").out).toBe(`changed ann in ${file}\n`);
  expect(gw("other", "check", "ann").code).toBe(0);
  // Another password leaves the addresses as they were.
  const [line = ""] = gw("", "list", "--json").out.split("\n");
  expect(JSON.parse(line)).toEqual({
    name: "ann",
    addresses: ["ann@example.org", "*@lists.example.org"],
  });
  expect(gw("", "remove", "ann").code).toBe(0);
  expect(gw("", "list").out).toBe("no users\n");
});

test("comments and the order of a file outlive its changes", () => {
  const kept = "# our own users\n\n# bob has left\n";
  writeFileSync(file, kept);
  expect(gw("secret\n", "add", "eve").code).toBe(0);
  expect(readFileSync(file, "utf8")).toStartWith(`${kept}eve:$argon2id$`);
  expect(gw("", "remove", "eve").code).toBe(0);
  expect(readFileSync(file, "utf8")).toBe(kept);
});

test.each([
  [["add", "a:b"], "x", "a name has no spaces, colons and commas"],
  [["add", "ann"], "", "no password: write it to standard input, as one line"],
  [["add", "ann", "--address", "nonsense"], "x", "not an address: nonsense"],
  [["check", "nobody"], "x", "no user nobody in "],
  [["remove", "nobody"], "", "no user nobody in "],
] as const)("gw user %j with %j says what is wrong", (words, input, message) => {
  const { err, code } = gw(input, ...words);
  expect(err).toContain(message);
  expect(code).toBe(2);
});

test("a broken file is named with its line, and left alone", () => {
  writeFileSync(file, "ann:plain\n");
  const { err, code } = gw("x", "add", "bob");
  expect(err).toContain(`${file}:1: the hash must be argon2id or bcrypt`);
  expect(code).toBe(2);
  expect(readFileSync(file, "utf8")).toBe("ann:plain\n");
});
