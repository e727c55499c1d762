// The options of the old tools: what each takes, in its short and its long form.
import { CliError } from "../command.ts";

/** One option: its long name, its short one, and whether a value follows. */
export interface LegacyOption {
  readonly long: string;
  readonly short?: string;
  readonly hasValue?: true;
}

/** What was typed: options by their long names, and the rest. */
export interface Typed {
  readonly options: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
}

/** Reads `-x VALUE`, `--name=VALUE` and `--name VALUE`; throws CliError for what is not known. */
export function readOptions(words: readonly string[], known: readonly LegacyOption[]): Typed {
  const options = new Map<string, string>();
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (!word.startsWith("-")) {
      rest.push(word);
      continue;
    }
    const [name = "", given] = word.split(/=(.*)/s);
    const option = known.find(({ long, short }) => name === `--${long}` || name === `-${short}`);
    if (option === undefined) throw new CliError(`unknown option ${name}`);
    const value = option.hasValue === true ? (given ?? words[++index]) : "";
    if (value === undefined || value.startsWith("-")) throw new CliError(`${name} needs a value`);
    options.set(option.long, value);
  }
  return { options, rest };
}
