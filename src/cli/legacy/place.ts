// Which configuration the old tools mean: what they are told, gw's own, or that of the old product.
import { existsSync } from "node:fs";
import { configFile } from "../config-file.ts";
import type { LegacyOption, Typed } from "./options.ts";

/** Where the old product had its configuration. */
const OLD_CONFIG = "/etc/kav/5.5/smtpgw/smtpgw.conf";

/** The option of all old tools that names the configuration. */
export const CONFIG: LegacyOption = { long: "config", short: "c", hasValue: true };

/** The configuration that is meant; none for the defaults. */
export function placeOf({ options }: Typed): { readonly config?: string } {
  const file = options.get("config") ?? configFile(undefined);
  if (file !== undefined) return { config: file };
  return existsSync(OLD_CONFIG) ? { config: OLD_CONFIG } : {};
}

/** The same as words for a command of gw's. */
export function placeWords(typed: Typed): string[] {
  const { config } = placeOf(typed);
  return config === undefined ? [] : ["--config", config];
}
