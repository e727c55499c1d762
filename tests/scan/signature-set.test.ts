import { expect, test } from "bun:test";
import { ImageError, SECTIONS, sealImage } from "../../src/gwdb/image.ts";
import { Engine } from "../../src/scan/engine.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { buildCore } from "../../wasm/build.ts";
import { imageOf, names, scan } from "./attached.ts";

const SOURCE = 'signature T.A\ntext $a "needle"\nend\n';
const core = await buildCore();
const load = (image: Uint8Array) => loadSet(image, { arenas: 1, arenaSize: 1000, core });

test("loadSet() gives each worker an arena of its own", async () => {
  const set = loadSet(await imageOf(SOURCE), { arenas: 3, arenaSize: 1000, core });
  expect(set.arenas.length).toBe(3);
  expect(set.signatureCount).toBe(1);
  const engines = await Promise.all([0, 1, 2].map((arena) => Engine.attach(set, arena)));
  for (const engine of engines) expect(names(scan(engine, "a needle"))).toEqual(["T.A"]);
  expect(Engine.attach(set, 3)).rejects.toThrow(RangeError);
});

test("an engine attaches where another one was, as after a worker was replaced", async () => {
  const set = load(await imageOf(SOURCE));
  expect(names(scan(await Engine.attach(set, 0), "needle"))).toEqual(["T.A"]);
  const next = await Engine.attach(set, 0);
  expect(names(scan(next, "nothing"))).toEqual([]);
  expect(names(scan(next, "needle"))).toEqual(["T.A"]);
});

test("a set may be sent to a worker", async () => {
  const set = load(await imageOf(SOURCE));
  const { port1, port2 } = new MessageChannel();
  const received = new Promise<typeof set>((resolve) => {
    port2.onmessage = (event) => resolve(event.data);
  });
  port1.postMessage(set);
  const copy = await received;
  port1.close();
  expect(copy.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(names(scan(await Engine.attach(copy, 0), "needle"))).toEqual(["T.A"]);
});

test("the identity follows the signatures", async () => {
  const one = load(await imageOf(SOURCE));
  const same = load(await imageOf(SOURCE));
  const other = load(await imageOf(SOURCE.replace("needle", "noodle")));
  expect(same.identity).toBe(one.identity);
  expect(other.identity).not.toBe(one.identity);
});

test("every cut and every damaged byte is refused", async () => {
  const image = await imageOf(SOURCE);
  for (let at = 0; at < image.length; at += 7) {
    const damaged = image.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    expect(() => load(damaged)).toThrow(ImageError);
    expect(() => load(image.slice(0, at))).toThrow(ImageError);
  }
});

test("a malformed image with a right checksum is refused", () => {
  const signature = new Uint8Array(20).fill(0xff);
  const image = sealImage([{ kind: SECTIONS.signatures, bytes: signature, count: 1 }]);
  expect(() => load(image)).toThrow("a signature points outside of it");
});

test("an empty set scans and finds nothing", async () => {
  const engine = await Engine.attach(load(await imageOf("")), 0);
  expect(scan(engine, "anything")).toEqual({ findings: [], scanned: 8, isComplete: true });
});

test("loadSet() refuses arenas that can't be", async () => {
  const image = await imageOf(SOURCE);
  const bad = { arenas: 1, arenaSize: 2 ** 31, core };
  expect(() => loadSet(image, bad)).toThrow(RangeError);
  expect(() => loadSet(image, { ...bad, arenas: 100, arenaSize: 2 ** 28 })).toThrow("exceed 4 GB");
});
