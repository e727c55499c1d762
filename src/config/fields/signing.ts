// Settings of a [[signing]]: a key with which gw signs messages that it has changed.
import type { Schema } from "../field.ts";
import { flag, hostname, label, path } from "../types.ts";

/** What a [[signing]] has. */
export const SIGNING_FIELDS = {
  domain: {
    type: hostname(),
    default: "",
    doc: "Domain that signs; its DNS has the public key under selector._domainkey.",
    example: "example.org",
  },
  selector: {
    type: label(),
    default: "",
    doc: "Name of the key in the DNS.",
    example: "gw1",
  },
  key: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "File with the private key in PEM: RSA of at least 1024 bits, or Ed25519. It is read again when it changes.",
    example: "/etc/gw/gw1.pem",
  },
  dkim: {
    type: flag(),
    default: true,
    doc: "Sign messages that gw has changed and whose From field is of this domain (or one below it), if they came from inbound.relay_networks or a user who logged in, or with a signature of that domain that held.",
    example: false,
  },
  arc: {
    type: flag(),
    default: false,
    doc: "Seal messages that gw has changed, so that those behind it learn what was checked before. The first [[signing]] with this counts, whatever the message's domain is.",
    example: true,
  },
} as const satisfies Schema;
