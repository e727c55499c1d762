// What a start script is told: where gw, its configuration, its mail and its log are on this host.
import { dirname, join } from "node:path";
import type { Config } from "../../config/schema.ts";

/** Kinds of start scripts, by their system of init. */
export const KINDS = ["systemd", "sysv", "openrc", "rcd"] as const;
export type Kind = (typeof KINDS)[number];

/** Paths and names that go into a start script. */
export interface Site {
  readonly binary: string;
  readonly config: string;
  readonly user: string;
  readonly dataDir: string;
  readonly pidFile: string;
  readonly logFile: string;
  /** Folders beside the data folder that gw writes into. */
  readonly writable: readonly string[];
  /** The TLS key that `gw quickstart --tls` made, if it is in use; else "". */
  readonly ownKey: string;
}

/** The user that gw runs as if the configuration names none. */
export const USER_DEFAULT = "gw";

/** Names beside the configuration of what `gw quickstart --tls` makes. */
export const TLS_FILES = { certificate: "tls.pem", key: "tls.key" } as const;

/** Variables that make Bun run other code than gw's, or trust other certificates. */
export const UNWANTED_VARIABLES = [
  "BUN_OPTIONS",
  "BUN_BE_BUN",
  "BUN_INSPECT",
  "NODE_OPTIONS",
  "NODE_EXTRA_CA_CERTS",
  "NODE_TLS_REJECT_UNAUTHORIZED",
] as const;

/** The site of a configuration. */
export function siteOf(config: Config, places: { binary: string; config: string }): Site {
  const stats = config["server.stats_file"];
  const writable = [config["server.control_dir"], stats === "" ? "" : dirname(stats)];
  const key = join(dirname(places.config), TLS_FILES.key);
  return {
    ...places,
    ownKey: config["inbound.tls_key"] === key ? key : "",
    user: config["server.user"] || USER_DEFAULT,
    dataDir: config["server.data_dir"],
    pidFile: "/var/run/gw/gw.pid",
    logFile: "/var/log/gw/gw.log",
    writable: [...new Set(writable)].filter((each) => each !== ""),
  };
}

/** What a shell takes for this one word. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
