// `gw config check`, `describe` and `sample`: finds mistakes, explains settings, writes a file to start
// from.

import { describe, markdown, sample } from "../../../config/describe.ts";
import { checkConfig, lineOf } from "../../../config/load.ts";
import { findPolicyConflicts } from "../../../pipeline/policy/config-rules.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { CONFIG_PLACES, configFile } from "../../config-file.ts";

/** `gw config check` */
export const check = command({ config: OPTIONS.config }, (args, terminal) => {
  const file = args._[0] ?? configFile(args.config);
  if (file === undefined) {
    throw new CliError(
      `no file to check: name one; there is none at ${CONFIG_PLACES.join(" or ")}`,
    );
  }
  const problems = checkConfig(file, findPolicyConflicts);
  for (const problem of problems) terminal.err(`${lineOf(problem)}\n`);
  if (problems.length === 0) terminal.out(`${file}: no mistakes\n`);
  return problems.length === 0 ? EXIT.good : EXIT.error;
});

/** `gw config describe` */
export const explain = command(
  { markdown: { type: "boolean", description: "all settings as a page of documentation" } },
  (args, terminal) => {
    if (args.markdown === true) {
      terminal.out(markdown());
      return EXIT.good;
    }
    const [key] = args._;
    const { text, meant } = describe(key);
    if (text === undefined) {
      const hint =
        meant === undefined ? "`gw config describe` lists all" : `did you mean ${meant}?`;
      throw new CliError(`there is no setting "${printable(key ?? "")}"; ${hint}`);
    }
    terminal.out(text);
    return EXIT.good;
  },
);

/** `gw config sample` */
export const sampleFile = command({}, (_, terminal) => {
  terminal.out(sample());
  return EXIT.good;
});
