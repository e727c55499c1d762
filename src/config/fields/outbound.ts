// Settings of the queue and of the side that sends mail on.
import type { Schema } from "../field.ts";
import { duration, flag, integer, ipAddress, list, oneOf, path, route } from "../types.ts";
import { EIGHT_BIT_MODES, TLS_MODES } from "./route.ts";

/** Sections queue and outbound. */
export const OUTBOUND_FIELDS = {
  "queue.retry_min": {
    type: duration({ min: "1s", max: "1d" }),
    default: "5m",
    doc: "Wait before the second attempt for a recipient. It doubles with each attempt.",
    example: "10m",
    knownAs: ["MinimalBackoffTime", "minimal_backoff_time"],
  },
  "queue.retry_max": {
    type: duration({ min: "1s", max: "7d" }),
    default: "4h",
    doc: "Longest wait between two attempts.",
    example: "1h",
    knownAs: ["MaximalBackoffTime", "maximal_backoff_time"],
  },
  "queue.lifetime": {
    type: duration({ min: "1m", max: "30d" }),
    default: "5d",
    doc: "How long delivery is tried before the sender gets a report that it failed. RFC 5321 asks for 4 to 5 days.",
    example: "2d",
    knownAs: ["MaximalQueueLifetime", "maximal_queue_lifetime"],
  },
  "queue.delay_warning": {
    type: duration({ min: "0s", max: "30d" }),
    default: "4h",
    doc: "Age from which a sender is told, once, that mail is delayed; 0s: never. Only senders who are who they seem are told: logged in, in a network that gw relays for, or confirmed by SPF or DKIM.",
    example: "12h",
    knownAs: ["delay_warning_time"],
  },
  "outbound.routes": {
    type: list(route()),
    default: [],
    doc: "Where mail goes: a domain mask and a next hop, the short form of a [[route]]. The mask is a domain, all domains below one, one address, or * for all. A next hop in brackets or with a port is that very host, a bare name is looked up by its MX records. The first line that matches counts; domains that none matches are looked up by their own MX records.",
    example: ["example.org [192.0.2.1]", "*.example.org 192.0.2.1:2525", "* relay.example.net"],
    knownAs: ["ForwardRoute", "relayhost", "transport_maps"],
  },
  "outbound.sessions_per_host_max": {
    type: integer({ min: 1, max: 1000 }),
    default: 20,
    doc: "Most sessions at the same time to one next hop.",
    example: 4,
    knownAs: ["MaximalOutgoingSessionsPerHost", "default_destination_concurrency_limit"],
    needsRestart: true,
  },
  "outbound.connect_timeout": {
    type: duration({ min: "1s", max: "10m" }),
    default: "30s",
    doc: "How long a connection to a next hop may take to come about.",
    example: "1m",
    knownAs: ["SendingInitialTimeout", "smtp_connect_timeout"],
    needsRestart: true,
  },
  "outbound.reply_timeout": {
    type: duration({ min: "1s", max: "2h" }),
    default: "5m",
    doc: "How long gw waits for a next hop's reply. RFC 5321 asks for 5 to 10 minutes.",
    example: "10m",
    knownAs: ["SendingDataTerminationTimeout", "smtp_data_done_timeout"],
    needsRestart: true,
  },
  "outbound.tls": {
    type: oneOf(TLS_MODES),
    default: "opportunistic",
    doc: "Encryption towards next hops. opportunistic: where STARTTLS is offered, without proof of the host's identity, more where outbound.mta_sts asks for it. dane: as the host's TLSA records want it, else opportunistic; needs dns.trusted. required: only with a certificate that is valid for the host. off: never.",
    example: "required",
    knownAs: ["smtp_tls_security_level"],
    needsRestart: true,
  },
  "outbound.tls_ca": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "File of the certificates (PEM) that next hops are trusted by where a valid certificate is required. Empty: the well-known ones, which gw has with it.",
    example: "/etc/gw/internal-ca.pem",
    knownAs: ["smtp_tls_CAfile"],
    needsRestart: true,
  },
  "outbound.mta_sts": {
    type: flag(),
    default: true,
    doc: "Whether domains are asked over HTTPS for their MTA-STS policy: mail for one that enforces it goes only to the hosts that it names, and only with a valid certificate. Domains of routes with exact hosts are not asked.",
    example: false,
    needsRestart: true,
  },
  "outbound.eight_bit": {
    type: oneOf(EIGHT_BIT_MODES),
    default: "convert",
    doc: "What is done with mail that has bytes above 127 if the next hop does not offer 8BITMIME. convert: parts are put into quoted-printable or base64, header fields into encoded words; what a reader sees stays the same, a DKIM signature breaks. refuse: the sender gets a report. send: it is sent as it is, as if the next hop took it.",
    example: "refuse",
    knownAs: ["disable_mime_output_conversion"],
    needsRestart: true,
  },
  "outbound.eight_bit_signed": {
    type: oneOf(["send", "refuse"]),
    default: "send",
    doc: "What is done in place of a conversion where these bytes stand in a part that must not be changed: a signed or encrypted one, or one that readers may take differently.",
    example: "refuse",
    needsRestart: true,
  },
  "outbound.source_addresses": {
    type: list(ipAddress()),
    default: [],
    doc: "Own addresses to send from, at most one of each family. Empty: the system chooses.",
    example: ["192.0.2.1", "2001:db8::1"],
    knownAs: ["smtp_bind_address", "smtp_bind_address6"],
    needsRestart: true,
  },
} as const satisfies Schema;
