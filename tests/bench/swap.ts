// Signatures replaced while mail is scanned: how long scans take meanwhile. Run by hand:
// bun tests/bench/swap.ts [SWAPS [SIGNATURES]]
import { silentLog } from "../../src/base/log.ts";
import { Inspector } from "../../src/pipeline/inspection/inspector.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { compileSources } from "../../src/signature/compile.ts";
import { buildCore } from "../../wasm/build.ts";
import { Random } from "../scan/generator.ts";

const WORKERS = 2;
const BODY_SIZE = 64 * 1024;
const LIMITS = {
  ...{ objectSizeMax: 1 << 20, expandedSizeMax: 1 << 24, objectCountMax: 100 },
  ...{ depthMax: 5, timeMaxMs: 60_000 },
};

const [swaps = 50, signatures = 100_000] = process.argv.slice(2).map(Number);
const random = new Random(1);
const core = await buildCore();

async function imageOf(name: string): Promise<Uint8Array> {
  const letters = [...Array(256).keys()];
  const line = (_: unknown, i: number) => {
    const hex = Buffer.from(random.bytes(16 + random.below(30), letters)).toString("hex");
    return `signature ${name}.${i}\nhex $a ${hex}\nend\n`;
  };
  const text = Array.from({ length: signatures }, line).join("");
  return (await compileSources([{ path: "bench.gws", text }], core)).image;
}

const images = [await imageOf("A"), await imageOf("B")] as const;
const set = loadSet(images[0], { core, arenas: WORKERS, arenaSize: LIMITS.objectSizeMax });
const inspector = Inspector.start({
  ...{ set, workers: WORKERS, limits: LIMITS, timeoutMs: 60_000, passwords: [], log: silentLog },
});
const bytes = random.bytes(BODY_SIZE, [...Array(256).keys()]);
const durations: number[] = [];
let failed = 0;
let isSwapping = false;

async function load(until: () => boolean): Promise<void> {
  while (!until()) {
    const began = performance.now();
    const body = { kind: "bytes", bytes } as const;
    const { verdict } = await inspector.inspect({ body, name: "a.bin", isMessage: false });
    durations.push(performance.now() - began);
    if (verdict.status !== "clean") failed++;
  }
}

function told(what: string): string {
  const sorted = durations.splice(0).sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${what}: ${sorted.length} scans, median ${at(0.5)} ms, 99 % ${at(0.99)}, longest ${at(1)}`;
}

const loaders = (until: () => boolean) => Promise.all([load(until), load(until), load(until)]);
const end = performance.now() + 3000;
await loaders(() => performance.now() > end);
console.log(told("without swaps"));
isSwapping = true;
const running = loaders(() => !isSwapping);
for (let i = 1; i <= swaps; i++) await inspector.replaceSignatures(images[i % 2 === 0 ? 0 : 1]);
isSwapping = false;
await running;
console.log(told(`${swaps} swaps of ${signatures} signatures`), `failed ${failed}`);
inspector.stop();
