// `gw service`: gw as a service of this host, started with it.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ArgsDef } from "citty";
import type { Status } from "../../admin/protocol.ts";
import { loadConfig } from "../../config/load.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { CONFIG_PLACES } from "../config-file.ts";
import { tryAsk } from "../control/client.ts";
import { detectKind, filesOf, stateOf } from "../service/files.ts";
import { KINDS, type Kind, type Site, siteOf } from "../service/site.ts";
import {
  describe,
  type Place,
  START,
  type Step,
  stepsToInstall,
  stepsToRemove,
  take,
} from "../service/steps.ts";
import type { Terminal } from "../view/terminal.ts";

const WHERE = {
  config: OPTIONS.config,
  kind: {
    type: "enum",
    options: [...KINDS],
    valueHint: KINDS.join("|"),
    description: "system of init (default: that of this host)",
  },
  root: {
    type: "string",
    valueHint: "DIR",
    description: "folder of the system that is meant, such as an image's (default /)",
  },
  binary: {
    type: "string",
    valueHint: "FILE",
    description: "where gw is on that system (default: this file)",
  },
} as const satisfies ArgsDef;

const CHANGES = {
  ...WHERE,
  "dry-run": { type: "boolean", description: "show what would be done, and do nothing" },
  force: { type: "boolean", description: "overwrite or remove files that a person has changed" },
} as const satisfies ArgsDef;

interface WhereArgs {
  readonly config?: string | undefined;
  readonly kind?: Kind | undefined;
  readonly root?: string | undefined;
  readonly binary?: string | undefined;
}

interface Where {
  readonly kind: Kind;
  readonly root: string;
  readonly site: Site;
}

// The configuration as the system under `root` will find it.
function configOf(named: string | undefined, root: string): { file: string; onHost: string } {
  if (named !== undefined) {
    const path = resolve(named);
    const isInside = root !== "/" && path.startsWith(`${root}/`);
    return { file: path, onHost: isInside ? path.slice(root.length) : path };
  }
  const place = CONFIG_PLACES.find((each) => existsSync(join(root, each)));
  if (place !== undefined) return { file: join(root, place), onHost: place };
  throw new CliError(
    `no configuration at ${join(root, CONFIG_PLACES[0])}: make one (\`gw quickstart --domain …\`, ` +
      "`gw config sample`), or name it with --config",
  );
}

function whereOf(args: WhereArgs): Where {
  const root = resolve(args.root ?? "/");
  const kind = args.kind ?? detectKind(root);
  if (kind === undefined) throw new CliError(`nothing tells how ${root} starts: name a --kind`);
  const { file, onHost } = configOf(args.config, root);
  const binary = args.binary ?? process.execPath;
  const site = siteOf(loadConfig(file), { binary: resolve(binary), config: onHost });
  for (const value of [site.binary, site.config, site.dataDir, ...site.writable]) {
    if (/[\n\r'"\\]/.test(value)) {
      throw new CliError(`${JSON.stringify(value)}: a start script can't hold a path with quotes`);
    }
  }
  return { kind, root, site };
}

function takeAll(steps: readonly Step[], root: string, terminal: Terminal, isDry: boolean): number {
  let code: number = EXIT.good;
  for (const step of steps) {
    terminal.out(`${isDry ? "would " : ""}${describe(step, root)}\n`);
    const warning = isDry ? "" : take(step, root);
    if (warning === "") continue;
    terminal.err(`gw: ${warning}\n`);
    code = EXIT.found;
  }
  if (steps.length === 0) terminal.out("nothing to do\n");
  return code;
}

const placeOf = ({ root }: Where, force: boolean | undefined): Place => ({
  root,
  isForced: force === true,
});

/** `gw service install` */
export const install = command(CHANGES, (args, terminal) => {
  const where = whereOf(args);
  const { kind, root, site } = where;
  const steps = stepsToInstall(kind, site, placeOf(where, args.force));
  const isDry = args["dry-run"] === true;
  const code = takeAll(steps, root, terminal, isDry);
  if (!isDry && root === "/") terminal.out(`start it with: ${START[kind]}\n`);
  return code;
});

/** `gw service remove` */
export const remove = command(CHANGES, (args, terminal) => {
  const where = whereOf(args);
  const steps = stepsToRemove(where.kind, where.site, placeOf(where, args.force));
  return takeAll(steps, where.root, terminal, args["dry-run"] === true);
});

/** `gw service status` */
export const status = command({ ...WHERE, json: OPTIONS.json }, async (args, terminal) => {
  const { kind, root, site } = whereOf(args);
  const files = filesOf(kind, site).map((file) => ({
    path: join(root, file.path),
    state: stateOf(file, root),
  }));
  const running = await tryAsk<Status>(join(root, site.dataDir), { verb: "status" });
  const process = running?.pid ?? null;
  const isInstalled = files.every(({ state }) => state !== "missing");
  if (args.json) terminal.out(`${JSON.stringify({ kind, isInstalled, files, process })}\n`);
  else {
    for (const { path, state } of files) terminal.out(`${path}  ${state}\n`);
    terminal.out(process === null ? "gw does not run\n" : `gw runs, as process ${process}\n`);
  }
  return isInstalled && process !== null ? EXIT.good : EXIT.found;
});
