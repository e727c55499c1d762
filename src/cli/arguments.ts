// Checks what was typed against the options that a command has. The parser that follows ignores
// what it doesn't know, and an option that is silently ignored (`gw queue delete --recipent …`)
// can do the opposite of what was meant.
import type { ArgDef, ArgsDef } from "citty";
import { nearest } from "../text/nearest.ts";
import { printableUpTo } from "../text/printable.ts";
import { CliError } from "./command.ts";

const SHOWN_LENGTH_MAX = 60;

/** What a person typed, safe to repeat to them. */
export function typed(text: string): string {
  return printableUpTo(text, SHOWN_LENGTH_MAX);
}

function aliasesOf(definition: ArgDef): readonly string[] {
  const { alias } = definition as { readonly alias?: string | readonly string[] };
  return alias === undefined ? [] : typeof alias === "string" ? [alias] : alias;
}

/** An option by the name it was typed with, without dashes. */
function find(args: ArgsDef, name: string): ArgDef | undefined {
  const [, definition] =
    Object.entries(args).find(([key, each]) => key === name || aliasesOf(each).includes(name)) ??
    [];
  return definition?.type === "positional" ? undefined : definition;
}

function optionNames(args: ArgsDef): readonly string[] {
  const options = Object.entries(args).filter(([, { type }]) => type !== "positional");
  return ["--help", ...options.map(([key]) => `--${key}`)];
}

/** How many values a command takes that belong to no option. */
export interface Operands {
  readonly min: number;
  readonly max: number;
}

/** Counts positional arguments from their usage text: `ID`, `[KEY]`, `FILE|DIR|-…`, `NAME FILE`. */
export function operandsOf(usage: string | undefined): Operands {
  const words = usage === undefined ? [] : usage.split(" ");
  const required = words.filter((word) => !word.startsWith("["));
  const isOpen = words.some((word) => word.includes("…"));
  return { min: required.length, max: isOpen ? Number.POSITIVE_INFINITY : words.length };
}

/** Throws CliError for unknown options, missing values, and too few or many operands. */
export function checkArguments(raw: readonly string[], args: ArgsDef, usage?: string): void {
  const { min, max } = operandsOf(usage);
  const seen = new Set<string>();
  let operands = 0;
  for (let index = 0; index < raw.length; index++) {
    const word = raw[index] ?? "";
    if (word === "--") {
      operands += raw.length - index - 1;
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      operands++;
      if (operands > max) throw new CliError(`unexpected argument "${typed(word)}"`);
      continue;
    }
    const option = word.split("=")[0] ?? "";
    // The last one would win; whoever wrote both meant both.
    if (seen.has(option)) throw new CliError(`${typed(option)} is given twice`);
    seen.add(option);
    if (takesNext(word, args, raw[index + 1])) index++;
  }
  if (operands > max) throw new CliError("too many arguments");
  if (operands < min) throw new CliError(`expected ${usage}`);
}

// Checks one option; true if the next word is its value.
function takesNext(word: string, args: ArgsDef, next: string | undefined): boolean {
  const [name = "", value] = word.replace(/^--?/, "").split(/=(.*)/s);
  const definition = find(args, name);
  if (definition === undefined || (name.length > 1 && !word.startsWith("--"))) {
    const near = nearest(word.split("=")[0] ?? "", optionNames(args));
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    throw new CliError(`unknown option ${typed(word)}${hint}`);
  }
  if (definition.type === "boolean") {
    if (value !== undefined) throw new CliError(`--${name} takes no value`);
    return false;
  }
  const given = value ?? next;
  // A value that looks like an option is far more often a forgotten value.
  if (given === undefined || given === "" || (value === undefined && given.startsWith("-"))) {
    throw new CliError(`--${name} needs a value`);
  }
  if (definition.type === "enum" && !definition.options?.includes(given)) {
    const words = definition.options?.join(", ");
    throw new CliError(`--${name}: expected one of ${words}; found "${typed(given)}"`);
  }
  return value === undefined;
}
