// `gw status`, `gw reload` and the other verbs for a gateway that runs.
import type { ArgsDef } from "citty";
import type { Reloaded, Status } from "../../admin/protocol.ts";
import { STAGES, type Stage } from "../../pipeline/gate.ts";
import { printable } from "../../text/printable.ts";
import { parseDuration, roundDuration, roundSize } from "../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { PLACE } from "../place.ts";
import { counted } from "../view/table.ts";
import type { Terminal } from "../view/terminal.ts";
import { ask } from "./client.ts";

const ARGS = { ...PLACE, json: OPTIONS.json } as const satisfies ArgsDef;

function showStatus(terminal: Terminal, status: Status, now: number): string {
  const { paused, queue, quarantine, signatures } = status;
  const rows = [
    ["gw", `${status.version}, process ${status.pid}, up ${roundDuration(now - status.startedAt)}`],
    ["configuration", status.config || "defaults"],
    ["listens on", status.listen.join(" ")],
    ["data", status.dataDir],
    ["paused", paused.length === 0 ? "nothing" : terminal.paint("warn", paused.join(", "))],
    [
      "now",
      `${counted(status.sessions, "session")}, ${status.scanning} being scanned, ${status.sending} being sent`,
    ],
    ["queue", `${counted(queue.messages, "message")}, ${counted(queue.recipients, "recipient")}`],
    ["quarantine", `${counted(quarantine.messages, "message")}, ${roundSize(quarantine.bytes)}`],
    ["signatures", `${signatures.count} (${signatures.identity})`],
    ...status.warnings.map((each) => ["warning", each]),
  ];
  return rows.map(([name = "", value = ""]) => `${name.padEnd(14)} ${printable(value)}\n`).join("");
}

/** `gw status` */
export const status = command(ARGS, async (args, terminal) => {
  const answer = await ask<Status>(args, { verb: "status" });
  if (args.json) terminal.out(`${JSON.stringify(answer)}\n`);
  else terminal.out(showStatus(terminal, answer, Date.now()));
  return EXIT.good;
});

/** What a reload took, as lines. */
export function showReloaded({ changed, waiting, signatures }: Reloaded): string {
  const taken = changed.length === 0 ? "no setting changed\n" : `taken: ${changed.join(", ")}\n`;
  const later = waiting.length > 0 ? `needs a restart: ${waiting.join(", ")}\n` : "";
  return `${taken}${later}signatures: ${signatures}\n`;
}

/** `gw reload` */
export const reload = command(ARGS, async (args, terminal) => {
  const answer = await ask<Reloaded>(args, { verb: "reload" });
  if (args.json) terminal.out(`${JSON.stringify(answer)}\n`);
  else terminal.out(showReloaded(answer));
  return EXIT.good;
});

/** `gw stop` */
export const stop = command({ ...PLACE }, async (args) => {
  await ask(args, { verb: "stop" });
  return EXIT.good;
});

function stagesOf(words: readonly string[]): Stage[] {
  if (words.length === 0) throw new CliError(`which stage? ${STAGES.join(", ")} or all`);
  if (words.includes("all")) return [...STAGES];
  return words.map((word) => {
    const stage = STAGES.find((each) => each === word);
    if (stage === undefined) {
      throw new CliError(`"${printable(word)}" is no stage: ${STAGES.join(", ")} or all`);
    }
    return stage;
  });
}

function gateCommand(verb: "pause" | "resume") {
  return command(ARGS, async (args, terminal) => {
    const stages = stagesOf(args._);
    const { paused } = await ask<Status>(args, { verb, stages });
    if (args.json) terminal.out(`${JSON.stringify({ paused })}\n`);
    else terminal.out(`paused: ${paused.join(", ") || "nothing"}\n`);
    return EXIT.good;
  });
}

/** `gw pause` */
export const pause = gateCommand("pause");

/** `gw resume` */
export const resume = gateCommand("resume");

const DRAIN_ARGS = {
  ...ARGS,
  wait: { type: "boolean", description: "return when nothing is left to send" },
  timeout: {
    type: "string",
    valueHint: "TIME",
    description: "give up waiting after so long, such as 10m (exit 1)",
  },
} as const satisfies ArgsDef;
const DRAIN_LOOK_MS = 500;

/** `gw drain` */
export const drain = command(DRAIN_ARGS, async (args, terminal) => {
  const timeout =
    args.timeout === undefined ? Number.POSITIVE_INFINITY : parseDuration(args.timeout);
  if (timeout === undefined) throw new CliError("--timeout needs a time such as 10m");
  const deadline = performance.now() + timeout;
  let now = await ask<Status>(args, { verb: "pause", stages: ["receive"] });
  const isDone = () => now.scanning + now.sending + now.queue.recipients === 0;
  let shown = -1;
  while (args.wait === true && !isDone() && performance.now() < deadline) {
    if (terminal.isWatched && now.queue.recipients !== shown) {
      shown = now.queue.recipients;
      terminal.err(`${counted(shown, "recipient")} left\n`);
    }
    await Bun.sleep(DRAIN_LOOK_MS);
    now = await ask<Status>(args, { verb: "status" });
  }
  const { queue, paused } = now;
  if (args.json) terminal.out(`${JSON.stringify({ isDrained: isDone(), queue, paused })}\n`);
  else if (isDone()) terminal.out("drained: nothing is left to send; receiving stays paused\n");
  else
    terminal.out(`receiving is paused; ${counted(queue.recipients, "recipient")} left to send\n`);
  return args.wait === true && !isDone() ? EXIT.found : EXIT.good;
});
