// `gw top`: the gateway's present on one screen, drawn again every second.
import type { ArgsDef } from "citty";
import type { Activity } from "../../admin/protocol.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { PLACE, type PlaceArgs } from "../place.ts";
import type { Terminal } from "../view/terminal.ts";
import { ask } from "./client.ts";
import { drawScreen } from "./screen.ts";

const ARGS = {
  ...PLACE,
  once: { type: "boolean", description: "print one screen and end" },
  interval: { type: "string", valueHint: "SECONDS", description: "time between looks; default 1" },
  json: OPTIONS.json,
} as const satisfies ArgsDef;

const INTERVAL_MAX_S = 3_600;
const ROWS_DEFAULT = 24;
const COLUMNS_DEFAULT = 80;

// Sequences of ECMA-48 that every terminal of today knows, ssh, tmux and the console among them.
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_REST = "\u001b[J";
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

function options(terminal: Terminal) {
  const { columns = COLUMNS_DEFAULT, rows = ROWS_DEFAULT } = process.stdout;
  const { LC_ALL, LC_CTYPE, LANG = "" } = process.env;
  return {
    columns: Math.max(20, columns),
    rows: Math.max(5, rows),
    paint: terminal.paint,
    isPlain: !/utf-?8/i.test(LC_ALL || LC_CTYPE || LANG),
  };
}

/** Each line is written over the one before it: nothing is cleared first, so nothing flickers. */
export function frameOf(lines: readonly string[]): string {
  return `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join("\r\n")}${CLEAR_REST}`;
}

function intervalOf(text: string | undefined): number {
  const seconds = text === undefined ? 1 : Number(text);
  if (!(seconds >= 0.1 && seconds <= INTERVAL_MAX_S)) {
    throw new CliError(`--interval needs seconds from 0.1 to ${INTERVAL_MAX_S}`);
  }
  return seconds * 1000;
}

const look = (args: PlaceArgs) => ask<Activity>(args, { verb: "activity" });

// Draws until q, Ctrl-C or a signal; the terminal is left as it was found, whatever happens.
async function follow(args: PlaceArgs, terminal: Terminal, intervalMs: number): Promise<void> {
  const ending = Promise.withResolvers<void>();
  const { stdin, stdout } = process;
  const onKey = (key: Buffer) => {
    if (["q", "Q", CTRL_C, CTRL_D].includes(key.toString())) ending.resolve();
  };
  let before: Activity | undefined;
  let now = await look(args);
  const draw = () => terminal.out(frameOf(drawScreen(now, before, options(terminal))));
  const onResize = () => {
    terminal.out("\u001b[2J");
    draw();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const onSignal = () => ending.resolve();
  for (const signal of signals) process.on(signal, onSignal);
  terminal.out(ENTER);
  stdin.setRawMode?.(true);
  stdin.on("data", onKey).resume();
  stdout.on("resize", onResize);
  let isEnded = false;
  const ended = ending.promise.then(() => {
    isEnded = true;
  });
  try {
    while (!isEnded) {
      draw();
      await Promise.race([ended, Bun.sleep(intervalMs)]);
      if (isEnded) break;
      const next = await look(args);
      [before, now] = [now, next];
    }
  } finally {
    stdout.off("resize", onResize);
    for (const signal of signals) process.off(signal, onSignal);
    stdin.off("data", onKey).pause();
    stdin.setRawMode?.(false);
    terminal.out(LEAVE);
  }
}

/** `gw top` */
export const top = command(ARGS, async (args, terminal) => {
  const intervalMs = intervalOf(args.interval);
  if (args.json) {
    terminal.out(`${JSON.stringify(await look(args))}\n`);
  } else if (args.once || !terminal.isTerminal) {
    const before = await look(args);
    await Bun.sleep(intervalMs);
    const lines = drawScreen(await look(args), before, options(terminal));
    terminal.out(
      `${lines
        .slice(0, -1)
        .map((line) => line.trimEnd())
        .join("\n")
        .trimEnd()}\n`,
    );
  } else await follow(args, terminal, intervalMs);
  return EXIT.good;
});
