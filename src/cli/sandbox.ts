// The folder of `gw quickstart`: its configuration, the data of its gateway, and the mail that
// arrived at its next hop. `gw send-test` looks into the same places.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Endpoint, parseEndpoint } from "../base/endpoint.ts";
import { toToml } from "../config/field.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { printable } from "../text/printable.ts";
import { CliError } from "./command.ts";

/** Where the folder is if none is named. */
export const SANDBOX_DEFAULT = "gw-data";
/** Where its gateway listens; a port that needs no privileges. */
export const LISTEN_DEFAULT = "127.0.0.1:2525";
/** Where its next hop listens. */
export const SINK_DEFAULT = "127.0.0.1:2526";

const CONFIG = "gw.toml";

/** Paths of a quickstart folder, and its configuration. */
export interface Sandbox {
  readonly folder: string;
  readonly configFile: string;
  /** One `.eml` file for every message that arrived. */
  readonly delivered: string;
  readonly config: Config;
}

/** The route that sends all mail to an endpoint. */
export function routeTo(endpoint: string): string {
  const { address, port } = endpointOf(endpoint);
  return `* [${address}]:${port}`;
}

function endpointOf(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw new CliError(`"${printable(text)}" is no address and port such as ${LISTEN_DEFAULT}`);
}

/** Where the next hop of a configuration made by quickstart is to listen. */
export function sinkOf({ config, configFile }: Sandbox): string {
  for (const route of config["outbound.routes"]) {
    const [, address, port] = /^\*\s+\[([^\]]+)\]:(\d+)$/.exec(route) ?? [];
    if (address === undefined) continue;
    return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  }
  throw new CliError(`${configFile} has no route such as "${routeTo(SINK_DEFAULT)}" to a next hop`);
}

function configText(folder: string, listen: string, sink: string): string {
  return [
    "# Made by `gw quickstart`, which reads it again at its next start. Change it as you like:",
    "# `gw config describe` explains every setting.",
    "",
    "[server]",
    'hostname = "gw.localhost"',
    `data_dir = ${toToml(join(folder, "data"))}`,
    "",
    "[inbound]",
    `listen = [${toToml(listen)}]`,
    "",
    "[outbound]",
    "# Everything goes to the next hop that quickstart runs.",
    `routes = [${toToml(routeTo(sink))}]`,
    "",
  ].join("\n");
}

/** Where the mail of a quickstart folder arrives: one `.eml` file for every message. */
export function deliveredFolder(path: string): string {
  return join(resolve(path), "delivered");
}

/** True if a quickstart has been run in the folder. */
export function hasSandbox(path: string): boolean {
  return existsSync(join(resolve(path), CONFIG));
}

/** Makes the folder and writes a configuration into it; `sink` must have a port of its own. */
export function createSandbox(path: string, listen: string, sink: string): Sandbox {
  const folder = resolve(path);
  endpointOf(listen);
  const text = configText(folder, listen, sink);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, CONFIG), text, { flag: "wx" });
  return openSandbox(folder);
}

/** The folder of a quickstart that has been started before. */
export function openSandbox(path: string): Sandbox {
  const folder = resolve(path);
  const configFile = join(folder, CONFIG);
  if (!existsSync(configFile)) {
    throw new CliError(`${configFile} is not there: run \`gw quickstart\` first`);
  }
  const config = loadConfig(configFile);
  return { folder, configFile, delivered: deliveredFolder(folder), config };
}
