// From the words that were typed to a command, and from its end to an exit code. Errors come out
// as one line on standard error that says what to do; only a bug shows a stack.
import { nearest } from "../text/nearest.ts";
import { printable } from "../text/printable.ts";
import { checkArguments, typed } from "./arguments.ts";
import { allCommands, isGroup } from "./catalogue.ts";
import { CliError, type Entry, EXIT, type Item } from "./command.ts";
import { commandHelp, groupHelp, programHelp } from "./view/help.ts";
import { processTerminal, type Terminal } from "./view/terminal.ts";

const HELP = new Set(["--help", "-h", "help"]);

// Errors that explain themselves wherever they come from; told by name so that their modules need
// not be loaded to start a command.
const PLAIN_ERRORS = new Set(["DataFolderError", "GatewayError", "SQLiteError"]);

/** The item called `word`; `before` is what was typed in front of it. */
function pick<T>(before: string, word: string, items: Readonly<Record<string, T>>): T {
  const item = Object.hasOwn(items, word) ? items[word] : undefined;
  if (item !== undefined) return item;
  const near = nearest(word, Object.keys(items));
  const hint = near === undefined ? `see \`${before} --help\`` : `did you mean ${before} ${near}?`;
  throw new CliError(`unknown command: ${before} ${typed(word)}; ${hint}`);
}

async function runEntry(
  name: string,
  entry: Entry,
  args: string[],
  terminal: Terminal,
): Promise<number> {
  const command = await entry.load();
  const end = args.indexOf("--");
  if (args.slice(0, end < 0 ? undefined : end).some((arg) => arg === "--help" || arg === "-h")) {
    terminal.out(commandHelp(name, entry, command.args));
    return EXIT.good;
  }
  try {
    checkArguments(args, command.args, entry.operands);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    throw new CliError(`${error.message} (see \`gw ${name} --help\`)`);
  }
  return await command.run(args, terminal);
}

async function runItem(name: string, item: Item, args: string[], terminal: Terminal) {
  if (!isGroup(item)) return await runEntry(name, item, args, terminal);
  const [verb, ...rest] = args;
  const { bare } = item;
  // Whatever is no verb is an operand or an option of what is done without one.
  const isBare = verb === undefined || (!HELP.has(verb) && !Object.hasOwn(item.verbs, verb));
  if (bare !== undefined && isBare) return await runEntry(name, bare, args, terminal);
  if (verb === undefined || HELP.has(verb)) {
    const own = bare === undefined ? "" : commandHelp(name, bare, (await bare.load()).args);
    const help = own === "" ? groupHelp(name, item) : `${own}\n${groupHelp(name, item)}`;
    if (verb === undefined) terminal.err(help);
    else terminal.out(help);
    return verb === undefined ? EXIT.error : EXIT.good;
  }
  const entry = pick(`gw ${name}`, verb, item.verbs);
  return await runEntry(`${name} ${verb}`, entry, rest, terminal);
}

/** Runs what was typed and gives the exit code; throws what the command throws. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) {
    terminal.err(programHelp());
    return EXIT.error;
  }
  if (HELP.has(name)) {
    terminal.out(programHelp());
    return EXIT.good;
  }
  if (name.startsWith("-")) throw new CliError(`unknown option ${typed(name)}; see \`gw --help\``);
  return await runItem(name, pick("gw", name, allCommands()), rest, terminal);
}

/** What is printed of an error: its own words, or for a bug the stack as well. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `gw: ${String(error)}\n`;
  // One line per mistake, each with its file and place.
  if (error.name === "ConfigError") return `${error.message}\n`;
  // Our own words may be several lines; what comes from elsewhere may hold anything.
  if (error instanceof CliError) return `gw: ${error.message}\n`;
  const isOfSystem = "syscall" in error;
  if (isOfSystem || PLAIN_ERRORS.has(error.name)) return `gw: ${printable(error.message)}\n`;
  return `gw: unexpected error, please report it: ${error.stack ?? error.message}\n`;
}

/** Runs the program to its end: output is written out before the process goes. */
export async function runToEnd(work: (terminal: Terminal) => Promise<number>): Promise<void> {
  const terminal = processTerminal();
  // `gw scan … | head`: whoever read the output has gone, and nothing is left to be said.
  process.stdout.on("error", () => process.exit(EXIT.error));
  let code: number = EXIT.error;
  try {
    code = await work(terminal);
  } catch (error) {
    terminal.err(explain(error));
  }
  // An empty write is told to be done before what stands in front of it is.
  process.stdout.end(() => process.exit(code));
}
