// A peer that is a program in C: built here, given a file of its own and the bytes, it prints MB/s.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Data } from "./data.ts";

/** How a peer is built and called. */
export interface PeerProgram {
  /** Arguments of the C compiler ($CC, else gcc): flags and sources. */
  readonly build: readonly string[];
  /** Text of a source that stands in no file. */
  readonly source?: string;
  /** What the peer reads before the bytes: signatures in its form. */
  readonly input: Uint8Array;
  /** Words between that file and those with the bytes. */
  readonly words: readonly string[];
}

/** MB/s by kind of data; null where the peer can't be built or does not run. */
export function peerRates(peer: PeerProgram, data: Data): Record<string, number> | null {
  const folder = mkdtempSync(join(tmpdir(), "gw-peer-"));
  const put = (name: string, content: Uint8Array | string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  try {
    const program = join(folder, "peer");
    const sources = peer.source === undefined ? [] : [put("peer.c", peer.source)];
    const compiler = process.env["CC"] ?? "gcc";
    // Libraries have to stand behind what uses them.
    const command = [compiler, "-w", "-o", program, ...sources, ...peer.build];
    if (Bun.spawnSync(command, { stderr: "ignore" }).exitCode !== 0) return null;
    const files = Object.entries(data).map(([name, bytes]) => put(name, bytes));
    const run = Bun.spawnSync([program, put("input", peer.input), ...peer.words, ...files]);
    if (run.exitCode !== 0) return null;
    const rates = run.stdout.toString().trim().split("\n").map(Number);
    return Object.fromEntries(Object.keys(data).map((name, i) => [name, rates[i] ?? 0]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
