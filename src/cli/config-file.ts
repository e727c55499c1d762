// Which configuration file a command uses.
import { existsSync } from "node:fs";

/** Where a file is looked for if none is named: Linux, FreeBSD. */
export const CONFIG_PLACES = ["/etc/gw/gw.toml", "/usr/local/etc/gw/gw.toml"] as const;

/** The file that is named, else the first that exists, else undefined: the defaults. */
export function configFile(named: string | undefined): string | undefined {
  return named ?? CONFIG_PLACES.find((place) => existsSync(place));
}
