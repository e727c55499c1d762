// All events of the log, and their page of the documentation.
import type { EventTable, EventText } from "./event.ts";
import { MAIL_EVENTS } from "./mail.ts";
import { SERVICE_EVENTS } from "./service.ts";

/** All events by name. */
export const EVENTS: EventTable = { ...MAIL_EVENTS, ...SERVICE_EVENTS };

/** The text of an event; undefined if there is none. */
export function explain(event: string): EventText | undefined {
  if (Object.hasOwn(EVENTS, event)) return EVENTS[event];
  const family = Object.keys(EVENTS).find(
    (name) => name.endsWith("*") && event.startsWith(name.slice(0, -1)),
  );
  return family === undefined ? undefined : EVENTS[family];
}

function table(events: EventTable): string {
  const rows = Object.entries(events).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = rows.map(([name, [meaning, remedy]]) => `| \`${name}\` | ${meaning} | ${remedy} |`);
  return ["| event | what it means | what to do |", "|---|---|---|", ...lines].join("\n");
}

/** docs/log.md. */
export function logPage(): string {
  return `# The log

Made by \`gw explain --markdown\`; \`gw explain EVENT\` tells the same of one event.

Each line is one fact: time, level (\`log.level\`: error, warn, info, debug), event, then \`key=value\`. \`id\` is the message's, on
every line that is about one. \`log.format\` makes JSON of it, with the same names, or the lines of SMTP-Gateway 5.5. Values come
from strangers: control and direction characters in them are written as \`\\u001b\`. Passwords and the text of messages are never
logged.

The log goes to standard output or to \`log.file\`, which SIGUSR1 opens anew; to a log host in CEF (\`log.syslog\`); and
\`log.objects\` takes one line for each scanned object. Mail waits for none of them: what a reader does not take in time is left
out, and told with the next line.

## Mail

${table(MAIL_EVENTS)}

## The gateway

${table(SERVICE_EVENTS)}
`;
}
