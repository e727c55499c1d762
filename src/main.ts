// Entry of the program. `--version` must answer within milliseconds, so that nothing else is
// imported before it is known that something else is wanted.
import { VERSION } from "./base/version.ts";

const args = process.argv.slice(2);

if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  process.stdout.write(`gw ${VERSION}\n`);
} else {
  const { runProgram } = await import("./cli/program.ts");
  await runProgram(args);
}
