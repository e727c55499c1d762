import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockedZip, ZIP_PASSWORD } from "../../src/vault/locked-zip.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-zip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SALT = Buffer.from("0123456789ab");
const AT = Date.UTC(2026, 10, 22, 12);

// Bytes that look random, the same in each run.
function noise(size: number): Buffer {
  let state = 12345;
  return Buffer.from(
    Array.from({ length: size }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    }),
  );
}

const archive = (bytes: Uint8Array, name = "a.txt", at = AT) =>
  lockedZip({ name, bytes, at, salt: SALT });

const open = (...command: string[]) => {
  const { stdout, exitCode } = Bun.spawnSync(command, { stderr: "ignore" });
  return { stdout, exitCode };
};

const has7zz = Bun.which("7zz") !== null;

describe("lockedZip()", () => {
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["one byte", Buffer.from("x")],
    ["text", Buffer.from("some text\n".repeat(1000))],
    ["noise", noise(200_000)],
  ])("of %s opens with unzip and 7zz by the password, and only so", (what, bytes) => {
    const path = join(folder, `${what}.zip`);
    writeFileSync(path, archive(bytes));
    for (const [tool, reads, refuses] of [
      ["unzip", ["-P", ZIP_PASSWORD, "-p"], ["-P", "else", "-t"]],
      ["7zz", ["x", "-so", `-p${ZIP_PASSWORD}`], ["t", "-pelse"]],
    ] as const) {
      if (Bun.which(tool) === null) continue;
      const { stdout, exitCode } = open(tool, ...reads, path);
      expect([exitCode, Buffer.from(stdout).equals(bytes)]).toEqual([0, true]);
      expect(open(tool, ...refuses, path).exitCode).not.toBe(0);
    }
  });

  test.if(has7zz)("keeps a name beyond ASCII, and its time", () => {
    const path = join(folder, "names.zip");
    writeFileSync(path, archive(Buffer.from("x"), "Größe_文.txt"));
    const { stdout } = open("7zz", "l", "-slt", "-sccUTF-8", path);
    expect(stdout.toString()).toContain("Path = Größe_文.txt");
    expect(stdout.toString()).toMatch(/Modified = 2026-11-22/);
    expect(stdout.toString()).toContain("Encrypted = +");
  });

  test.if(has7zz).each([Date.UTC(1970), Date.UTC(2500)])(
    "of the time %d is still an archive",
    (at) => {
      const path = join(folder, `${at}.zip`);
      writeFileSync(path, archive(Buffer.from("x"), "a", at));
      expect(open("7zz", "t", `-p${ZIP_PASSWORD}`, path).exitCode).toBe(0);
    },
  );

  test("differs by its salt, and hides what is in it", () => {
    const bytes = Buffer.from("a secret that must not be seen ".repeat(3));
    const other = lockedZip({ name: "a.txt", bytes, at: AT, salt: Buffer.from("ba9876543210") });
    expect(archive(bytes).equals(other)).toBe(false);
    expect(archive(bytes).includes("secret")).toBe(false);
  });
});
