// `gw quickstart`: a gateway on high ports with a next hop behind it, to be played with by someone
// who has neither a configuration nor a mail server yet.
import { basename, dirname, relative } from "node:path";
import { box } from "consola/utils";
import { describeError, silentLog } from "../../base/log.ts";
import { Sink } from "../../inbound/sink.ts";
import { CliError, command, EXIT } from "../command.ts";
import { runUntilSignal, watchErrors } from "../running.ts";
import {
  createSandbox,
  deliveredFolder,
  hasSandbox,
  LISTEN_DEFAULT,
  openSandbox,
  SANDBOX_DEFAULT,
  type Sandbox,
  SINK_DEFAULT,
  sinkOf,
} from "../sandbox.ts";
import type { Terminal } from "../view/terminal.ts";
import { openOutlets, startGateway } from "./serve.ts";

async function startSink(address: string, folder: string): Promise<Sink> {
  try {
    return await Sink.start({ address, folder, log: silentLog });
  } catch (error) {
    throw new CliError(`cannot start the next hop: ${describeError(error)}`, { cause: error });
  }
}

interface Places {
  readonly data?: string | undefined;
  readonly listen?: string | undefined;
  readonly sink?: string | undefined;
}

/** The next hop, and the folder with a configuration that leads to it. */
async function open({ data = SANDBOX_DEFAULT, listen, sink: sinkAddress }: Places) {
  const folder = deliveredFolder(data);
  if (hasSandbox(data)) {
    const sandbox = openSandbox(data);
    if (listen !== undefined || sinkAddress !== undefined) {
      // A person may have changed the file; it is theirs now.
      const file = sandbox.configFile;
      throw new CliError(`${file} is there already: change addresses in it, or take --data NEW`);
    }
    return { sandbox, sink: await startSink(sinkOf(sandbox), folder) };
  }
  const wanted = sinkAddress ?? SINK_DEFAULT;
  const sink = await startSink(wanted, folder);
  // The port is the system's choice if 0 was asked for; from now on it is this one.
  const address = wanted.replace(/\d+$/, String(sink.port));
  return { sandbox: createSandbox(data, listen ?? LISTEN_DEFAULT, address), sink };
}

// How this program can be called from where it was started.
function programName(): string {
  const path = process.execPath;
  const { PATH = "" } = process.env;
  const folders = PATH.split(":");
  if (!basename(path).startsWith("gw") || folders.includes(dirname(path))) return "gw";
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
}

function welcome(terminal: Terminal, sandbox: Sandbox, listen: string): string {
  const isDefault = sandbox.folder === `${process.cwd()}/${SANDBOX_DEFAULT}`;
  const data = isDefault ? "" : ` --data ${sandbox.folder}`;
  // Another one than the configuration names only if it left the port to the system.
  const isKnown = sandbox.config["inbound.listen"].includes(listen);
  const to = isKnown ? "" : ` --to ${listen}`;
  const gw = programName();
  const lines = [
    `Mail for anyone goes in at  ${listen}`,
    `What is clean arrives in    ${sandbox.delivered}`,
    `The configuration is        ${sandbox.configFile}`,
    "",
    "Try it from a second terminal:",
    `  ${gw} send-test${data}${to}`,
    `  ${gw} quarantine list --config ${sandbox.configFile}`,
    "",
    "Ctrl-C stops it.",
  ].join("\n");
  const isWide = lines.split("\n").every((line) => line.length < terminal.columns - 8);
  return terminal.isTerminal && isWide ? `${box(lines, { title: "gw" })}\n` : `${lines}\n`;
}

/** `gw quickstart` */
export const quickstart = command(
  {
    data: { type: "string", valueHint: "DIR", description: `folder for all (${SANDBOX_DEFAULT})` },
    listen: { type: "string", valueHint: "ADDRESS", description: `gateway (${LISTEN_DEFAULT})` },
    sink: { type: "string", valueHint: "ADDRESS", description: `next hop (${SINK_DEFAULT})` },
  },
  async (args, terminal) => {
    const { sandbox, sink } = await open(args);
    const { log } = openOutlets(sandbox.config, terminal);
    watchErrors(log);
    const gateway = await startGateway(sandbox.config, { log });
    terminal.out(welcome(terminal, sandbox, gateway.addresses[0] ?? ""));
    await runUntilSignal(log, {
      stop: async (graceMs) => {
        await gateway.stop(graceMs);
        await sink.stop(0);
      },
    });
    return EXIT.good;
  },
);
