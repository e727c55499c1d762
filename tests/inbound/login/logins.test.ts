import { expect, test } from "bun:test";
import { Logins } from "../../../src/inbound/login/logins.ts";
import type { Directory } from "../../../src/inbound/login/users.ts";
import { MemoryLog } from "../../harness/inbound.ts";

const knows = (name: string): Directory => ({
  check: async (given, password) =>
    given === name && password === "right" ? { name, addresses: [] } : undefined,
});
const broken: Directory = { check: () => Promise.reject(new Error("no answer")) };

function loginsOf(directories: readonly Directory[]) {
  const time = { at: 0 };
  const log = new MemoryLog();
  const now = () => time.at;
  const logins = new Logins({ directories, failuresMax: 2, failuresWithinMs: 1000, log, now });
  const attempt = async (name: string, password: string, address = "192.0.2.1") =>
    (await logins.attempt({ name, password }, address)).kind;
  return { time, log, attempt };
}

test("directories are asked one after the other", async () => {
  const { attempt } = loginsOf([knows("ann"), knows("bob")]);
  expect(await attempt("bob", "right")).toBe("in");
  expect(await attempt("bob", "wrong")).toBe("wrong");
});

test("nobody is told to be wrong while a directory cannot be asked", async () => {
  const { attempt, log } = loginsOf([broken, knows("ann")]);
  expect(await attempt("ann", "right")).toBe("in");
  expect(await attempt("ann", "wrong")).toBe("later");
  expect(log.lines[0]).toMatchObject({ event: "directory-failed" });
});

test("an address that guesses has to wait, others have not", async () => {
  const { attempt, time } = loginsOf([knows("ann")]);
  expect(await attempt("ann", "a")).toBe("wrong");
  expect(await attempt("bob", "b")).toBe("wrong");
  expect(await attempt("ann", "right")).toBe("later");
  expect(await attempt("ann", "right", "192.0.2.2")).toBe("in");
  time.at = 2500;
  expect(await attempt("ann", "right")).toBe("in");
});

test("a user that many addresses guess at has to wait in the end", async () => {
  const { attempt } = loginsOf([knows("ann")]);
  for (let at = 0; at < 20; at++) await attempt("ann", "wrong", `192.0.2.${at}`);
  expect(await attempt("ann", "right", "198.51.100.1")).toBe("later");
  expect(await attempt("bob", "wrong", "198.51.100.1")).toBe("wrong");
});

test("so many passwords are checked at once, and no more", async () => {
  let running = 0;
  let most = 0;
  const slow: Directory = {
    check: async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return undefined;
    },
  };
  const { attempt } = loginsOf([slow]);
  const addresses = Array.from({ length: 120 }, (_, at) => `198.51.100.${at}`);
  const kinds = await Promise.all(addresses.map((each, at) => attempt(`user${at}`, "x", each)));
  expect(most).toBe(4);
  // Four at work, a hundred waiting; the others are asked to come again.
  expect(kinds.filter((kind) => kind === "later")).toHaveLength(16);
});
