// gw as a process of the host: accounts, the change of user, the file with the process number, and
// what the service manager is told.
import { dlopen, FFIType } from "bun:ffi";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../../src/base/log.ts";
import { findAccount, findGroup } from "../../../src/cli/service/accounts.ts";
import { Notifier, socketAddress, watchdogInterval } from "../../../src/cli/service/notify.ts";
import {
  refuseSecond,
  removePid,
  runningFrom,
  writePid,
} from "../../../src/cli/service/pid-file.ts";
import { assume, type Identity } from "../../../src/cli/service/privilege.ts";
import { until } from "../../harness/process.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-process-"));
  mkdirSync(join(folder, "etc"));
  const passwd = [
    "root:x:0:0::/root:/bin/sh",
    "# a comment",
    "gw:x:995:994:gw:/:/bin/false",
    "x:x",
  ];
  writeFileSync(join(folder, "etc/passwd"), `${passwd.join("\n")}\n`);
  writeFileSync(join(folder, "etc/group"), "gw:x:994:\nssl-cert:x:110:a,gw\nmail:x:8:agw\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("accounts", () => {
  test.each(["gw", "995"])("findAccount() finds %s with all groups", (wanted) => {
    const found = { name: "gw", uid: 995, gid: 994, groups: [994, 110] };
    expect(findAccount(wanted, folder)).toEqual(found);
  });

  test.each(["x", "nobody", ""])('findAccount() finds no "%s"', (wanted) => {
    expect(findAccount(wanted, folder)).toBeUndefined();
  });

  test("findGroup() knows groups by name", () => {
    expect(findGroup("ssl-cert", folder)).toBe(110);
    expect(findGroup("other", folder)).toBeUndefined();
  });
});

function fakeIdentity(uid: number) {
  const calls: string[] = [];
  const note = (name: string) => (value: unknown) => void calls.push(`${name} ${value}`);
  const identity: Identity = {
    geteuid: () => uid,
    seteuid: note("seteuid"),
    setegid: note("setegid"),
    setuid: note("setuid"),
    setgid: note("setgid"),
    setgroups: note("setgroups"),
  };
  return { identity, calls };
}

describe("assume()", () => {
  test("gives up groups before users, and keeps root for as long as work takes", async () => {
    const { identity, calls } = fakeIdentity(0);
    const privilege = assume("daemon", [], identity);
    await privilege.asRoot(async () => void calls.push("work"));
    privilege.drop([]);
    const { uid, gid } = findAccount("daemon") ?? { uid: 0, gid: 0 };
    expect(uid).toBeGreaterThan(0);
    expect(calls.filter((each) => !each.startsWith("setgroups"))).toEqual([
      ...[`setegid ${gid}`, `seteuid ${uid}`],
      ...["seteuid 0", "work", `seteuid ${uid}`],
      ...["seteuid 0", `setgid ${gid}`, `setuid ${uid}`],
    ]);
    expect(calls[0]).toStartWith("setgroups");
  });

  test("goes back to the user when work fails", async () => {
    const { identity, calls } = fakeIdentity(0);
    const { asRoot } = assume("daemon", [], identity);
    await expect(asRoot(() => Promise.reject(new Error("in use")))).rejects.toThrow("in use");
    expect(calls.at(-1)).toBe(`seteuid ${findAccount("daemon")?.uid}`);
  });

  test.each([
    ["no-such-user", 0, "there is no user no-such-user"],
    ["daemon", 4711, "only root can become daemon"],
  ])("refuses %s for user %d", (user, uid, message) => {
    expect(() => assume(user, [], fakeIdentity(uid).identity)).toThrow(message);
  });

  test("does nothing without a user, and for one that gw is already", () => {
    const { uid = 0 } = findAccount("daemon") ?? {};
    for (const [user, euid] of [["", 0] as const, ["daemon", uid] as const]) {
      const { identity, calls } = fakeIdentity(euid);
      assume(user, [], identity).drop([]);
      expect(calls).toEqual([]);
    }
  });
});

