// `gw simulate`: what would be done with a message, by this or by another configuration. Nothing is
// sent, stored or noted.
import { resolve } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { silentLog } from "../../../base/log.ts";
import { loadConfig } from "../../../config/load.ts";
import type { Config } from "../../../config/schema.ts";
import type { Verdict } from "../../../message.ts";
import { findPolicyConflicts } from "../../../pipeline/policy/config-rules.ts";
import { finalDispositions } from "../../../pipeline/settlement.ts";
import { Policy, type ShareDecision } from "../../../policy/policy.ts";
import { DataFolderError } from "../../../store/database.ts";
import type { Exemption } from "../../../store/rows/exemption-rows.ts";
import { Store } from "../../../store/store.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { startInspection } from "../../inspection.ts";
import { drawTree } from "../../view/scan-report.ts";

function addressesOf(text: string | undefined): readonly string[] {
  if (text === undefined) throw new CliError("--to is needed: recipients, with commas between");
  const addresses = text.split(",").map((each) => each.trim());
  const wrong = addresses.find((each) => !/^[^\s<>@]+@[^\s<>@]+$/.test(each));
  if (wrong !== undefined) throw new CliError(`--to: "${printable(wrong)}" is no address`);
  return addresses;
}

// A gateway that never ran has no exemptions.
async function exemptionsOf(config: Config): Promise<readonly Exemption[]> {
  try {
    const store = Store.attach(config["server.data_dir"]);
    try {
      return store.exemptions.active(Date.now());
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof DataFolderError) return [];
    throw error;
  }
}

/** What would be done for one group. */
interface Simulated {
  readonly group: string;
  readonly recipients: readonly string[];
  readonly status: ShareDecision["status"];
  readonly rule: string;
  readonly action: string;
  readonly reason: string;
  readonly treatments: readonly string[];
  readonly filtered: readonly string[];
  readonly exempted: readonly number[];
}

function simulatedOf(decisions: readonly ShareDecision[], { objects }: Verdict): Simulated[] {
  const final = finalDispositions(decisions);
  return decisions.map((decision, index) => {
    const disposition = final[index] ?? decision.disposition;
    return {
      group: decision.group.name,
      recipients: decision.recipients.map(({ address }) => address),
      status: decision.status,
      rule: decision.rule,
      action: disposition.kind,
      reason: "reason" in disposition ? disposition.reason : "",
      treatments: decision.treatments.map(({ object, action }) => {
        return `${action} ${objects[object]?.path ?? ""}`;
      }),
      filtered: decision.filtered.map(({ filter, path }) => `${filter.name}: ${path}`),
      exempted: [...new Set(decision.exempted.map(({ exemption }) => exemption.number))],
    };
  });
}

function describe(one: Simulated): string {
  const because = one.rule === "" ? "no rule objects" : `the rule ${one.rule} fires`;
  const reason = one.reason === "" ? "" : ` (${printable(one.reason)})`;
  const to = one.recipients.map(printable).join(", ");
  const lines = [`Group ${printable(one.group)} (${to}): ${because}: ${one.action}${reason}`];
  for (const each of one.treatments) lines.push(`  ${printable(each)}`);
  for (const each of one.filtered) lines.push(`  filter ${printable(each)}`);
  for (const each of one.exempted) lines.push(`  exemption ${each} lets something pass`);
  return `${lines.join("\n")}\n`;
}

/** `gw simulate` */
export const simulate = command(
  {
    from: { type: "string", valueHint: "ADDRESS", description: "envelope sender; <> if not said" },
    to: { type: "string", valueHint: "ADDRESSES", description: "envelope recipients, a@b,c@d" },
    json: OPTIONS.json,
    config: OPTIONS.config,
  },
  async (args, terminal) => {
    const path = resolve(args._[0] ?? "");
    const recipients = addressesOf(args.to).map((address) => ({ address }));
    const sender = (args.from ?? "").replace(/^<(.*)>$/, "$1");
    const size = await sizeOf(path);
    const config = loadConfig(configFile(args.config), {}, findPolicyConflicts);
    const policy = new Policy(config, { clock: systemClock, log: silentLog });
    const exemptions = await exemptionsOf(config);
    const shares = policy.split({ sender, recipients });
    const { inspector } = await startInspection(config, { workersMax: 1 });
    try {
      const { verdict } = await inspector.inspect({
        body: { kind: "file", path, offset: 0, size },
        name: "message",
        isMessage: true,
        isHashed: exemptions.some(({ hash }) => hash !== undefined),
      });
      const decisions = policy.decide({ verdict, sender, shares, exemptions: () => exemptions });
      const simulated = simulatedOf(decisions, verdict);
      if (args.json === true) {
        for (const each of simulated) terminal.out(`${JSON.stringify(each)}\n`);
        return EXIT.good;
      }
      terminal.out(drawTree(terminal, path, verdict, []));
      for (const each of simulated) terminal.out(describe(each));
      return EXIT.good;
    } finally {
      inspector.stop();
    }
  },
);

async function sizeOf(path: string): Promise<number> {
  const file = Bun.file(path);
  if (!(await file.exists())) throw new CliError(`${printable(path)}: no such file`);
  return file.size;
}
