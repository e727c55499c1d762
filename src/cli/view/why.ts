// What was decided about a message, in sentences. Everything that a sender could have written is
// made harmless before it is shown.
import type { MessageTrail, RefusalTrail, TrailRecord, TrailShare } from "../../pipeline/trail.ts";
import type { NewOutcome } from "../../store/rows/decision-rows.ts";
import { printable } from "../../text/printable.ts";
import { roundSize } from "../../text/units.ts";
import { paintStatus } from "./scan-report.ts";
import { counted, showSender, showTime } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** What is known of one decision today. */
export interface Explained {
  readonly at: number;
  readonly record: TrailRecord;
  /** Outcomes of attempts, and where the message is now, by the id it was stored under. */
  readonly parts: readonly PartState[];
}

/** A stored message as it is now. */
export interface PartState {
  readonly id: string;
  readonly outcomes: readonly NewOutcome[];
  /** `waits in the queue for b@example.org`; "" if it is nowhere any more. */
  readonly now: string;
}

const RECIPIENTS_SHOWN_MAX = 5;
const TREATED_SHOWN_MAX = 20;

/** One decision as lines of text. */
export function explain(terminal: Terminal, { at, record, parts }: Explained): string {
  const lines =
    record.kind === "refusal"
      ? explainRefusal(record)
      : explainMessage(terminal, record, new Map(parts.map((part) => [part.id, part])));
  const [first = "", ...rest] = lines;
  const time = terminal.paint("strong", showTime(at));
  return [`${time}  ${first}`, ...rest.map((line) => `    ${line}`), ""].join("\n");
}

function fromClient({ client }: TrailRecord): string {
  const helo = client.helo === "" ? "" : ` (${printable(client.helo)})`;
  return client.address === "" ? "gw itself" : `${printable(client.address)}${helo}`;
}

function named(addresses: readonly string[]): string {
  const shown = addresses.slice(0, RECIPIENTS_SHOWN_MAX).map(printable).join(", ");
  const more = addresses.length - RECIPIENTS_SHOWN_MAX;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function explainRefusal(record: RefusalTrail): string[] {
  const from = fromClient(record);
  const sender = record.sender === undefined ? "" : ` from ${printable(showSender(record.sender))}`;
  const to = record.recipients.length === 0 ? "" : ` to ${named(record.recipients)}`;
  const what = {
    connection: `The connection of ${from}`,
    MAIL: `The sender ${printable(showSender(record.sender ?? ""))} of ${from}`,
    RCPT: `The recipient ${named(record.recipients)} of a message${sender} of ${from}`,
  }[record.stage];
  const subject = what ?? `A message${sender}${to} of ${from}`;
  const because = record.cause === undefined ? "" : ` (${printable(record.cause)})`;
  return [`${subject} was refused: ${printable(record.reply)}${because}.`];
}

function explainMessage(
  terminal: Terminal,
  record: MessageTrail,
  parts: ReadonlyMap<string, PartState>,
): string[] {
  const { id, sender, subject, messageId, size, objectCount, elapsedMs } = record;
  const recipients = record.shares.flatMap((share) => share.recipients);
  const name = messageId === "" ? "" : ` ${printable(messageId)}`;
  const status = paintStatus(terminal, record.status);
  return [
    `Message ${id} from ${printable(showSender(sender))} to ${named(recipients)}.`,
    `${fromClient(record)} handed it over: "${printable(subject)}"${name}, ${roundSize(size)}.`,
    `It was looked at in ${elapsedMs} ms: ${counted(objectCount, "object")}, the worst ${status}` +
      ` (signatures ${printable(record.signatureSet)}).`,
    ...explainSender(record),
    ...record.objects.map((object) => {
      const why = [...object.findings, ...object.notes].map(printable).join("; ");
      const shown = paintStatus(terminal, object.status);
      return `  ${printable(object.path)} (${printable(object.type)}) is ${shown}: ${why}`;
    }),
    ...record.shares.flatMap((share) => explainShare(share, parts)),
    ...record.copies.map((copy) => {
      return `A copy was kept in the ${copy.place} as ${copy.id}.${stateOf(parts.get(copy.id))}`;
    }),
    `The client was told: ${printable(record.reply)}.`,
  ];
}

function explainSender({ authentication, tags = [] }: MessageTrail): string[] {
  const tagged = tags.length === 0 ? [] : [`Rules tagged it: ${tags.map(printable).join(", ")}.`];
  if (authentication === undefined) return tagged;
  const { spf, dkim, dmarc, arc } = authentication;
  const about = (domain: string) => (domain === "" ? "" : ` (${printable(domain)})`);
  const signatures = dkim.map(({ result, domain }) => `${result}${about(domain)}`).join(", ");
  const asked = dmarc.result === "fail" ? `, whose owner asks for "${dmarc.policy}"` : "";
  return [
    `Its sender was checked: SPF ${spf.result}${about(spf.domain)}, DKIM ${signatures || "none"}, ` +
      `DMARC ${dmarc.result}${about(dmarc.domain)}${asked}, ARC ${arc.result}.`,
    ...tagged,
  ];
}

function stateOf(part: PartState | undefined): string {
  return part === undefined || part.now === "" ? "" : ` It ${part.now}.`;
}

function explainShare(share: TrailShare, parts: ReadonlyMap<string, PartState>): string[] {
  const { group, recipients, rule, disposition } = share;
  const reason = "reason" in disposition && disposition.reason ? ` (${disposition.reason})` : "";
  const done = {
    queue: `it was queued as ${share.id}`,
    quarantine: `it was kept in quarantine as ${share.id}`,
    refused: disposition.kind === "defer" ? "it was put off" : "it was refused",
    blocked: "it was accepted and delivered to nobody",
  }[share.place];
  const because = rule === "" ? "no rule objected" : `the rule ${rule} fired`;
  const part = parts.get(share.id);
  return [
    `Group ${printable(group)} (${named(recipients)}): ${because}, so ${done}` +
      `${printable(reason)}.${stateOf(part)}`,
    ...treatedLines(share),
    ...share.notes.map((note) => `  ${printable(note)}`),
    ...share.filtered.map((one) => `  filter ${printable(one.filter)}: ${printable(one.path)}`),
    ...share.exempted.map((one) => {
      return `  exemption ${one.exemption} let ${printable(one.path)} pass`;
    }),
    ...(part?.outcomes ?? []).map((outcome) => {
      const { recipient, kind, host, reply, at } = outcome;
      const where = host === "" ? "" : ` by ${printable(host)}`;
      return `  ${showTime(at)} ${printable(recipient)}: ${kind}${where}: ${printable(reply)}`;
    }),
  ];
}

const DONE: Readonly<Record<string, string>> = {
  cure: "was cured",
  rename: "was renamed",
  placeholder: "was replaced by a text",
  remove: "was taken out",
};

function treatedLines({ treated }: TrailShare): string[] {
  const lines = treated.slice(0, TREATED_SHOWN_MAX).map(({ action, path, object }) => {
    return `  ${printable(path ?? `object ${object}`)} ${DONE[action] ?? action}`;
  });
  const left = treated.length - lines.length;
  return left > 0 ? [...lines, `  and ${left} more`] : lines;
}
