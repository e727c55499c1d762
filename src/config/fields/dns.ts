// Settings of DNS, for all that asks it: both sides of SMTP, access rules and authentication.
import type { Schema } from "../field.ts";
import { duration, flag, list, resolver } from "../types.ts";

/** Section dns. */
export const DNS_FIELDS = {
  "dns.servers": {
    type: list(resolver()),
    default: [],
    doc: "DNS servers that are asked, one after the other until one answers. Empty: those in /etc/resolv.conf.",
    example: ["192.0.2.53", "192.0.2.54:5353"],
    knownAs: ["dns_servers", "nameserver"],
    needsRestart: true,
  },
  "dns.trusted": {
    type: flag(),
    default: false,
    doc: "Whether what the DNS servers say of DNSSEC may be believed: they validate, and nobody can change their answers on the way here, because they run on this host or behind a link of your own. DANE needs it.",
    example: true,
    needsRestart: true,
  },
  "dns.timeout": {
    type: duration({ min: "100ms", max: "1m" }),
    default: "3s",
    doc: "How long one DNS server has to answer one question. Each is asked twice.",
    example: "5s",
    knownAs: ["IONetworkTimeout"],
    needsRestart: true,
  },
} as const satisfies Schema;
