import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  boundName,
  cleanUp,
  inheritedSockets,
  listenOn,
  nameOf,
  spotsOf,
} from "../../../src/inbound/door/place.ts";

let folder = "";
const servers: Server[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-place-"));
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

function server(): Server {
  const made = createServer();
  servers.push(made);
  return made;
}

test.each([
  [{}, []],
  [{ LISTEN_PID: "7", LISTEN_FDS: "1" }, [{ name: "unknown", fd: 3 }]],
  [{ LISTEN_PID: "8", LISTEN_FDS: "1" }, []],
  [{ LISTEN_PID: "7", LISTEN_FDS: "x" }, []],
  [{ LISTEN_PID: "7", LISTEN_FDS: "-1" }, []],
  [{ LISTEN_PID: "7", LISTEN_FDS: "1000000000" }, []],
  [
    { LISTEN_PID: "7", LISTEN_FDS: "3", LISTEN_FDNAMES: "smtp:submission" },
    [
      { name: "smtp", fd: 3 },
      { name: "submission", fd: 4 },
      { name: "unknown", fd: 5 },
    ],
  ],
])("inheritedSockets(%j) for process 7", (environment, expected) => {
  expect<unknown>(inheritedSockets(environment, 7)).toEqual(expected);
});

test("spotsOf() finds all sockets of a name, and tells what there is if there is none", () => {
  const inherited = [
    { name: "smtp", fd: 3 },
    { name: "other", fd: 4 },
    { name: "smtp", fd: 5 },
  ];
  const found = spotsOf({ kind: "systemd", name: "smtp" }, inherited);
  expect(found.map((spot) => (spot.kind === "inherited" ? spot.fd : -1))).toEqual([3, 5]);
  expect(() => spotsOf({ kind: "systemd", name: "lmtp" }, inherited)).toThrow(
    "cannot listen on systemd:lmtp: systemd gave no socket of that name (smtp, other, smtp)",
  );
});

test("listenOn() makes a socket with its permissions, and cleanUp() takes it away", async () => {
  const spot = { kind: "unix", path: join(folder, "a.sock") } as const;
  const first = server();
  await listenOn(first, spot, 0o600);
  expect(statSync(spot.path).mode & 0o777).toBe(0o600);
  expect(boundName(spot, first)).toBe(`unix:${spot.path}`);
  cleanUp(spot);
  expect(() => statSync(spot.path)).toThrow();
});

test("listenOn() takes the place of a socket that nobody answers on, and of no other", async () => {
  const spot = { kind: "unix", path: join(folder, "stale.sock") } as const;
  const killed = Bun.spawnSync([
    process.execPath,
    "-e",
    `require("node:net").createServer().listen(${JSON.stringify(spot.path)}, () => process.kill(process.pid, 9))`,
  ]);
  expect(killed.exitCode).not.toBe(0);
  expect(statSync(spot.path).isSocket()).toBe(true);
  await listenOn(server(), spot, 0o600);
  await expect(listenOn(server(), spot, 0o600)).rejects.toThrow("another program listens there");
  const file = { kind: "unix", path: join(folder, "file") } as const;
  writeFileSync(file.path, "precious");
  await expect(listenOn(server(), file, 0o600)).rejects.toThrow(`cannot listen on unix:`);
  expect(statSync(file.path).size).toBe(8);
});

test("listenOn() says what is in the way", async () => {
  const spot = { kind: "unix", path: join(folder, "no/such/folder") } as const;
  await expect(listenOn(server(), spot, 0o600)).rejects.toThrow(`cannot listen on ${nameOf(spot)}`);
});
