import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createSandbox,
  deliveredFolder,
  hasSandbox,
  openSandbox,
  routeTo,
  sinkOf,
} from "../../src/cli/sandbox.ts";

const root = mkdtempSync(join(tmpdir(), "gw-sandbox-"));
afterAll(() => rmSync(root, { recursive: true }));

describe("createSandbox()", () => {
  test("writes a configuration with all data inside the folder", () => {
    const folder = join(root, "new");
    expect(hasSandbox(folder)).toBe(false);
    const sandbox = createSandbox(folder, "127.0.0.1:2525", "127.0.0.1:2526");
    const { config, configFile, delivered } = sandbox;
    expect(config["inbound.listen"]).toEqual(["127.0.0.1:2525"]);
    expect(config["server.data_dir"]).toBe(join(folder, "data"));
    expect(config["outbound.routes"]).toEqual(["* [127.0.0.1]:2526"]);
    expect(delivered).toBe(deliveredFolder(folder));
    expect(configFile).toBe(join(folder, "gw.toml"));
    expect(hasSandbox(folder)).toBe(true);
    expect(openSandbox(folder)).toEqual(sandbox);
  });

  test("writes over no configuration that a person may have changed", () => {
    const folder = join(root, "changed");
    const { configFile } = createSandbox(folder, "127.0.0.1:0", "[::1]:2530");
    appendFileSync(configFile, '[policy]\ninfected = "reject"\n');
    expect(() => createSandbox(folder, "127.0.0.1:0", "[::1]:2530")).toThrow("EEXIST");
    const again = openSandbox(folder);
    expect(again.config["policy.infected"]).toBe("reject");
    expect(sinkOf(again)).toBe("[::1]:2530");
  });

  test.each([
    ["localhost", "127.0.0.1:2526"],
    ["127.0.0.1:2525", "localhost:2526"],
  ])("refuses the addresses %s and %s and leaves nothing behind", (listen, sink) => {
    const folder = join(root, "bad");
    expect(() => createSandbox(folder, listen, sink)).toThrow("is no address and port");
    expect(hasSandbox(folder)).toBe(false);
  });
});

test("openSandbox() says what to do if there is none", () => {
  expect(() => openSandbox(join(root, "none"))).toThrow("run `gw quickstart` first");
});

test("sinkOf() says what is missing if the route was taken out", () => {
  const folder = join(root, "routeless");
  const { configFile } = createSandbox(folder, "127.0.0.1:0", "127.0.0.1:2526");
  writeFileSync(configFile, '[server]\ndata_dir = "/tmp/x"\n');
  expect(() => sinkOf(openSandbox(folder))).toThrow('no route such as "* [127.0.0.1]:2526"');
});

test.each([
  ["127.0.0.1:2526", "* [127.0.0.1]:2526"],
  ["[::1]:26", "* [::1]:26"],
])("routeTo(%s) is %s", (endpoint, route) => {
  expect(routeTo(endpoint)).toBe(route);
});
