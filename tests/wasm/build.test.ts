import { expect, test } from "bun:test";
import { CORE_NAME_MAX, createCoreMemory, instantiateCore, loadCore } from "../../src/gwdb/core.ts";
import { buildCore } from "../../wasm/build.ts";

const core = await buildCore();

test("buildCore() gives the same bytes again", async () => {
  expect(Buffer.compare(await buildCore(), core)).toBe(0);
});

test("the core imports its memory and nothing else", () => {
  expect(WebAssembly.Module.imports(loadCore(core))).toEqual([
    { module: "env", name: "memory", kind: "memory" },
  ]);
});

test("the core has the calls and sizes that the host relies on", () => {
  const calls = instantiateCore(loadCore(core), createCoreMemory(1 << 20));
  const exported = new Set(WebAssembly.Module.exports(loadCore(core)).map(({ name }) => name));
  for (const name of ["check", "attach", "begin", "scan", "hashes", "hash", "layout"]) {
    expect(exported).toContain(`gw_${name}`);
  }
  expect(calls.gw_digest(0) + 32).toBe(calls.gw_name(0));
  expect(calls.gw_scan_size()).toBeGreaterThan(calls.gw_name(0) + CORE_NAME_MAX);
  expect(calls.__stack_pointer.value).toBeGreaterThan(0);
});
