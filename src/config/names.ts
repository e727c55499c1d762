// The names that a host goes by where its file says nothing.
import { hostname as systemHostname } from "node:os";
import type { Config } from "./schema.ts";

/** Name of this host for greetings and trace fields. */
export function hostnameOf(config: Config): string {
  return config["server.hostname"] || systemHostname();
}

/** RFC 5321 §4.5.1: where `RCPT TO:<postmaster>` goes. */
export function postmasterOf(config: Config): string {
  return config["server.postmaster"] || `postmaster@${hostnameOf(config)}`;
}
