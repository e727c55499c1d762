// A message record for tests and benches.
import type { MessageRecord, Recipient } from "../../src/message.ts";

/** A record with the given envelope parts. */
export function sampleRecord(
  id: string,
  parts: Partial<MessageRecord> & { sender?: string; recipients?: readonly Recipient[] } = {},
): MessageRecord {
  const { sender = "a@example.org", recipients = [{ address: "b@example.net" }], ...rest } = parts;
  return {
    id,
    receivedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    client: { address: "192.0.2.1", port: 1025, helo: "client.example.org", protocol: "ESMTP" },
    envelope: { sender, recipients, isUtf8: false, body: "7bit" },
    trace: "Received: from client.example.org by gw\r\n",
    size: 0,
    messageId: `<${id}@example.org>`,
    subject: "a subject",
    status: "clean",
    findings: [],
    ...rest,
  };
}
