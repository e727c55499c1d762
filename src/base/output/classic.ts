// The log's lines as SMTP-Gateway 5.5 wrote them, for scripts that read those:
// `[date time LEVEL] id: MESSAGE key=value …`. Events without a message of that time keep their names.
import { type LogEntry, type LogFields, quoted } from "../log.ts";

/** Which event is which message, and under which keys its fields are told. */
const MESSAGES: Readonly<Record<string, readonly [message: string, keys: Record<string, string>]>> =
  {
    accepted: [
      "RECEIVED",
      {
        sender: "from",
        count: "nrcpt",
        size: "size",
        client: "client",
        helo: "helo",
        reply: "reply",
      },
    ],
    scanned: [
      "SCANNED",
      { group: "group", recipients: "nrcpt", status: "status", id: "srcid", names: "names" },
    ],
    split: ["SPLITTED", { group: "domain", recipients: "nrcpt", id: "srcid" }],
    delivered: ["DELIVERED", { recipient: "rcpt", host: "server", size: "size", reply: "reply" }],
    failed: ["DELIVERED", { recipient: "rcpt", host: "server", size: "size", reply: "reply" }],
    deferred: ["DELIVERED", { recipient: "rcpt", host: "server", size: "size", reply: "reply" }],
    blocked: ["BLOCKED", { to: "rcpt", size: "size" }],
  };
const OUTCOMES: Readonly<Record<string, string>> = {
  delivered: "sent",
  failed: "failed",
  deferred: "deferred",
};

function pairs(fields: LogFields, keys: Readonly<Record<string, string>> | undefined): string {
  const names =
    keys === undefined ? Object.keys(fields).filter((name) => name !== "id") : Object.keys(keys);
  return names
    .map((name) => {
      const value = fields[name];
      return value === undefined ? "" : ` ${keys?.[name] ?? name}=${quoted(value)}`;
    })
    .join("");
}

/** One line, without its end. */
export function classicLine({ at, level, event, fields }: LogEntry): string {
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  const time = date.toISOString().slice(0, 19).replace("T", " ");
  const [message, keys] = MESSAGES[event] ?? [event, undefined];
  // The id of a share that went its own way is that of the copy.
  const id = (event === "split" ? fields["copy"] : fields["id"]) ?? "-";
  const outcome = OUTCOMES[event];
  const status = outcome === undefined ? "" : ` status=${outcome}`;
  const head = `[${time} ${level.toUpperCase()}] ${quoted(id)}: ${message}`;
  return `${head}${pairs(fields, keys)}${status}`;
}
