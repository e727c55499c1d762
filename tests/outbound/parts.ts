// What the tests of the sending side share: short timeouts, deliveries, a log that can be read.
import type { Log, LogFields } from "../../src/base/log.ts";
import type { Outcome, Recipient } from "../../src/message.ts";
import {
  COURIER_DEFAULTS,
  type CourierSettings,
  type Delivery,
  type SessionTerms,
} from "../../src/outbound/settings.ts";
import type { NextHopServer } from "../harness/next-hop.ts";

/** Settings for a far side that is near: every wait is short. */
export const SETTINGS: CourierSettings = {
  ...COURIER_DEFAULTS,
  hostname: "gw.test",
  timeouts: {
    connectMs: 2000,
    greetingMs: 2000,
    commandMs: 2000,
    dataBlockMs: 2000,
    dataEndMs: 2000,
  },
  sessionIdleMs: 60_000,
  mxPort: 1,
};

/** Settings under which every silence is over soon. */
export const IMPATIENT: CourierSettings = {
  ...SETTINGS,
  timeouts: {
    connectMs: 150,
    greetingMs: 150,
    commandMs: 150,
    dataBlockMs: 150,
    dataEndMs: 150,
  },
};

/** Terms of sessions that are not encrypted. */
export const IN_CLEAR: SessionTerms = {
  protocol: "smtp",
  tls: "off",
  eightBit: "convert",
  localAddresses: [],
};

export const TRACE = "Received: from a by gw.test; Sun, 22 Nov 2026 20:00:00 +0000\r\n";
export const BODY = "Subject: hello\r\n\r\n.one\r\ntwo\r\n";

/** Recipients by their addresses. */
export function recipients(...addresses: string[]): Recipient[] {
  return addresses.map((address) => ({ address }));
}

/** A small message for a next hop; `changes` say what is special about it. */
export function deliveryTo(hop: NextHopServer, changes: Partial<Delivery> = {}): Delivery {
  return {
    id: "0000000000A",
    nextHop: { kind: "host", host: "127.0.0.1", port: hop.port },
    envelope: { sender: "from@example.org", isUtf8: false, body: "7bit" },
    recipients: recipients("to@example.org"),
    trace: TRACE,
    body: { kind: "bytes", bytes: Buffer.from(BODY) },
    ...changes,
  };
}

/** Kinds and codes: `delivered 250`. */
export function brief(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ kind, reply }) => `${kind} ${reply.slice(0, 3)}`);
}

/** A log whose events are kept, those for debugging left out. */
export function keptLog(): Log & { readonly events: string[]; readonly fields: LogFields[] } {
  const events: string[] = [];
  const fields: LogFields[] = [];
  const keep = (event: string, more: LogFields = {}) => {
    events.push(event);
    fields.push(more);
  };
  return { events, fields, error: keep, warn: keep, info: keep, debug: () => undefined };
}
