// The scan core built natively from the same C (gcc or $CC), over the same image and bytes.
import { globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Data } from "./data.ts";

/** MB/s by kind of data; null where there is no C compiler. */
export function native(
  image: Uint8Array,
  data: Data,
  { piece, rounds }: { readonly piece: number; readonly rounds: number },
): Record<string, number> | null {
  const folder = mkdtempSync(join(tmpdir(), "gw-native-"));
  try {
    const program = join(folder, "speed");
    const sources = ["wasm/native/speed.c", ...globSync("wasm/*.c")];
    const flags = [
      "-std=c11",
      "-D_POSIX_C_SOURCE=200809L",
      "-O3",
      "-march=native",
      "-w",
      "-o",
      program,
    ];
    const compiler = process.env["CC"] ?? "gcc";
    const built = Bun.spawnSync([compiler, ...flags, ...sources], { stderr: "pipe" });
    if (built.exitCode !== 0) return null;
    writeFileSync(join(folder, "image"), image);
    const files = Object.entries(data).map(([name, bytes]) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    });
    const run = Bun.spawnSync([program, join(folder, "image"), `${piece}`, `${rounds}`, ...files]);
    if (run.exitCode !== 0) return null;
    const rates = run.stdout.toString().trim().split("\n").map(Number);
    return Object.fromEntries(Object.keys(data).map((name, i) => [name, rates[i] ?? 0]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