describe("the file with the process number", () => {
  const file = () => join(folder, "gw.pid");

  test("names this process, and is removed by it alone", () => {
    writePid(file());
    expect(readFileSync(file(), "utf8")).toBe(`${process.pid}\n`);
    removePid(file());
    expect(() => readFileSync(file())).toThrow("ENOENT");
    writeFileSync(file(), "1\n");
    removePid(file());
    expect(readFileSync(file(), "utf8")).toBe("1\n");
  });

  test.each(["", "0\n", "1\n", "abc", "99999999\n", "4194999\n", "-1\n"])(
    "is stale with %j",
    (text) => {
      writeFileSync(file(), text);
      expect(runningFrom(file())).toBeUndefined();
      refuseSecond(file());
    },
  );

  test("is stale when the number is another program's now, and keeps a second gw out else", async () => {
    const other = Bun.spawn(["sleep", "60"]);
    // Called as a gateway is: what counts is the word after the program.
    const gateway = Bun.spawn(["sh", "-c", "sleep 60; :", "serve"]);
    try {
      writeFileSync(file(), `${other.pid}\n`);
      expect(runningFrom(file())).toBeUndefined();
      writeFileSync(file(), `${gateway.pid}\n`);
      await until(() => runningFrom(file()) !== undefined, 10_000);
      expect(() => refuseSecond(file())).toThrow(`gw runs already, as process ${gateway.pid}`);
    } finally {
      other.kill();
      gateway.kill();
      await Promise.all([other.exited, gateway.exited]);
    }
  });

  test("says which file can't be written", () => {
    expect(() => writePid(join(folder, "none/gw.pid"))).toThrow("cannot write --pid-file");
  });
});

// A manager's end of the socket: each call gives one datagram, "" if none waits.
function openManager(path: string): () => string {
  const int = FFIType.i32;
  const { symbols } = dlopen("libc.so.6", {
    socket: { args: [int, int, int], returns: int },
    bind: { args: [int, FFIType.ptr, FFIType.u32], returns: int },
    recv: { args: [int, FFIType.ptr, FFIType.u64, int], returns: FFIType.i64 },
  });
  const address = socketAddress(path) ?? new Uint8Array(0);
  const fd = symbols.socket(1, 2, 0);
  expect(symbols.bind(fd, address, address.length)).toBe(0);
  const dontWait = 0x40;
  return () => {
    const bytes = Buffer.alloc(4096);
    const length = Number(symbols.recv(fd, bytes, bytes.length, dontWait));
    return bytes.toString("utf8", 0, Math.max(0, length));
  };
}

describe("the service manager", () => {
  test("hears that gw is ready, lives and stops", async () => {
    const path = join(folder, "notify.sock");
    const hear = openManager(path);
    const environment = { NOTIFY_SOCKET: path, WATCHDOG_USEC: "200000" };
    const notifier = Notifier.open(environment, silentLog);
    notifier.ready("takes mail");
    expect(hear()).toBe(`READY=1\nSTATUS=takes mail\nMAINPID=${process.pid}`);
    await until(() => hear() === "WATCHDOG=1", 10_000);
    notifier.close();
    while (hear() !== "");
    notifier.stopping();
    expect(hear()).toBe("STOPPING=1");
    expect(hear()).toBe("");
  });

  test.each([{}, { NOTIFY_SOCKET: "" }, { NOTIFY_SOCKET: "relative" }])(
    "is not spoken to with %j",
    (environment) => {
      const notifier = Notifier.open(environment, silentLog);
      notifier.ready("");
      notifier.close();
    },
  );

  test("socketAddress() takes paths and names without a file, of a bounded length", () => {
    expect(socketAddress("/run/n")).toEqual(Buffer.from("\x01\0/run/n\0", "latin1"));
    expect(socketAddress("@n")).toEqual(Buffer.from("\x01\0\0n", "latin1"));
    expect(socketAddress(`/${"x".repeat(120)}`)).toBeUndefined();
  });

  test.each([
    [{ WATCHDOG_USEC: "60000000" }, 30_000],
    [{ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "7" }, 30_000],
    [{ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "8" }, undefined],
    [{ WATCHDOG_USEC: "soon" }, undefined],
    [{}, undefined],
  ])("watchdogInterval() of %j", (environment, interval) => {
    expect(watchdogInterval(environment, 7)).toBe(interval as never);
  });
});
