import { afterEach, beforeAll, expect, test } from "bun:test";
import { silentLog } from "../../src/base/log.ts";
import { ImageError } from "../../src/gwdb/image.ts";
import type { Verdict } from "../../src/message.ts";
import { Inspector } from "../../src/pipeline/inspection/inspector.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { buildCore } from "../../wasm/build.ts";
import { imageOf } from "../scan/attached.ts";

const WORKERS = 2;
const LIMITS = {
  ...{ objectSizeMax: 1 << 20, expandedSizeMax: 1 << 22, objectCountMax: 100 },
  ...{ depthMax: 5, timeMaxMs: 20_000 },
};

let core: Uint8Array;
let inspector: Inspector | undefined;
/** Two sets that call the same bytes by different names. */
let images: readonly Uint8Array[];

beforeAll(async () => {
  core = await buildCore();
  const named = (name: string) => imageOf(`signature ${name}\ntext $a "needle"\nend`);
  images = [await named("T.First"), await named("T.Second")];
}, 120_000);

afterEach(() => inspector?.stop());

const image = (i: number) => images[i % 2] ?? new Uint8Array(0);

function start(): Inspector {
  const set = loadSet(image(0), { core, arenas: WORKERS, arenaSize: LIMITS.objectSizeMax });
  const options = {
    set,
    workers: WORKERS,
    limits: LIMITS,
    timeoutMs: 20_000,
    passwords: [],
    log: silentLog,
  };
  inspector = Inspector.start(options);
  return inspector;
}

const job = (text: string) => ({
  body: { kind: "bytes" as const, bytes: Buffer.from(text) },
  name: "a.txt",
  isMessage: false,
});
const found = ({ objects }: Verdict) => objects.flatMap(({ findings }) => findings);

test("replaceSignatures() has later scans made with the new set", async () => {
  const one = start();
  const before = (await one.inspect(job("a needle"))).verdict;
  await one.replaceSignatures(image(1));
  const after = (await one.inspect(job("a needle"))).verdict;
  expect([before, after].map((verdict) => found(verdict)[0]?.signature)).toEqual([
    ...["T.First", "T.Second"],
  ]);
  expect(after.signatureSet).toBe(one.identity);
  expect(before.signatureSet).not.toBe(one.identity);
});

test("replaceSignatures() goes on with the old set if the new one can't be used", async () => {
  const one = start();
  const { identity } = one;
  const damaged = image(1).slice();
  damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
  expect(one.replaceSignatures(damaged)).rejects.toThrow(ImageError);
  const { verdict } = await one.inspect(job("a needle"));
  expect(found(verdict)[0]?.signature).toBe("T.First");
  expect(one.identity).toBe(identity);
});

test("fifty swaps while mail is scanned: no scan fails, and each is of one set alone", async () => {
  const one = start();
  const verdicts: Verdict[] = [];
  let isSwapping = true;
  const load = async () => {
    while (isSwapping) verdicts.push((await one.inspect(job("a needle, ".repeat(2000)))).verdict);
  };
  const loads = Array.from({ length: 2 * WORKERS }, load);
  for (let i = 1; i <= 50; i++) await one.replaceSignatures(image(i));
  isSwapping = false;
  await Promise.all(loads);
  expect(verdicts.length).toBeGreaterThan(50);
  const names = new Map<string, Set<string>>();
  for (const verdict of verdicts) {
    expect(verdict.status).toBe("infected");
    const seen = names.get(verdict.signatureSet) ?? new Set();
    for (const { signature } of found(verdict)) seen.add(signature);
    names.set(verdict.signatureSet, seen);
  }
  expect([...names.values()].every(({ size }) => size === 1)).toBe(true);
  expect(names.size).toBe(2);
});
