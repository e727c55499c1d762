// `gw explain`: what an event of the log means, and what to do about it.
import type { ArgsDef } from "citty";
import { EVENTS, explain as explainEvent, logPage } from "../../admin/events/events.ts";
import { nearest } from "../../text/nearest.ts";
import { typed } from "../arguments.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";

const ARGS = {
  markdown: { type: "boolean", description: "print the page docs/log.md" },
  json: OPTIONS.json,
} as const satisfies ArgsDef;

/** `gw explain` */
export const explain = command(ARGS, (args, terminal) => {
  if (args.markdown) {
    terminal.out(logPage());
    return EXIT.good;
  }
  const [word] = args._;
  const names = word === undefined ? Object.keys(EVENTS).sort() : [word];
  for (const name of names) {
    const text = explainEvent(name);
    if (text === undefined) {
      const near = nearest(name, Object.keys(EVENTS));
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      throw new CliError(`the log has no event "${typed(name)}"${hint}`);
    }
    const [meaning, remedy] = text;
    if (args.json) terminal.out(`${JSON.stringify({ event: name, meaning, remedy })}\n`);
    else if (word === undefined) terminal.out(`${name.padEnd(26)} ${meaning}\n`);
    else terminal.out(`${meaning}\n${remedy === "" ? "Nothing is to be done." : remedy}\n`);
  }
  return EXIT.good;
});
