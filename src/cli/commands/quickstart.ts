// `gw quickstart`: a gateway on high ports with a next hop behind it, to be played with by someone
// who has neither a configuration nor a mail server yet. With --domain, the configuration of a
// gateway in front of a mail server that is there.
import { box } from "consola/utils";
import { describeError, silentLog } from "../../base/log.ts";
import { Sink } from "../../inbound/sink.ts";
import { CliError, command, EXIT } from "../command.ts";
import { CONFIG_PLACES } from "../config-file.ts";
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
import { dnsRecords, makeSite, planSite, type Wishes } from "../service/first-site.ts";
import { quoted } from "../service/site.ts";
import { programName } from "../view/program-name.ts";
import { counted } from "../view/table.ts";
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

async function play(args: Places, terminal: Terminal): Promise<number> {
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
}

function setUp(wishes: Wishes, terminal: Terminal, isJson: boolean): number {
  const site = planSite(wishes);
  const done = makeSite(site, Date.now());
  const records = dnsRecords(site);
  const { configFile, dataDir, hostname, domains, nextHop, listen, tls } = site;
  const isUsual = CONFIG_PLACES.some((each) => each === configFile);
  const config = isUsual ? "" : ` --config ${quoted(configFile)}`;
  const gw = programName();
  const doctor = `${gw} doctor${config}`;
  // The service's user and folders come first: doctor looks whether they are right. What a person
  // made in a folder of theirs is nothing for a service.
  const next = site.isRoot
    ? [`${gw} service install${config}`, doctor]
    : [doctor, `${gw} serve${config}`];
  if (isJson) {
    const facts = { configFile, dataDir, hostname, domains, nextHop, listen, tls };
    terminal.out(`${JSON.stringify({ ...facts, done, records, next })}\n`);
    return EXIT.good;
  }
  const all = domains.length === 1 ? domains[0] : counted(domains.length, "domain");
  const lines = [
    ...done,
    "",
    `Mail for ${all} that comes in at ${listen} goes to ${nextHop}.`,
    ...(tls === undefined
      ? []
      : [
          `For a certificate that others trust, put its chain into ${tls.certificate}, its key into ` +
            `${tls.key}: gw sees it.`,
        ]),
    "",
    "Publish in DNS (v=spf1 also has to name other hosts that send for the domain):",
    ...records.map((record) => `  ${record}`),
    `and have the owner of that address publish PTR ${hostname}.`,
    "",
    "Next:",
    ...next.map((line) => `  ${line}`),
  ];
  terminal.out(`${lines.join("\n")}\n`);
  return EXIT.good;
}

// Options of one way to use the command, given with the other.
function refuse(args: Readonly<Record<string, unknown>>, names: readonly string[], why: string) {
  const wrong = names.find((name) => args[name] !== undefined);
  if (wrong !== undefined) throw new CliError(`--${wrong} ${why}`);
}

/** `gw quickstart` */
export const quickstart = command(
  {
    domain: {
      type: "string",
      valueHint: "LIST",
      description: "write a configuration for these; `gw service install` then makes the user",
    },
    "next-hop": {
      type: "string",
      valueHint: "HOST[:PORT]",
      description: "with --domain: the mail server behind gw",
    },
    hostname: {
      type: "string",
      valueHint: "NAME",
      description: "with --domain: full name of this host (default: the system's)",
    },
    dir: {
      type: "string",
      valueHint: "DIR",
      description: "with --domain: folder for all (default: /etc/gw and /var/lib/gw)",
    },
    data: { type: "string", valueHint: "DIR", description: `folder for all (${SANDBOX_DEFAULT})` },
    listen: {
      type: "string",
      valueHint: "ADDRESS",
      description: `gateway (${LISTEN_DEFAULT}; with --domain 0.0.0.0:25)`,
    },
    sink: { type: "string", valueHint: "ADDRESS", description: `next hop (${SINK_DEFAULT})` },
    tls: {
      type: "boolean",
      description: "with --domain: make a key and a self-signed certificate for STARTTLS",
    },
    json: { type: "boolean", description: "with --domain: tell what was done as JSON" },
  },
  async (args, terminal) => {
    const { domain, listen, hostname, dir } = args;
    if (domain === undefined) {
      refuse(args, ["next-hop", "hostname", "dir", "tls", "json"], "goes with --domain LIST");
      return await play(args, terminal);
    }
    refuse(args, ["data"], "is for trying gw out; with --domain it is --dir DIR");
    refuse(args, ["sink"], "is for trying gw out; with --domain it is --next-hop HOST");
    const wishes = { domain, nextHop: args["next-hop"], listen, hostname, dir, tls: args.tls };
    return setUp(wishes, terminal, args.json === true);
  },
);
