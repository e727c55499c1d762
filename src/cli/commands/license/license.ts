// `gw license …` for those who use feeds: entitlements are checked, kept and looked at.
import type { ArgsDef } from "citty";
import { loadConfig } from "../../../config/load.ts";
import type { Config } from "../../../config/schema.ts";
import {
  checkTime,
  daysLeft,
  LicenseError,
  type LicenseFault,
  type SignedEntitlement,
} from "../../../license/entitlement.ts";
import { checkFeeds, Licenses, readLicense } from "../../../license/licenses.ts";
import { readTraffic } from "../../../license/traffic.ts";
import { licensedFeeds } from "../../../pipeline/update/licensing.ts";
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { becomeOwner } from "../../service/privilege.ts";
import { drawTable } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { reasonOf } from "../../walk.ts";

const ARGS = { config: OPTIONS.config, json: OPTIONS.json } as const satisfies ArgsDef;

/** Exit codes that tell why a licence is refused. */
const FAULT_EXIT: Readonly<Record<LicenseFault, number>> = {
  missing: 60,
  malformed: 61,
  tampered: 62,
  "wrong key": 63,
  "other feed": 64,
  expired: 65,
  "not yet valid": 66,
};
const DAYS_SHOWN = 31;

function read(file: string): SignedEntitlement {
  try {
    return readLicense(file);
  } catch (error) {
    if (error instanceof LicenseError) throw error;
    throw new CliError(`${printable(file)}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Does the work; what is wrong with a licence is told, with an exit code of its own. */
function checked(terminal: Terminal, work: () => void): number {
  try {
    work();
    return EXIT.good;
  } catch (error) {
    if (!(error instanceof LicenseError)) throw error;
    terminal.err(`gw: ${printable(error.message)}\n`);
    return FAULT_EXIT[error.kind];
  }
}

function linesOf({ entitlement, key }: SignedEntitlement): string {
  const { id, holder, feeds, from, until, trafficPerDay, mailboxes } = entitlement;
  const rows = [
    ["licence", id],
    ["holder", holder],
    ["feeds", feeds.join(", ")],
    ["valid", `${from} to ${until}`],
    ["traffic", trafficPerDay === 0 ? "any" : `${roundSize(trafficPerDay)} a day`],
    ["mailboxes", mailboxes === 0 ? "any" : `${mailboxes} (not counted by gw)`],
    ["signed with", key],
  ];
  return rows.map(([name = "", value = ""]) => `${name.padEnd(12)} ${printable(value)}\n`).join("");
}

/** `gw license install` */
export const install = command(ARGS, (args, terminal) => {
  const config = loadConfig(configFile(args.config));
  return checked(terminal, () => {
    const license = read(args._[0] ?? "");
    checkFeeds(license, licensedFeeds(config));
    const { entitlement } = license;
    const now = Date.now();
    // One whose time is still to come is a reserve.
    const isReserve = now < Date.parse(entitlement.from);
    if (!isReserve) checkTime(entitlement, now);
    becomeOwner(config["server.data_dir"], config["server.user"]);
    new Licenses(config["server.data_dir"]).install(license);
    if (args.json === true) {
      terminal.out(`${JSON.stringify(entitlement)}\n`);
      return;
    }
    const { id, from, until } = entitlement;
    const when = isReserve ? `in reserve until ${from}` : `valid until ${until}`;
    terminal.out(`licence ${id} is installed, ${when}\n`);
  });
});

/** `gw license show` */
export const show = command(ARGS, (args, terminal) => {
  const config = loadConfig(configFile(args.config));
  return checked(terminal, () => {
    const license = read(args._[0] ?? "");
    if (args.json === true) terminal.out(`${JSON.stringify(license.entitlement)}\n`);
    else terminal.out(linesOf(license));
    checkFeeds(license, licensedFeeds(config));
    checkTime(license.entitlement, Date.now());
  });
});

/** What is installed, with what it is good for now. */
function standings(config: Config, now: number) {
  const licenses = new Licenses(config["server.data_dir"]);
  const feeds = licensedFeeds(config);
  return licenses.list().map(({ file, license }) => {
    if (license instanceof LicenseError) {
      return { file, standing: "broken", fault: license.message, entitlement: undefined };
    }
    const { entitlement } = license;
    return { file, standing: licenses.standingOf(license, feeds, now), fault: "", entitlement };
  });
}

/** `gw license list` */
export const list = command(ARGS, (args, terminal) => {
  const now = Date.now();
  const all = standings(loadConfig(configFile(args.config)), now);
  if (args.json === true) {
    for (const { entitlement, ...more } of all) {
      terminal.out(`${JSON.stringify({ ...more, ...entitlement })}\n`);
    }
    return EXIT.good;
  }
  const titles = ["LICENCE", "STANDING", "FEEDS", "FROM", "UNTIL", "DAYS LEFT", "HOLDER"];
  const rows = all.map(({ file, standing, fault, entitlement }) => {
    if (entitlement === undefined) return [file, `${standing}: ${fault}`, "", "", "", "", ""];
    const { id, feeds, from, until, holder } = entitlement;
    const left = Math.max(0, daysLeft(entitlement, now));
    return [id, standing, feeds.join(" "), from, until, String(left), holder];
  });
  if (rows.length === 0) terminal.out("no licence is installed\n");
  else
    terminal.out(
      drawTable(
        terminal,
        titles.map((title) => ({ title })),
        rows,
      ),
    );
  return EXIT.good;
});

/** `gw license remove` */
export const remove = command(ARGS, (args, terminal) => {
  const id = args._[0] ?? "";
  const config = loadConfig(configFile(args.config));
  if (!new Licenses(config["server.data_dir"]).remove(id)) {
    throw new CliError(`no licence "${printable(id)}" is installed; see gw license list`);
  }
  if (args.json === true) terminal.out(`${JSON.stringify({ removed: id })}\n`);
  else terminal.out(`licence ${printable(id)} is removed; what was fetched stays in use\n`);
  return EXIT.good;
});

/** `gw license stats` */
export const stats = command(ARGS, (args, terminal) => {
  const config = loadConfig(configFile(args.config));
  const days = readTraffic(config["server.data_dir"]).slice(-DAYS_SHOWN);
  if (args.json === true) {
    for (const day of days) terminal.out(`${JSON.stringify(day)}\n`);
    return EXIT.good;
  }
  const limits = standings(config, Date.now())
    .filter(({ standing }) => standing === "active")
    .map(({ entitlement }) => entitlement?.trafficPerDay ?? 0);
  const limit = Math.min(...limits.filter((bytes) => bytes > 0));
  const shareOf = (bytes: number) =>
    Number.isFinite(limit) ? `${((100 * bytes) / limit).toFixed(1)} %` : "-";
  const rows = days.map(({ day, messages, bytes }) => {
    return [day, String(messages), roundSize(bytes), shareOf(bytes)];
  });
  const titles = ["DAY (UTC)", "MESSAGES", "BYTES", "OF THE LICENCE"];
  terminal.out(
    drawTable(
      terminal,
      titles.map((title) => ({ title })),
      rows,
    ),
  );
  return EXIT.good;
});
