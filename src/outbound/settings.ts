// Settings of the sending side, and what the two threads say to each other: the main thread hands
// deliveries over, the worker answers with outcomes. Everything here can be cloned between threads.
import type { Endpoint } from "../base/endpoint.ts";
import type { LogFields, LogLevel } from "../base/log.ts";
import type { TlsAssociation } from "../dns/records.ts";
import type { Body, Envelope, Outcome, Recipient } from "../message.ts";
import type { EightBit, Login, NextHop, Protocol, TlsMode, Unasked } from "./route.ts";
import type { KnownPolicy } from "./security/sts-policy.ts";
import type { TlsResult } from "./security/tls-results.ts";
import type { Timeouts } from "./session/connection.ts";

/** One message for the recipients that share a next hop. */
export interface Delivery {
  /** Queue id, for the log. */
  readonly id: string;
  readonly nextHop: NextHop;
  readonly envelope: Omit<Envelope, "recipients">;
  readonly recipients: readonly Recipient[];
  /** Header lines to put above the body, CRLF-ended. */
  readonly trace: string;
  readonly body: Body;
}

/** All that the worker has to know. Times in milliseconds. */
export interface CourierSettings {
  /** Name given in EHLO. */
  readonly hostname: string;
  readonly tls: TlsMode;
  /** Trusted certificates for `required`, PEM; those of the system if left out. */
  readonly tlsCa?: string;
  /** MTA-STS: left out, it is not asked for. */
  readonly sts?: { readonly port: number; readonly known: readonly KnownPolicy[] };
  readonly timeouts: Timeouts;
  /** Sessions at one time to one next hop, and in all. */
  readonly sessionsPerHostMax: number;
  readonly sessionsMax: number;
  /** Messages after which a session is closed and another one opened. */
  readonly messagesPerSessionMax: number;
  /** How long a session is kept open for the next message. */
  readonly sessionIdleMs: number;
  /** First and longest wait before a next hop that can't be reached is tried again. */
  readonly downMinMs: number;
  readonly downMaxMs: number;
  readonly dns: {
    /** Empty: those of /etc/resolv.conf. */
    readonly servers: readonly Endpoint[];
    readonly timeoutMs: number;
    readonly rounds: number;
  };
  readonly eightBit: EightBit;
  /** In place of "convert" for what must not be changed. */
  readonly eightBitSigned: Exclude<EightBit, "convert">;
  /** Own addresses to send from, one of each family; empty: the system's choice. */
  readonly localAddresses: readonly string[];
  /** Port of hosts found by MX. */
  readonly mxPort: number;
  /**
   * Whether MX records may name this very host (127/8, ::1). They don't on the open net, except to
   * have gateways mail themselves; routes may name it always.
   */
  readonly isLoopbackMxAllowed: boolean;
  /** How encryption went is counted, for reports. RFC 8460. */
  readonly isTlsCounted: boolean;
}

/** What holds unless told otherwise. RFC 5321 §4.5.3.2 for the times. */
export const COURIER_DEFAULTS: Omit<CourierSettings, "hostname"> = {
  tls: "opportunistic",
  timeouts: {
    connectMs: 30_000,
    greetingMs: 300_000,
    commandMs: 300_000,
    dataBlockMs: 180_000,
    dataEndMs: 600_000,
  },
  sessionsPerHostMax: 20,
  sessionsMax: 500,
  messagesPerSessionMax: 100,
  sessionIdleMs: 3000,
  downMinMs: 1000,
  downMaxMs: 60_000,
  dns: { servers: [], timeoutMs: 3000, rounds: 2 },
  eightBit: "convert",
  eightBitSigned: "send",
  localAddresses: [],
  mxPort: 25,
  isLoopbackMxAllowed: false,
  isTlsCounted: false,
};

/** How the sessions of one next hop are held. */
export interface SessionTerms {
  readonly protocol: Protocol;
  /** `encrypted`: only with TLS, whoever the far side is, unless `tlsa` says who. */
  readonly tls: TlsMode | Unasked | "encrypted";
  /** The far side must be one of these. */
  readonly tlsa?: readonly TlsAssociation[];
  /** In place of those for all mail. */
  readonly tlsCa?: string;
  /** The name in the certificate, if it is not the host's. */
  readonly tlsName?: string;
  readonly eightBit: EightBit;
  readonly localAddresses: readonly string[];
  readonly login?: Login;
}

/** The terms of a next hop: its route's own, else those for all mail. */
export function sessionTerms(hop: NextHop, settings: CourierSettings): SessionTerms {
  const { tls, eightBit, localAddresses } = settings;
  const own = hop.kind === "relay" ? hop.terms : {};
  return { protocol: "smtp", tls, eightBit, localAddresses, ...own };
}

/** Main thread to worker. `deliver` holds all that came up in one turn of the event loop. */
export type Order =
  | { readonly kind: "start"; readonly settings: CourierSettings }
  | { readonly kind: "deliver"; readonly deliveries: readonly NumberedDelivery[] }
  | { readonly kind: "stop" };

/** A delivery and the number its outcomes will carry. */
export interface NumberedDelivery {
  readonly number: number;
  readonly delivery: Delivery;
}

/** A line for the main thread's log. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** Worker to main thread. */
export interface Report {
  readonly isReady?: boolean;
  readonly ends?: readonly { readonly number: number; readonly outcomes: readonly Outcome[] }[];
  readonly logs?: readonly LogEntry[];
  /** MTA-STS policies that are new. */
  readonly policies?: readonly KnownPolicy[];
  readonly tlsResults?: readonly TlsResult[];
}
