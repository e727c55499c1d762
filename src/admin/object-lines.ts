// One line for each object that was scanned, with the columns that the statistics of version 5.5 had,
// separated by tabs: time, size, sender, recipients, status, what was found, client, Message-ID.
import type { Settled } from "../pipeline/trail.ts";
import { printable } from "../text/printable.ts";

/** Objects of one message that have lines, and recipients that a line names. */
const OBJECTS_MAX = 1_000;
const RECIPIENTS_MAX = 100;

/** The lines of one message, without their ends. */
export function objectLines(message: Settled, at: number): string[] {
  const { client, envelope, messageId, verdict } = message;
  const time = new Date(at).toISOString();
  const recipients = envelope.recipients.slice(0, RECIPIENTS_MAX).map(({ address }) => address);
  return verdict.objects.slice(0, OBJECTS_MAX).map(({ size, status, findings }) => {
    const names = [...new Set(findings.map(({ signature }) => signature))];
    const columns = [
      ...[time, String(size), envelope.sender || "<>", recipients.join(","), status],
      ...[names.join(",") || "-", client.address, messageId || "-"],
    ];
    return columns.map((text) => printable(text)).join("\t");
  });
}
