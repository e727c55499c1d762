// The scan core built natively from the same C (gcc or $CC), over the same image and bytes.
import { globSync } from "node:fs";
import type { Data } from "./data.ts";
import { peerRates } from "./peer-program.ts";

const FLAGS = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O3", "-march=native"];

/** MB/s by kind of data; null where there is no C compiler. */
export function native(
  image: Uint8Array,
  data: Data,
  { piece, rounds }: { readonly piece: number; readonly rounds: number },
): Record<string, number> | null {
  const build = [...FLAGS, "wasm/native/speed.c", ...globSync("wasm/*.c")];
  return peerRates({ build, input: image, words: [`${piece}`, `${rounds}`] }, data);
}
