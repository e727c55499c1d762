import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  hashPassword,
  ownsAddress,
  parseUsers,
  UsersError,
  UsersFile,
  withUser,
} from "../../../src/inbound/login/users.ts";

const BCRYPT = `$2b$04$${"a".repeat(53)}`;
let folder = "";
let argon = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-users-"));
  argon = await hashPassword("secret");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("parseUsers() reads names, hashes and addresses", () => {
  const text = `# users\n\nann:${argon}\nBob:${BCRYPT}:bob@example.org,*@lists.example.org\r\n`;
  const users = parseUsers(text, "users");
  expect([...users.keys()]).toEqual(["ann", "bob"]);
  expect(users.get("bob")?.addresses).toEqual(["bob@example.org", "*@lists.example.org"]);
  let again = "";
  for (const user of users.values()) again = withUser(again, user.name, user);
  expect(parseUsers(again, "again")).toEqual(users);
});

test.each([
  [
    "changed",
    "Bob",
    { name: "Bob", hash: "h", addresses: ["b@c"] },
    "# x\n\nann:1\nBob:h:b@c\n#bob:0\n",
  ],
  [
    "added",
    "eve",
    { name: "eve", hash: "h", addresses: [] },
    "# x\n\nann:1\nBob:2\n#bob:0\neve:h\n",
  ],
  ["removed", "ANN", undefined, "# x\n\nBob:2\n#bob:0\n"],
  ["unknown", "carl", undefined, "# x\n\nann:1\nBob:2\n#bob:0\n"],
])("withUser() leaves all other lines as they are: %s", (_, name, user, expected) => {
  expect(withUser("# x\n\nann:1\nBob:2\n#bob:0\n", name, user)).toBe(expected);
});

test.each([
  ["ann", "users:2: the hash must be argon2id or bcrypt; gw user add makes one"],
  [":x", "users:2: expected name:hash or name:hash:address,…"],
  ["ann:plain text", "users:2: the hash must be argon2id or bcrypt; gw user add makes one"],
  ["ann:$1$salt$md5", "users:2: the hash must be argon2id or bcrypt; gw user add makes one"],
  [`ann:${BCRYPT}:nonsense`, "users:2: a user's addresses look like a@b,*@c"],
  [`ann:${BCRYPT}::x`, "users:2: expected name:hash or name:hash:address,…"],
  [`x:${BCRYPT}\nX:${BCRYPT}`, "users:3: a second X"],
])("parseUsers() refuses %j", (line, message) => {
  expect(() => parseUsers(`\n${line}\n`, "users")).toThrow(new UsersError(message));
});

test.each([
  ["argon2id", async () => argon],
  ["bcrypt", () => Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 })],
] as const)("a password under %s is checked, and nobody is told from somebody", async (_, hash) => {
  const file = join(folder, "checked");
  writeFileSync(file, `Ann:${await hash()}:ann@example.org\n`);
  const users = new UsersFile(file, () => {});
  expect(await users.check("ann", "secret")).toEqual({
    name: "Ann",
    addresses: ["ann@example.org"],
  });
  expect(await users.check("ann", "Secret")).toBeUndefined();
  expect(await users.check("nobody", "secret")).toBeUndefined();
});

test("a changed file counts at the next login, and a broken one does not", async () => {
  const file = join(folder, "changed");
  const errors: unknown[] = [];
  writeFileSync(file, `ann:${argon}\n`);
  const users = new UsersFile(file, (error) => errors.push(error));
  writeFileSync(file, `bobby:${argon}\n`);
  expect(await users.check("ann", "secret")).toBeUndefined();
  expect(await users.check("bobby", "secret")).toBeDefined();
  writeFileSync(file, "half a li");
  expect(await users.check("bobby", "secret")).toBeDefined();
  expect(String(errors[0])).toContain(`${file}:1: expected name:hash`);
});

test("a file that is not there is named", () => {
  const file = join(folder, "missing");
  expect(() => new UsersFile(file, () => {})).toThrow(`cannot read the users in ${file}`);
});

test.each([
  ["ann@example.org", [], "ANN@example.org", true],
  ["ann", ["*@example.org"], "any@example.org", true],
  ["ann", ["*@example.org"], "any@sub.example.org", false],
  ["ann", [], "ann@example.org", false],
] as const)("%s with %j owns %s: %p", (name, addresses, sender, expected) => {
  expect(ownsAddress({ name, addresses }, sender)).toBe(expected);
});
