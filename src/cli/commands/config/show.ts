// `gw config show` and `gw config diff`: what is in force, for everybody or for one sender and one
// recipient, and in what a configuration differs from the defaults or from another one.
import { systemClock } from "../../../base/clock.ts";
import { silentLog } from "../../../base/log.ts";
import { type Difference, differencesBetween } from "../../../config/changes.ts";
import { show } from "../../../config/describe.ts";
import type { Field, Schema } from "../../../config/field.ts";
import { RULE_FIELDS } from "../../../config/fields/policy.ts";
import { type Loaded, loadConfig, readConfig } from "../../../config/load.ts";
import { DEFAULT_GROUP } from "../../../config/rules.ts";
import type { Config } from "../../../config/schema.ts";
import { hopKey, type NextHop } from "../../../outbound/route.ts";
import { Routes } from "../../../outbound/routes.ts";
import { findPolicyConflicts } from "../../../pipeline/policy/config-rules.ts";
import { Policy } from "../../../policy/policy.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { drawTable } from "../../view/table.ts";

const rules: Schema = RULE_FIELDS;

function addressOf(text: string): string {
  const address = text.replace(/^<(.*)>$/, "$1");
  if (address !== "" && !/^[^\s<>@]+@[^\s<>@]+$/.test(address)) {
    throw new CliError(`"${printable(text)}" is no address; write a@example.org, or <> for none`);
  }
  return address;
}

/** One rule of a group, and where it comes from. */
interface RuleInForce {
  readonly name: string;
  readonly value: unknown;
  readonly origin: string;
}

function rulesOf({ config, originOf }: Loaded, group: string): readonly RuleInForce[] {
  const index = config.group.findIndex(({ name }) => name === group);
  const own: Readonly<Record<string, unknown>> = config.group[index] ?? {};
  return Object.keys(rules).map((name) => {
    if (Object.hasOwn(own, name)) {
      const origin = originOf(`group[${index}].${name}`) ?? "";
      return { name, value: own[name], origin };
    }
    const value = config[`policy.${name}` as keyof Config];
    return { name, value, origin: originOf(`policy.${name}`) ?? "default" };
  });
}

function writeRule({ name, value, origin }: RuleInForce): string {
  const field = rules[name] as Field;
  return `${`${name} = ${field.type.write(value)}`.padEnd(44)} # ${printable(origin)}\n`;
}

function filtersOf(config: Config, group: string): string[] {
  const isFor = (groups: readonly string[]) => groups.length === 0 || groups.includes(group);
  return config.filter.filter(({ groups }) => isFor(groups)).map(({ name }) => name);
}

// The key of a relay has its password in it.
function hopText(hop: NextHop): string {
  return hop.kind === "relay" ? hop.places.map(hopKey).join(", ") : hopKey(hop);
}

/** What counts for one sender and one recipient. */
function inForceFor(loaded: Loaded, sender: string, recipient: string) {
  const { config } = loaded;
  const policy = new Policy(config, { clock: systemClock, log: silentLog });
  const [share] = policy.split({ sender, recipients: [{ address: recipient }] });
  const group = share?.group.name ?? DEFAULT_GROUP;
  const nextHop = hopText(Routes.parse(config["outbound.routes"], config.route).nextHop(recipient));
  return { group, nextHop, filters: filtersOf(config, group), rules: rulesOf(loaded, group) };
}

// Whole groups, with what they have from [policy].
function showEffective(loaded: Loaded): string {
  const names = [DEFAULT_GROUP, ...loaded.config.group.map(({ name }) => name)];
  const groups = names.map((name) => {
    return `# Rules of the group ${printable(name)}\n${rulesOf(loaded, name).map(writeRule).join("")}`;
  });
  return `${show(loaded.config)}\n${groups.join("\n")}`;
}

/** `gw config show` */
export const showInForce = command(
  {
    effective: { type: "boolean", description: "each group with all its rules, and their places" },
    for: {
      type: "string",
      valueHint: "SENDER",
      description: "what counts for mail from SENDER to RECIPIENT; <> is the null sender",
    },
    json: OPTIONS.json,
    config: OPTIONS.config,
  },
  (args, terminal) => {
    const file = configFile(args.config);
    const loaded = readConfig(file, findPolicyConflicts);
    const [recipient] = args._;
    if ((args.for === undefined) !== (recipient === undefined)) {
      throw new CliError("--for needs a sender and a recipient: --for a@example.com b@example.org");
    }
    if (args.for !== undefined && recipient !== undefined) {
      const found = inForceFor(loaded, addressOf(args.for), addressOf(recipient));
      if (args.json === true) terminal.out(`${JSON.stringify(found)}\n`);
      else {
        terminal.out(`# group ${printable(found.group)}; next hop ${printable(found.nextHop)}\n`);
        const filters = found.filters.map(printable).join(", ");
        terminal.out(`# filters: ${filters || "none"}\n${found.rules.map(writeRule).join("")}`);
      }
      return EXIT.good;
    }
    if (args.json === true) {
      throw new CliError("--json goes with --for; for all settings see `gw config diff --json`");
    }
    terminal.out(`# ${file === undefined ? "defaults; there is no file" : file}\n`);
    terminal.out(args.effective === true ? showEffective(loaded) : show(loaded.config));
    return EXIT.good;
  },
);

function shownDifference({ before, after }: Difference): readonly string[] {
  return [before || "-", after || "-"];
}

/** `gw config diff` */
export const diff = command({ json: OPTIONS.json, config: OPTIONS.config }, (args, terminal) => {
  const named = args._;
  const [first, second] = named.length === 2 ? named : [undefined, named[0]];
  const after = second ?? configFile(args.config);
  if (after === undefined) throw new CliError("there is no file to compare; name one or two");
  const differences = differencesBetween(loadConfig(first), loadConfig(after));
  if (args.json === true) {
    for (const each of differences) terminal.out(`${JSON.stringify(each)}\n`);
  } else if (differences.length > 0) {
    const columns = [
      { title: "SETTING" },
      { title: first ?? "DEFAULT", max: 60 },
      { title: after, max: 60 },
      { title: "" },
    ];
    const rows = differences.map((each) => {
      return [each.key, ...shownDifference(each), each.needsRestart ? "needs a restart" : ""];
    });
    terminal.out(drawTable(terminal, columns, rows));
  }
  return differences.length === 0 ? EXIT.good : EXIT.found;
});
