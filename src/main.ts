// Entry of the program. `--version` must answer within milliseconds, so that nothing else is
// imported before it is known that something else is wanted.
import { VERSION } from "./base/version.ts";

const args = process.argv.slice(2);
// Called through a link with the name of one of SMTP-Gateway's tools, it is that tool.
const calledAs = process.argv0.slice(process.argv0.lastIndexOf("/") + 1);
const LEGACY = ["smtpgw", "klmailq", "klmaila", "kltlv", "keepup2date", "licensemanager"];
const VERBOSE_VERSION = ["--version", "--verbose"];

if (LEGACY.includes(calledAs)) {
  const { runToEnd } = await import("./cli/program.ts");
  const { runLegacy } = await import("./cli/legacy/legacy.ts");
  await runToEnd((terminal) => runLegacy(calledAs, args, terminal));
} else if (args.length === 1 && (args[0] === "--version" || args[0] === "-V")) {
  process.stdout.write(`gw ${VERSION}\n`);
} else if (args.length === 2 && VERBOSE_VERSION.every((word) => args.includes(word))) {
  const { runToEnd } = await import("./cli/program.ts");
  const { showVersions } = await import("./cli/commands/about/versions.ts");
  await runToEnd(async (terminal) => showVersions(terminal));
} else {
  const { run, runToEnd } = await import("./cli/program.ts");
  await runToEnd((terminal) => run(args, terminal));
}
