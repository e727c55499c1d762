// Settings of who may send what: rules of the session, checks of the sender, and rules about their
// results. Every list of rules is tried from its top; the first rule that fits counts.

import type { Schema } from "../field.ts";
import { duration, flag, list } from "../types.ts";
import { accessRule } from "./rule.ts";

/** Sections access and authentication. */
export const ACCESS_FIELDS = {
  "authentication.check": {
    type: flag(),
    default: false,
    doc: "Mail from outside is checked by SPF, DKIM, DMARC and ARC, and what they say is written into a header field Authentication-Results; such fields that somebody else wrote in this host's name are taken out. Not checked are clients in inbound.relay_networks and those that have logged in.",
    example: true,
  },
  "authentication.timeout": {
    type: duration({ min: "1s", max: "2m" }),
    default: "20s",
    doc: "How long the checks of one message may take. What is not known by then is temperror.",
    example: "10s",
    needsRestart: true,
  },
  "authentication.rules": {
    type: list(accessRule("message")),
    default: [],
    doc: "What is done with checked messages, by what the checks say: deny, defer, quarantine, tag or allow, from conditions, to a mask of recipients. dmarc_reject and dmarc_quarantine mean that DMARC failed and the owner of the domain asks for that; dkim_pass means one good signature, dkim_fail that there are signatures and none is good. A rule can't make a message pass that a scan or another rule holds back.",
    example: ["deny from dmarc_reject to *", "quarantine from dmarc_quarantine to *"],
  },
} as const satisfies Schema;
