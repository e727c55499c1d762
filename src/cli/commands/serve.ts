// `gw serve`: the gateway itself.
import type { ArgsDef } from "citty";
import { Outlets } from "../../admin/outlets.ts";
import { describeError } from "../../base/log.ts";
import { VERSION } from "../../base/version.ts";
import { FileWatch } from "../../config/file/watch.ts";
import { readConfig as readFile } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { Gateway, type GatewayOptions } from "../../gateway.ts";
import { HANDED_SOCKETS } from "../../inbound/door/place.ts";
import { certificatesOf } from "../../inbound/settings.ts";
import { Certificates } from "../../inbound/tls/certificates.ts";
import { findPolicyConflicts } from "../../pipeline/policy/config-rules.ts";
import { openSignatures } from "../../pipeline/scanning.ts";
import { refuseNewer } from "../../store/database.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { configFile } from "../config-file.ts";
import { runUntilSignal, watchErrors } from "../running.ts";
import { type Estate, handOver, Successor } from "../service/hand-over.ts";
import { Notifier } from "../service/notify.ts";
import { refuseSecond, removePid, writePid } from "../service/pid-file.ts";
import { assume } from "../service/privilege.ts";
import type { Terminal } from "../view/terminal.ts";

/**
 * Where the log of a running gateway goes. `level` is asked for each line. What is in the way is a
 * CliError that names it.
 */
export function openOutlets(
  config: Config,
  terminal: Terminal,
  level = () => config["log.level"],
): Outlets {
  try {
    const outlets = new Outlets(config, { level, out: (text) => terminal.out(text) });
    process.on("SIGUSR1", () => outlets.reopen());
    // Also when the process ends in a hurry: the last lines say why.
    process.on("exit", () => outlets.close());
    return outlets;
  } catch (error) {
    throw new CliError(`cannot open the log: ${describeError(error)}`, { cause: error });
  }
}

const HINTS: Readonly<Record<string, string>> = {
  EACCES: "; the user that gw runs as must be able to write there (server.data_dir)",
  EROFS: "; that disk can't be written: name another folder (server.data_dir)",
  ENOSPC: "; the disk is full: make room, or name another folder (server.data_dir)",
  EDQUOT: "; the quota is used up: make room, or name another folder (server.data_dir)",
};

// What to do about errors of the system that name a file; those of ports say it themselves.
function hintOf(error: unknown): string {
  const { code = "", path } = error as NodeJS.ErrnoException;
  return path === undefined ? "" : (HINTS[code] ?? "");
}

/** Starts a gateway; whatever stands in the way is a CliError that names it. */
export async function startGateway(
  config: Config,
  options: Omit<GatewayOptions, "signatures">,
  beforeStore?: () => Promise<void> | undefined,
): Promise<Gateway> {
  try {
    const signatures = await openSignatures(config);
    await beforeStore?.();
    return await Gateway.start(config, { ...options, signatures });
  } catch (error) {
    throw new CliError(`cannot start: ${describeError(error)}${hintOf(error)}`, { cause: error });
  }
}

// Sockets in the file system among the places where mail is taken.
function socketsOf({ addresses }: Gateway): readonly string[] {
  const prefix = "unix:";
  return addresses
    .filter((each) => each.startsWith(prefix))
    .map((each) => each.slice(prefix.length));
}

const SERVE_ARGS = {
  config: OPTIONS.config,
  user: {
    type: "string",
    valueHint: "NAME",
    description: "user to become once the ports are open (server.user)",
  },
  "pid-file": {
    type: "string",
    valueHint: "FILE",
    description: "file for the process number, written once mail is taken",
  },
} as const satisfies ArgsDef;

interface ServeArgs {
  readonly config?: string | undefined;
  readonly user?: string | undefined;
  readonly "pid-file"?: string | undefined;
}

// What the older gw's place must hold for this one to take it: found out before anything is let go.
function refuseToInherit(config: Config): void {
  refuseNewer(config["server.data_dir"]);
  const [own, ...others] = certificatesOf(config);
  if (own !== undefined) new Certificates(own, others);
}

/** `gw serve` */
export const serve = command(SERVE_ARGS, async (args, terminal) => {
  const successor = Successor.of(process.env);
  try {
    return await run(args, terminal, successor);
  } catch (error) {
    successor?.failed(error);
    throw error;
  }
});

async function run(
  args: ServeArgs,
  terminal: Terminal,
  successor: Successor | undefined,
): Promise<number> {
  const file = configFile(args.config);
  // A list or a secret outside of the configuration has changed: all is read again, as a reload.
  const watch = new FileWatch((files) => {
    log.info("list-changed", { files: files.join(" ") });
    void gateway.reload().catch(() => undefined); // What is wrong is in the log.
  });
  const readConfig = () => {
    const loaded = readFile(file, findPolicyConflicts);
    watch.watch(loaded.files);
    return loaded.config;
  };
  const config = readConfig();
  let level = config["log.level"];
  const pidFile = args["pid-file"];
  if (pidFile !== undefined && successor === undefined) refuseSecond(pidFile);
  const privilege = assume(args.user ?? config["server.user"], [config["server.data_dir"]]);
  // As the user that writes them from then on.
  const { log, objects } = openOutlets(config, terminal, () => level);
  watchErrors(log);
  const notifier = Notifier.open(process.env, log);
  const wish = Promise.withResolvers<string>();
  const options = {
    log,
    onScanned: objects,
    configFile: file ?? "",
    readConfig,
    onReload: (taken: Config) => {
      level = taken["log.level"];
    },
    onStop: () => wish.resolve("gw stop"),
    onUpgrade: (program: string, graceMs: number) => handOver(program, graceMs, estate),
    asRoot: privilege.asRoot,
  };
  let heir: number | undefined;
  const estate: Estate = {
    gateway: () => gateway,
    log,
    restart: async (sockets) => {
      gateway = await startGateway(readConfig(), { ...options, sockets });
    },
    end: (pid) => {
      heir = pid;
      notifier.handOver(pid);
      wish.resolve("gw upgrade");
    },
  };
  if (successor !== undefined) refuseToInherit(config);
  const prepared = () => successor?.prepared();
  let gateway = await startGateway(config, options, prepared);
  // The numbers are good once.
  delete process.env[HANDED_SOCKETS];
  privilege.drop(socketsOf(gateway));
  if (process.geteuid?.() === 0) log.warn("runs-as-root", { setting: "server.user" });
  log.info("started", {
    version: VERSION,
    config: file ?? "defaults",
    listen: gateway.addresses.join(" "),
    data: config["server.data_dir"],
  });
  watch.start();
  if (pidFile !== undefined) writePid(pidFile);
  notifier.ready(`gw ${VERSION} takes mail on ${gateway.addresses.join(" ")}`);
  successor?.up();
  const stop = async (graceMs: number) => {
    if (heir !== undefined) return; // All is stopped, and the other one's by now.
    notifier.stopping();
    await gateway.stop(graceMs);
    notifier.close();
    if (pidFile !== undefined) removePid(pidFile);
  };
  await runUntilSignal(log, { stop, reload: () => gateway.reload() }, wish);
  watch.stop();
  return EXIT.good;
}
