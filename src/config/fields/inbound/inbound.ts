// Settings of the side that receives mail.
import type { Schema } from "../../field.ts";
import { domainMask, endpoint, integer, list, network, oneOf, path, size } from "../../types.ts";

/** Section inbound. */
export const INBOUND_FIELDS = {
  "inbound.listen": {
    type: list(endpoint()),
    default: ["0.0.0.0:25"],
    doc: "Addresses and ports where gw waits for SMTP clients. Doors with rules of their own (submission, TLS from the first byte on, LMTP, sockets) are tables, [[listener]].",
    example: ["0.0.0.0:25", "[::]:25"],
    knownAs: ["ListenOn", "inet_interfaces"],
  },
  "inbound.tls_certificate": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Certificate chain in PEM for STARTTLS, the host's own certificate first. Empty: STARTTLS is not offered.",
    example: "/etc/gw/mx1.pem",
    knownAs: ["smtpd_tls_cert_file", "smtpd_tls_chain_files"],
  },
  "inbound.tls_key": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Private key in PEM that belongs to inbound.tls_certificate.",
    example: "/etc/gw/mx1.key",
    knownAs: ["smtpd_tls_key_file"],
  },
  "inbound.message_size_max": {
    type: size({ min: "1KB", max: "512MB" }),
    default: "50MB",
    doc: "Largest message that is accepted. It is announced to clients with SIZE.",
    example: "100MB",
    knownAs: ["MaximalIncomingMessageSize", "message_size_limit"],
  },
  "inbound.recipients_max": {
    type: integer({ min: 100, max: 10000 }),
    default: 100,
    doc: "Most recipients of one message; further ones are asked to be sent in another transaction. RFC 5321 requires at least 100.",
    example: 500,
    knownAs: ["MaximalIncomingRcptsPerMessage", "smtpd_recipient_limit"],
  },
  "inbound.hops_max": {
    type: integer({ min: 10, max: 100 }),
    default: 30,
    doc: "Most Received fields of a message; one with more is taken to run in a loop and refused.",
    example: 50,
    knownAs: ["MaximalIncomingHops", "hopcount_limit"],
  },
  "inbound.bare_line_ending": {
    type: oneOf(["refuse", "normalise"]),
    default: "refuse",
    doc: "What is done with a message that has a CR or LF of its own where CRLF belongs: refuse it, or make it CRLF. Such line endings are used to smuggle a second message past a gateway.",
    example: "normalise",
    knownAs: ["smtpd_forbid_bare_newline"],
  },
  "inbound.relay_networks": {
    type: list(network()),
    default: ["127.0.0.0/8", "::1/128"],
    doc: "Networks whose clients may send to any recipient: your own mail servers.",
    example: ["127.0.0.0/8", "::1/128", "192.0.2.0/24"],
    knownAs: ["RelayRule", "mynetworks"],
  },
  "inbound.relay_domains": {
    type: list(domainMask()),
    default: [],
    doc: "Domains that mail is accepted for from anyone: your own. A mask such as *.example.org stands for all domains below it, not for example.org itself.",
    example: ["example.org", "*.example.org"],
    knownAs: ["ProtectedDomains"],
  },
} as const satisfies Schema;
