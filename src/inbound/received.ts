// The trace field that every relay puts on top of a message. RFC 5321 §4.4.
import { isIPv6 } from "node:net";
import type { Client, Envelope } from "../message.ts";
import { headerDate } from "../text/header-date.ts";
import { isNonAscii } from "./address.ts";

/** What the field tells. */
export interface Trace {
  readonly client: Client;
  readonly envelope: Envelope;
  /** Name of this host. */
  readonly hostname: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

// RFC 5322 §2.1.1, without the CRLF.
const LINE_MAX = 78;
const HELO_MAX = 255;

// HELO is the client's own word. What no host name or literal holds could forge a comment, another
// clause or a whole header, and is shown as "?".
function safeName(name: string): string {
  return name.slice(0, HELO_MAX).replace(/[^\w.:[\]-]/g, "?") || "unknown";
}

function literal(address: string): string {
  return isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`;
}

// Only a message with one recipient names it: the others must not learn of each other (RFC 5321
// §7.6). An address that is not plain could end the clause early, and is left out.
function recipientClause(envelope: Envelope): string[] {
  const [recipient, ...others] = envelope.recipients;
  if (recipient === undefined || others.length > 0) return [];
  const { address } = recipient;
  const isPlain = !/[\s()<>";]/.test(address) && (envelope.isUtf8 || !isNonAscii(address));
  return isPlain ? ["for", `<${address}>`] : [];
}

/** The whole field, folded, CRLF-ended. */
export function receivedField(trace: Trace): string {
  const { client, envelope } = trace;
  // RFC 5321 §4.4: whom the connection came from, whoever that speaks for.
  const peer = client.via ?? client;
  const words = [
    "Received:",
    "from",
    safeName(peer.helo),
    `(${literal(peer.address)})`,
    "by",
    trace.hostname,
    "with",
    client.protocol,
    ...(client.tls === undefined ? [] : `(${client.tls.replace(/[^\w. -]/g, "?")})`.split(" ")),
    "id",
    trace.id,
    ...recipientClause(envelope),
  ];
  let field = "";
  let line = "";
  for (const word of [...`${words.join(" ")};`.split(" "), ...headerDate(trace.at).split(" ")]) {
    if (line !== "" && line.length + 1 + word.length > LINE_MAX) {
      field += `${line}\r\n`;
      line = `\t${word}`;
    } else line += line === "" ? word : ` ${word}`;
  }
  return `${field}${line}\r\n`;
}
