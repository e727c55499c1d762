// Literal signatures: gw beside Hyperscan and beside its own core built natively, at several sizes.
import { Engine } from "../../../src/scan/engine.ts";
import { loadSet } from "../../../src/scan/signature-set.ts";
import { compileSources, type SourceFile } from "../../../src/signature/compile.ts";
import { buildCore } from "../../../wasm/build.ts";
import { cutLiterals, type Data } from "./data.ts";
import { hyperscan } from "./hyperscan.ts";
import { native } from "./native.ts";
import { best, namesIn, PIECE, rates } from "./own.ts";
import type { Row } from "./run.ts";

/** What Hyperscan is to be beaten by: on real bytes, and on random ones and base64. */
const TARGETS: Readonly<Record<number, readonly [real: number, other: number]>> = {
  1000: [2, 0.8],
  10000: [5, 1],
  100000: [10, 1],
  500000: [16, 1.2],
};
const LOAD_MS_MAX = 50;
const COMPILE_S_MAX = 5;
const NATIVE_LEAST = 0.85;

interface Options {
  readonly data: Data;
  readonly rounds: number;
  readonly counts: readonly number[];
}

/** What other rows are compared with. */
export interface Literals {
  readonly literals: readonly Buffer[];
  /** gw's MB/s with 10,000 literals, or with the largest set below. */
  readonly plain: Readonly<Record<string, number>>;
}

const list = (of: Readonly<Record<string, number | string>>) => Object.values(of).join(" / ");

/** Signatures in one file, which may have 64 MB, and in one trial, which tells 10,000 hits. */
const LOT = 50_000;

/** Source files for the literals. */
function sourcesOf(literals: readonly Buffer[]): SourceFile[] {
  const lines = literals.map((one, i) => `signature T.${i}\nhex $a ${one.toString("hex")}\nend\n`);
  return Array.from({ length: Math.ceil(lines.length / LOT) }, (_, i) => ({
    path: `literals-${i}.gws`,
    text: lines.slice(i * LOT, (i + 1) * LOT).join(""),
  }));
}

// As a vendor's trial on clean files would: what stands in the data is no signature.
async function unseen(literals: readonly Buffer[], data: Data): Promise<Buffer[]> {
  const core = await buildCore();
  const { image } = await compileSources(sourcesOf(literals), core);
  const engine = await Engine.attach(loadSet(image, { arenas: 1, arenaSize: PIECE, core }), 0);
  const seen = new Set<string>();
  for (const bytes of [data.binary, data.text]) {
    for (const name of namesIn(engine, bytes)) seen.add(name);
  }
  return literals.filter((_, i) => !seen.has(`T.${i}`));
}

/** More are cut than are needed, since some stand in the data. */
const SURPLUS = 1.4;

export async function literalRows(options: Options, add: (row: Row) => void): Promise<Literals> {
  const { data, rounds, counts } = options;
  const core = await buildCore();
  const most = Math.max(...counts);
  let all: Buffer[] = cutLiterals(Math.ceil(most * SURPLUS));
  const kept: Buffer[] = [];
  for (let at = 0; at < all.length && kept.length < most; at += LOT) {
    kept.push(...(await unseen(all.slice(at, at + LOT), data)));
  }
  all = kept.slice(0, most);
  let plain: Record<string, number> = {};
  for (const count of counts) {
    const literals = all.slice(0, count);
    const sources = sourcesOf(literals);
    const before = process.cpuUsage();
    const { image } = await compileSources(sources, core);
    const { user, system } = process.cpuUsage(before);
    const compileS = (user + system) / 1e6;
    const open = () => loadSet(image, { arenas: 1, arenaSize: PIECE, core });
    const loadMs = best(5, open);
    const own = rates(await Engine.attach(open(), 0), data, rounds);
    if (count <= 10_000) plain = own;
    const name = `${count.toLocaleString("en")} literals`;
    const mbs = `MB/s in ${Object.keys(own).join(" / ")}`;
    add({ what: `${name}, ${mbs}`, measured: list(own), target: "" });
    const peer = hyperscan(literals, data, rounds);
    const [real, other] = TARGETS[count] ?? [0, 0];
    if (peer !== null) {
      const ratio = Object.fromEntries(
        Object.keys(own).map((key) => [key, (own[key] ?? 0) / (peer[key] ?? 1)]),
      );
      const short = Object.values(ratio).map((value) => `${value.toFixed(2)}×`);
      const least = (keys: readonly string[]) => Math.min(...keys.map((key) => ratio[key] ?? 0));
      const isMet = least(["binary", "text"]) >= real && least(["random", "base64"]) >= other;
      const target = `${real}× on binary and text, ${other}× on random and base64`;
      const measured = `${short.join(" / ")} (Hyperscan ${list(peer)} MB/s)`;
      add({ what: `${name} against Hyperscan`, measured, target, isMet });
    }
    const limit = native(image, data, { piece: PIECE, rounds });
    if (limit !== null) {
      const shares = Object.keys(own).map((key) => (own[key] ?? 0) / (limit[key] ?? 1));
      const isMet = Math.min(...shares) >= NATIVE_LEAST;
      const measured = shares.map((share) => share.toFixed(2)).join(" / ");
      add({ what: `${name}, share of the same C built natively`, measured, target: "0.85", isMet });
    }
    const bytes = image.length / count;
    const isLargest = count === 500_000;
    add({
      what: `${name}: compile, load, size`,
      measured: `${compileS.toFixed(2)} s CPU, ${loadMs.toFixed(1)} ms, ${bytes.toFixed(0)} B each`,
      target: isLargest ? `${COMPILE_S_MAX} s, ${LOAD_MS_MAX} ms` : "",
      ...(isLargest && { isMet: compileS < COMPILE_S_MAX && loadMs < LOAD_MS_MAX }),
    });
  }
  return { literals: all, plain };
}
