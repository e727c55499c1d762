// keepup2date and licensemanager of SMTP-Gateway: `gw update` and `gw license` under the old names,
// with the old options. `gw update` has keepup2date's exit codes already.
import { appendFileSync } from "node:fs";
import { describeError } from "../../base/log.ts";
import { printable } from "../../text/printable.ts";
import { CliError } from "../command.ts";
import { run } from "../program.ts";
import type { Terminal } from "../view/terminal.ts";
import { type LegacyOption, readOptions, type Typed } from "./options.ts";
import { CONFIG, placeWords } from "./place.ts";

// Options that were known by one letter only.
const flag = (letter: string): LegacyOption => ({ long: letter, short: letter });
const valued = (letter: string): LegacyOption => ({ ...flag(letter), hasValue: true });

/** Options that gw has no use for, and why: scripts that give them go on to work. */
const NEEDLESS: Readonly<Record<string, string>> = {
  b: "gw keeps earlier sets by itself; keepup2date -r goes back",
  t: "gw uses its data folder",
  p: "gw updates itself alone",
  s: "gw asks nothing and writes only what matters",
  y: "gw asks nothing",
  d: "gw serve updates by itself (update.automatic)",
};

const KEEPUP2DATE: readonly LegacyOption[] = [
  CONFIG,
  { long: "rollback", short: "r" },
  ...["i", "q", "s", "y", "d"].map(flag),
  ...["u", "x", "b", "t", "p", "l", "g"].map(valued),
];

function refuseRest({ rest }: Typed): void {
  const [word] = rest;
  if (word !== undefined) throw new CliError(`unexpected argument "${printable(word)}"`);
}

/** The one thing that is asked for; undefined if nothing is. */
function oneOf({ options }: Typed, verbs: readonly string[]): string | undefined {
  const given = verbs.filter((verb) => options.has(verb));
  if (given.length > 1) throw new CliError(`-${given.join(" and -")} don't go together`);
  return given[0];
}

/** The terminal that `-l FILE` and `-q` ask for: what is said goes to a file too; or is not said. */
function listenedTo(terminal: Terminal, log: string | undefined, isQuiet: boolean): Terminal {
  const keep = (text: string) => {
    if (log === undefined) return;
    try {
      appendFileSync(log, text);
    } catch (error) {
      throw new CliError(`-l: cannot write the log: ${describeError(error)}`, { cause: error });
    }
  };
  // A log that can't be written is told before anything is fetched.
  keep("");
  return Object.assign(Object.create(terminal), {
    // A line that changes is nothing for a file.
    isWatched: terminal.isWatched && log === undefined && !isQuiet,
    out: (text: string) => {
      keep(text);
      if (!isQuiet) terminal.out(text);
    },
    err: (text: string) => {
      keep(text);
      terminal.err(text);
    },
  });
}

/** Fetches signatures, goes back to earlier ones, or copies them for other hosts. */
export async function keepup2date(words: readonly string[], terminal: Terminal): Promise<number> {
  const typed = readOptions(words, KEEPUP2DATE);
  const { options } = typed;
  refuseRest(typed);
  if (options.has("g")) {
    // A source is believed for its keys, which an address alone does not bring along.
    throw new CliError(
      "-g: name the source in a [[feed]] with its keys, or use `gw bundle import`",
    );
  }
  const verb = oneOf(typed, ["i", "rollback", "u", "x"]);
  const told = listenedTo(terminal, options.get("l"), options.has("q"));
  for (const [letter, reason] of Object.entries(NEEDLESS)) {
    if (options.has(letter) && !options.has("q"))
      told.err(`keepup2date: -${letter} is not needed: ${reason}\n`);
  }
  const commands: Readonly<Record<string, readonly string[]>> = {
    i: ["status"],
    rollback: ["rollback"],
    u: ["mirror", options.get("u") ?? ""],
    x: ["mirror", options.get("x") ?? ""],
  };
  const command = verb === undefined ? [] : (commands[verb] ?? []);
  return await run(["update", ...command, ...placeWords(typed)], told);
}

const LICENSEMANAGER: readonly LegacyOption[] = [
  CONFIG,
  ...["s", "i"].map(flag),
  ...["k", "a", "d"].map(valued),
];

/** What `gw license list --json` says of a licence, as far as it is asked for here. */
interface Installed {
  readonly id?: string;
  readonly standing: string;
}

async function installed(
  place: readonly string[],
  terminal: Terminal,
): Promise<readonly Installed[]> {
  const parts: string[] = [];
  const kept: Terminal = Object.assign(Object.create(terminal), {
    out: (part: string) => parts.push(part),
  });
  await run(["license", "list", "--json", ...place], kept);
  const lines = parts.join("").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Installed);
}

async function removeBy(letter: string, place: readonly string[], terminal: Terminal) {
  const standing = { a: "active", r: "reserve" }[letter];
  if (standing === undefined) throw new CliError("-d needs a (the active licence) or r (reserve)");
  const all = await installed(place, terminal);
  const ids = all.flatMap((each) => (each.standing === standing ? [each.id ?? ""] : []));
  const [id = "", ...more] = ids;
  if (ids.length === 0) throw new CliError(`there is no licence that is ${standing}`);
  if (more.length > 0) {
    const names = ids.map(printable).join(", ");
    throw new CliError(`several licences are ${standing} (${names}): gw license remove ID`);
  }
  return await run(["license", "remove", id, ...place], terminal);
}

/** Shows, adds and removes licences. */
export async function licensemanager(
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const typed = readOptions(words, LICENSEMANAGER);
  refuseRest(typed);
  const place = placeWords(typed);
  const verb = oneOf(typed, ["s", "i", "k", "a", "d"]);
  const value = verb === undefined ? "" : (typed.options.get(verb) ?? "");
  switch (verb) {
    case "k":
      return await run(["license", "show", value, ...place], terminal);
    case "a":
      return await run(["license", "install", value, ...place], terminal);
    case "d":
      return await removeBy(value, place, terminal);
    case "i":
      return await run(["license", "stats", ...place], terminal);
    default:
      return await run(["license", "list", ...place], terminal);
  }
}
