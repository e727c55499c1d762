// `gw vault release`: lets kept mail go, whole or one object of it, and says what became of it.
import { systemClock } from "../../../base/clock.ts";
import { silentLog } from "../../../base/log.ts";
import { MessageIds } from "../../../base/message-id.ts";
import { loadConfig } from "../../../config/load.ts";
import { hostnameOf, postmasterOf } from "../../../config/names.ts";
import type { Config } from "../../../config/schema.ts";
import {
  type ReleaseCheck,
  type ReleaseEnd,
  type ReleaseForm,
  type ReleaseParts,
  release as releaseOne,
} from "../../../pipeline/vault/release.ts";
import { Policy } from "../../../policy/policy.ts";
import type { Store } from "../../../store/store.ts";
import { printable } from "../../../text/printable.ts";
import { parseDuration } from "../../../text/units.ts";
import type { Vault } from "../../../vault/vault.ts";
import { CliError, type Command, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { startInspection } from "../../inspection.ts";
import { PLACE } from "../../place.ts";
import { paintStatus } from "../../view/scan-report.ts";
import { counted } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { byOf, find, REASON, type Scope, withVault } from "./common.ts";
import { objectOf } from "./extract.ts";
import { bytesOf, drawRelease, inspectKept } from "./show.ts";

const LOOK_MS = 100;
const RECIPIENTS_MAX = 100;

const ARGS = {
  to: { type: "string", valueHint: "ADDRESSES", description: "deliver to these instead: a@b,c@d" },
  object: { type: "string", valueHint: "OBJECT", description: "only this one, by number or path" },
  attach: { type: "boolean", description: "attached to a message of gw" },
  "fresh-id": { type: "boolean", description: "under a new Message-ID, with Resent fields" },
  "without-check": { type: "boolean", description: "not scanned again; needs --reason" },
  reason: REASON,
  wait: { type: "string", valueHint: "TIME", description: "wait so long for its delivery: 30s" },
  json: OPTIONS.json,
  ...PLACE,
} as const;

interface ReleaseArgs {
  readonly to?: string | undefined;
  readonly object?: string | undefined;
  readonly attach?: boolean | undefined;
  readonly "fresh-id"?: boolean | undefined;
  readonly "without-check"?: boolean | undefined;
  readonly reason?: string | undefined;
  readonly wait?: string | undefined;
  readonly json?: boolean | undefined;
  readonly config?: string | undefined;
}

function addressesOf(text: string | undefined): string[] | undefined {
  const addresses = text?.split(",").map((each) => each.trim());
  const wrong = addresses?.find((each) => !/^[^\s<>@]+@[^\s<>@]+$/.test(each));
  if (wrong !== undefined) {
    throw new CliError(`--to needs an address such as user@example.org, not "${printable(wrong)}"`);
  }
  if (addresses !== undefined && addresses.length > RECIPIENTS_MAX) {
    throw new CliError(`--to takes ${RECIPIENTS_MAX} addresses at most`);
  }
  return addresses;
}

function checkArgs(args: ReleaseArgs, count: number): void {
  const forms = [args.object !== undefined, args.attach === true, args["fresh-id"] === true];
  if (forms.filter(Boolean).length > 1) {
    throw new CliError("--object, --attach and --fresh-id exclude each other");
  }
  if (args.object !== undefined && count > 1) throw new CliError("--object is for one message");
  if (args["without-check"] === true && args.reason === undefined) {
    throw new CliError("--without-check needs --reason: it is you who answers for it");
  }
}

async function formOf(
  args: ReleaseArgs,
  config: Config,
  kept: { readonly vault: Vault; readonly id: string },
): Promise<ReleaseForm> {
  if (args.object === undefined) {
    return { kind: args.attach === true ? "attached" : args["fresh-id"] ? "fresh" : "message" };
  }
  const bytes = await bytesOf(kept.vault, kept.id);
  const verdict = await inspectKept(config, bytes);
  return { kind: "object", object: await objectOf(config, { bytes, verdict }, args.object) };
}

function sayKept(terminal: Terminal, id: string, end: Extract<ReleaseEnd, { kind: "kept" }>) {
  const { verdict, disposition } = end;
  const status = paintStatus(terminal, verdict.status);
  const reason = "reason" in disposition ? ` (${printable(disposition.reason)})` : "";
  terminal.err(
    `gw: ${id} is still ${status}${reason}; --without-check --reason … releases it all the same\n`,
  );
}

// The check is made with what the configuration names now: a gateway that runs may be behind.
async function withCheck<T>(
  config: Config,
  store: Store,
  work: (check: ReleaseCheck) => Promise<T>,
): Promise<T> {
  const { inspector } = await startInspection(config, { workersMax: 1 });
  const policy = new Policy(config, { clock: systemClock, log: silentLog });
  try {
    return await work({ inspector, policy, exemptions: () => store.exemptions.active(Date.now()) });
  } finally {
    inspector.stop();
  }
}

/** Tells of a release until it is over or the time is; true if it was delivered. */
async function follow(
  terminal: Terminal,
  store: Store,
  ids: { readonly entry: string; readonly queueId: string },
  args: ReleaseArgs,
): Promise<boolean> {
  const until = Date.now() + (waitOf(args.wait) ?? 0);
  for (;;) {
    const found = store.releases.of(ids.entry).find(({ id }) => id === ids.queueId);
    const isOpen = found?.state === "asked" || found?.state === "waiting";
    if (isOpen && Date.now() < until) {
      await Bun.sleep(LOOK_MS);
      continue;
    }
    if (args.json === true) terminal.out(`${JSON.stringify({ ...found, entry: ids.entry })}\n`);
    else if (found !== undefined && args.wait !== undefined) terminal.out(drawRelease(found));
    return args.wait === undefined || found?.state === "delivered";
  }
}

function waitOf(text: string | undefined): number | undefined {
  const wait = text === undefined ? undefined : parseDuration(text);
  if (text !== undefined && wait === undefined) {
    throw new CliError(`--wait needs a time such as 30s, not "${printable(text)}"`);
  }
  return wait;
}

/** `gw vault release` */
export function release(scope: Scope): Command {
  return command(ARGS, (args, terminal) =>
    withVault(args, async (vault, store) => {
      const ids = [...new Set(args._)];
      checkArgs(args, ids.length);
      waitOf(args.wait);
      // All must be there before the first one goes.
      for (const id of ids) find(vault, id, scope);
      const recipients = addressesOf(args.to);
      const config = loadConfig(configFile(args.config));
      const newIds = new MessageIds(systemClock, Math.random);
      const hostname = hostnameOf(config);
      const about = { hostname, from: postmasterOf(config), nextId: () => newIds.next() };
      const parts: ReleaseParts = { vault, releases: store.releases, ...about };
      let good = 0;
      let released = 0;
      const releaseAll = async (check?: ReleaseCheck) => {
        for (const id of ids) {
          const form = await formOf(args, config, { vault, id });
          const request = { id, form, ...(recipients && { recipients }), ...byOf(args.reason) };
          const end = await releaseOne(check ? { ...parts, check } : parts, request);
          if (end.kind === "kept") sayKept(terminal, id, end);
          if (end.kind !== "released") continue;
          released++;
          if (await follow(terminal, store, { entry: id, queueId: end.queueId }, args)) good++;
        }
      };
      if (args["without-check"] === true) await releaseAll();
      else await withCheck(config, store, releaseAll);
      if (args.json !== true) {
        terminal.out(`${released} of ${counted(ids.length, "message")} released\n`);
      }
      return good === ids.length ? EXIT.good : EXIT.found;
    }),
  );
}
