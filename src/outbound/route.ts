// A next hop: the places where it may be found, best first, and the terms on which it is spoken to.
// Only text is looked at here; names are looked up when the message is sent.
import type { Place } from "../text/mail-route.ts";

export type { Place } from "../text/mail-route.ts";

/** How a next hop is spoken to. `smtps` is TLS from the first byte on. RFC 2033, RFC 8314 §3.3. */
export type Protocol = "smtp" | "smtps" | "lmtp";

/**
 * `opportunistic`: STARTTLS where it is offered, without proof of identity, in clear where it fails.
 * `required`: only with a certificate that is valid for the host. `dane`: as the host's TLSA records
 * want it, opportunistic where it has none.
 */
export type TlsMode = "off" | "opportunistic" | "required" | "dane";

/** Opportunistic, whatever the recipient's domain asks for: how it is told that that failed. */
export type Unasked = "lenient";

/** What is done with 8-bit mail for a next hop that takes none. RFC 6152 §3. */
export type EightBit = "convert" | "refuse" | "send";

/** What gw shows itself as. RFC 4954. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/** What a route says beside the place; what is left out is as for all mail. */
export interface Terms {
  readonly protocol?: Protocol;
  readonly login?: Login;
  readonly tls?: TlsMode | Unasked;
  /** Trusted certificates, PEM. */
  readonly tlsCa?: string;
  /** The name in the certificate, if it is not the host's. */
  readonly tlsName?: string;
  readonly eightBit?: EightBit;
  /** Own addresses to send from, one of each family. */
  readonly localAddresses?: readonly string[];
  readonly sessionsMax?: number;
}

/** Several places, or one that has terms of its own. */
export interface Relay {
  readonly kind: "relay";
  /** Best first. */
  readonly places: readonly Place[];
  /** The places are alike: each session starts at another one. */
  readonly isBalanced: boolean;
  readonly terms: Terms;
  /** The same for the same relay, and no other. */
  readonly key: string;
}

/** Where mail goes. RFC 5321 §5.1. */
export type NextHop = Place | Relay;

/** Text that is the same for the same next hop, and no other; it may hold a password. */
export function hopKey(hop: NextHop): string {
  switch (hop.kind) {
    case "mx":
      return hop.domain;
    case "host":
      return `[${hop.host}]:${hop.port}`;
    case "socket":
      return `unix:${hop.path}`;
    case "relay":
      return hop.key;
    default:
      return hop satisfies never;
  }
}

/** A relay of its parts. */
export function relayTo(parts: Omit<Relay, "kind" | "key">): Relay {
  // A change of any term is another next hop: sessions that stand on the old ones must not be used.
  return { kind: "relay", ...parts, key: `relay ${JSON.stringify(parts)}` };
}

/** The places of a next hop, best first. */
export function placesOf(hop: NextHop): readonly Place[] {
  return hop.kind === "relay" ? hop.places : [hop];
}
