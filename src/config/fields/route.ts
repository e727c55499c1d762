// Settings of a [[route]]: whose mail it takes, to which hosts, and on what terms.
import type { Schema } from "../field.ts";
import {
  duration,
  flag,
  hostname,
  integer,
  ipAddress,
  list,
  nextHop,
  oneOf,
  path,
  phrase,
  routeMask,
  secret,
} from "../types.ts";

/** How mail may be encrypted towards next hops. */
export const TLS_MODES = ["opportunistic", "dane", "required", "off"] as const;

/** What may be done with 8-bit mail for a next hop that takes none. */
export const EIGHT_BIT_MODES = ["convert", "refuse", "send"] as const;

/** What every [[route]] has. */
export const ROUTE_FIELDS = {
  to: {
    type: list(routeMask()),
    default: [],
    doc: "Recipients the route is for: domains, masks of all domains below one, single addresses, or * for all. The first route that matches counts; tables come before outbound.routes.",
    example: ["example.org", "*.example.org", "boss@example.net"],
    knownAs: ["ForwardRoute", "transport_maps"],
  },
  hosts: {
    type: list(nextHop()),
    default: [],
    doc: "Where the mail goes, best first: a host in brackets or with a port is that very host, a bare name is looked up by its MX records, unix:/path is a socket. The next one is tried when all addresses of those before it can't be reached.",
    example: ["[192.0.2.10]", "[192.0.2.11]:2525", "relay.example.net"],
  },
  balance: {
    type: flag(),
    default: false,
    doc: "Whether the hosts are alike: sessions are then spread over them at random.",
    example: true,
  },
  protocol: {
    type: oneOf(["smtp", "smtps", "lmtp"]),
    default: "smtp",
    doc: "How the hosts are spoken to. smtps: SMTP inside TLS from the first byte on, mostly port 465. lmtp: the protocol of mail stores, with an answer for each recipient.",
    example: "lmtp",
  },
  user: {
    type: phrase(255),
    default: "",
    doc: "User to log in as (AUTH PLAIN or LOGIN). The password is only sent over TLS, or through a unix socket. Empty: no login.",
    example: "gw@example.org",
    knownAs: ["smtp_sasl_password_maps"],
  },
  password: {
    type: secret(),
    default: "",
    doc: "Password of that user. Whoever can read the file can read it.",
    example: "correct horse battery staple",
  },
} as const satisfies Schema;

/** What a [[route]] may have; what is left out is as for all mail. */
export const ROUTE_RULE_FIELDS = {
  tls: {
    type: oneOf(TLS_MODES),
    default: "opportunistic",
    doc: "Encryption towards these hosts, as in outbound.tls.",
    example: "required",
    knownAs: ["smtp_tls_policy_maps"],
  },
  tls_ca: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "File of the certificates (PEM) that these hosts are trusted by, in place of outbound.tls_ca.",
    example: "/etc/gw/internal-ca.pem",
  },
  tls_name: {
    type: hostname(),
    default: "",
    doc: "Name that the hosts' certificate must have. Empty: that of the host.",
    example: "mail.internal.example.org",
  },
  eight_bit: {
    type: oneOf(EIGHT_BIT_MODES),
    default: "convert",
    doc: "What is done with 8-bit mail if a host takes none, as in outbound.eight_bit.",
    example: "refuse",
  },
  source_addresses: {
    type: list(ipAddress()),
    default: [],
    doc: "Own addresses to send from, at most one of each family, as in outbound.source_addresses.",
    example: ["192.0.2.1", "2001:db8::1"],
    knownAs: ["smtp_bind_address"],
  },
  sessions_max: {
    type: integer({ min: 1, max: 1000 }),
    default: 20,
    doc: "Most sessions at the same time to these hosts together, as in outbound.sessions_per_host_max.",
    example: 2,
  },
  retry_min: {
    type: duration({ min: "1s", max: "1d" }),
    default: "5m",
    doc: "Wait before the second attempt, as in queue.retry_min.",
    example: "1m",
  },
  retry_max: {
    type: duration({ min: "1s", max: "7d" }),
    default: "4h",
    doc: "Longest wait between two attempts, as in queue.retry_max.",
    example: "10m",
  },
  lifetime: {
    type: duration({ min: "1m", max: "30d" }),
    default: "5d",
    doc: "How long delivery is tried, as in queue.lifetime.",
    example: "1d",
  },
} as const satisfies Schema;
