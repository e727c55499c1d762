// gw's engine in this thread, as a worker of the gateway runs it.
import type { Engine } from "../../../src/scan/engine.ts";
import type { Data } from "./data.ts";

/** Bytes that are scanned as one object. */
export const PIECE = 8 << 20;

/** Best time of several runs, in milliseconds. */
export function best(rounds: number, run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const began = performance.now();
    run();
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

/** Scans all bytes, piece by piece; returns how many signatures hit. */
export function scanAll(engine: Engine, bytes: Uint8Array, type = "binary"): number {
  let hits = 0;
  for (let at = 0; at < bytes.length; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    const about = { name: "", type, containerType: "mail", depth: 1 };
    hits += engine.scan({ bytes: piece, ...about }).findings.length;
  }
  return hits;
}

/** Names of the signatures that hit. */
export function namesIn(engine: Engine, bytes: Uint8Array): Set<string> {
  const names = new Set<string>();
  for (let at = 0; at < bytes.length; at += PIECE) {
    const about = { name: "", type: "binary", containerType: "mail", depth: 1 };
    const { findings } = engine.scan({ bytes: bytes.subarray(at, at + PIECE), ...about });
    for (const { signature } of findings) names.add(signature);
  }
  return names;
}

/** MB/s by kind of data. */
export function rates(engine: Engine, data: Data, rounds: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(data).map(([name, bytes]) => {
      const ms = best(rounds, () => scanAll(engine, bytes));
      return [name, Math.round(bytes.length / ms / 1000)];
    }),
  );
}
