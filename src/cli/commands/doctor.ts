// `gw doctor`: looks at all that a gateway needs, and says what to do about what is wrong.

import type { Status } from "../../admin/protocol.ts";
import { systemClock } from "../../base/clock.ts";
import { describeError } from "../../base/log.ts";
import { readConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { parseServers, Resolver } from "../../dns/resolver.ts";
import { findPolicyConflicts } from "../../pipeline/policy/config-rules.ts";
import { printable } from "../../text/printable.ts";
import { command, EXIT, OPTIONS } from "../command.ts";
import { configFile } from "../config-file.ts";
import { tryAsk } from "../control/client.ts";
import { type Finding, findingsAbout, type Health } from "../doctor/finding.ts";
import {
  checkCertificates,
  checkClock,
  checkDataFolder,
  checkDisk,
  checkLicenses,
  checkMemory,
} from "../doctor/host.ts";
import { checkNames } from "../doctor/names.ts";
import { checkPorts, checkQueue, checkStatus } from "../doctor/running.ts";
import type { Paint, Terminal } from "../view/terminal.ts";

const ABOUT_WIDTH = 13;
const PAINTS: Readonly<Record<Health, Paint>> = {
  ok: "good",
  warn: "warn",
  fail: "bad",
  unknown: "faint",
};

async function statusOf(config: Config): Promise<Status | undefined | Finding> {
  try {
    return await tryAsk<Status>(config["server.data_dir"], { verb: "status" });
  } catch (error) {
    const remedy = "run this as root, or as the user that gw runs as";
    return findingsAbout("ports").unknown(describeError(error), remedy);
  }
}

/** All findings about a configuration that is right. */
async function examine(config: Config, hasDns: boolean): Promise<readonly Finding[]> {
  const now = Date.now();
  const asked = await statusOf(config);
  const isAnswered = asked === undefined || !("health" in asked);
  const resolver = new Resolver({
    servers: parseServers(config["dns.servers"]),
    ...{ timeoutMs: config["dns.timeout"], rounds: 1 },
    clock: systemClock,
  });
  return [
    checkDataFolder(config),
    checkDisk(config),
    checkMemory(),
    checkClock(config, now),
    ...(isAnswered ? await checkPorts(config, asked) : [asked]),
    ...checkCertificates(config, now),
    ...checkLicenses(config, now),
    ...(isAnswered ? checkStatus(asked) : []),
    await checkQueue(config, now),
    ...(hasDns ? await checkNames(config, resolver) : []),
  ];
}

function show(terminal: Terminal, { about, health, text, remedy }: Finding): void {
  const word = terminal.paint(PAINTS[health], health.padEnd(7));
  terminal.out(`${word} ${about.padEnd(ABOUT_WIDTH)} ${printable(text)}\n`);
  if (remedy !== "") terminal.out(`${" ".repeat(ABOUT_WIDTH + 9)}-> ${printable(remedy)}\n`);
}

/** `gw doctor` */
export const doctor = command(
  {
    config: OPTIONS.config,
    "skip-dns": { type: "boolean", description: "ask the DNS nothing" },
    json: OPTIONS.json,
  },
  async (args, terminal) => {
    const file = configFile(args.config);
    // What is wrong with the file ends the command with all its mistakes, as everywhere.
    const { config } = readConfig(file, findPolicyConflicts);
    const about = findingsAbout("configuration");
    const first =
      file === undefined
        ? about.warn(
            "none: defaults are in force",
            "gw quickstart --domain LIST --next-hop HOST makes one",
          )
        : about.ok(file);
    const findings = [first, ...(await examine(config, args["skip-dns"] !== true))];
    for (const each of findings) {
      if (args.json) terminal.out(`${JSON.stringify(each)}\n`);
      else show(terminal, each);
    }
    return findings.some(({ health }) => health === "fail") ? EXIT.found : EXIT.good;
  },
);
