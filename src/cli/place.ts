// Options by which commands find the mail of a gateway, and which part of it they mean.
import type { ArgsDef } from "citty";
import type { Period } from "../admin/report/figures.ts";
import { loadConfig } from "../config/load.ts";
import { Store } from "../store/store.ts";
import { printable } from "../text/printable.ts";
import { parseDuration } from "../text/units.ts";
import { CliError, OPTIONS } from "./command.ts";
import { configFile } from "./config-file.ts";

/** Options that name a gateway's data folder, by its configuration or by itself. */
export const PLACE = {
  config: OPTIONS.config,
  data: { type: "string", valueHint: "DIR", description: "data folder of the gateway" },
} as const satisfies ArgsDef;

/** Values of `PLACE`. */
export interface PlaceArgs {
  readonly config?: string | undefined;
  readonly data?: string | undefined;
}

/** The data folder that the options name. */
export function folderOf(args: PlaceArgs): string {
  return args.data ?? loadConfig(configFile(args.config))["server.data_dir"];
}

/** Opens the store that a command's options name, for as long as `work` runs. */
export async function withStore<T>(
  args: PlaceArgs,
  work: (store: Store) => T | Promise<T>,
): Promise<T> {
  const store = Store.attach(folderOf(args));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The value of `--limit`: a whole number from 1 on. */
export function countOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new CliError("--limit needs a whole number from 1 on");
  return Number(text);
}

/** A time as milliseconds since the epoch: `7d` (so long ago), `2026-11-22`, `2026-11-22T20:15`. */
export function timeOf(text: string, now: number): number {
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  // A date alone would be taken for midnight in Greenwich; people mean their own.
  const isDate = /^\d{4}-\d\d-\d\d$/.test(text);
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(isDate ? `${text}T00:00` : text) : NaN;
  if (!Number.isFinite(time)) {
    throw new CliError(`"${printable(text)}" is no time: write 7d, 12h, 2026-11-22 or similar`);
  }
  return time;
}

/** The period that options name: until now, and from `back` before its end, if they don't say. */
export function periodOf(
  args: { readonly from?: string | undefined; readonly to?: string | undefined },
  back: string,
): Period {
  const now = Date.now();
  const to = args.to === undefined ? now : timeOf(args.to, now);
  const from = timeOf(args.from ?? back, to);
  if (from >= to) throw new CliError("--from must be before --to");
  return { from, to };
}
