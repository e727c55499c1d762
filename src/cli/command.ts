// What a command is: its options, and a function that does the work and gives the exit code.
import { type ArgsDef, type CommandDef, defineCommand, type ParsedArgs, runCommand } from "citty";
import type { Terminal } from "./view/terminal.ts";

/** Exit codes of all commands. */
export const EXIT = {
  good: 0,
  /** `gw scan`: something was found. Elsewhere: the answer is no. */
  found: 1,
  error: 2,
} as const;

/** An error of the kind that people make or meet; its text says what to do. One line, exit 2. */
export class CliError extends Error {
  override readonly name = "CliError";
}

/** A command with its options; `run` comes from `command()`. */
export interface Command {
  readonly args: ArgsDef;
  run(rawArgs: string[], terminal: Terminal): Promise<number>;
}

/** Makes a command. Its options have been checked when `work` is called. */
export function command<const A extends ArgsDef>(
  args: A,
  work: (args: ParsedArgs<A>, terminal: Terminal) => Promise<number> | number,
): Command {
  return {
    args,
    async run(rawArgs, terminal) {
      const definition: CommandDef<A> = defineCommand({
        args,
        run: ({ args: given }) => work(given, terminal),
      });
      const { result } = await runCommand(definition, { rawArgs });
      return typeof result === "number" ? result : EXIT.good;
    },
  };
}

/** A command by name, with what is said of it before it is loaded. */
export interface Entry {
  readonly summary: string;
  /** One line that can be typed as it stands. */
  readonly example: string;
  /** How its positional arguments are shown, such as `FILE…`. */
  readonly operands?: string;
  load(): Promise<Command>;
}

/** A command that has verbs: `gw queue list`. */
export interface Group {
  readonly summary: string;
  /** What is run when no verb is typed: `gw update`, `gw update NAME`. */
  readonly bare?: Entry;
  readonly verbs: Readonly<Record<string, Entry>>;
}

/** A command or a group of them. */
export type Item = Entry | Group;

/** Options that several commands share. */
export const OPTIONS = {
  config: { type: "string", valueHint: "FILE", description: "configuration file" },
  json: { type: "boolean", description: "machine output, one JSON value per line" },
} as const satisfies ArgsDef;
