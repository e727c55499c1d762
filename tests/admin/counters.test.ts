// The names of version 5.5's statistics: each is there, and the event that it counts moves it.
import { expect, test } from "bun:test";
import { COUNTERS, LEVELS_NOW, Statistics } from "../../src/admin/statistics.ts";
import { type LogFields, observedLog, silentLog } from "../../src/base/log.ts";

type Note = readonly [event: string, fields?: LogFields];

const refused = (reply: string): Note => ["refused", { reply }];
const ended = (reply: string): Note => ["session-ended", { reply }];

test.each<[string, readonly Note[], number]>([
  ["mta_received_messages", [["accepted", { size: 7, count: 2 }]], 1],
  ["mta_received_bytes", [["accepted", { size: 7, count: 2 }]], 7],
  ["mta_received_recipients", [["accepted", { size: 7, count: 2 }]], 2],
  ["mta_sent_messages", [["sent", { size: 9 }]], 1],
  ["mta_sent_bytes", [["sent", { size: 9 }]], 9],
  ["mta_sent_recipients", [["delivered"], ["delivered"]], 2],
  ["mta_incoming_connections_total", [["session-begun", { sessions: 1 }]], 1],
  [
    "mta_incoming_connections_maximum",
    [
      ["session-begun", { sessions: 3 }],
      ["session-begun", { sessions: 2 }],
    ],
    3,
  ],
  ["mta_incoming_connections_errors", [["session-refused"], ["session-failed"]], 2],
  ["mta_outgoing_connections_total", [["connection-opened"], ["connection-opened"]], 2],
  [
    "mta_outgoing_connections_current",
    [["connection-opened"], ["connection-opened"], ["connection-closed"]],
    1,
  ],
  [
    "mta_outgoing_connections_maximum",
    [["connection-opened"], ["connection-closed"], ["connection-opened"]],
    1,
  ],
  ["mta_outgoing_connections_current", [["connection-opened"], ["carrier-lost"]], 0],
  ["mta_outgoing_connections_errors", [["connection-failed"]], 1],
  ["mta_receivings_refused_total", [refused("550 5.1.1 x"), refused("451 4.3.0 x")], 2],
  ["mta_receivings_refused_for_message_size_limit", [refused("552 5.3.4 Message too big")], 1],
  [
    "mta_receivings_refused_for_session_size_limit",
    [ended("421 4.7.0 Too many bytes in this session")],
    1,
  ],
  ["mta_receivings_refused_for_hops_limit", [refused("554 5.4.6 x")], 1],
  [
    "mta_receivings_refused_for_messages_per_session_limit",
    [ended("421 4.7.0 Too many messages in this session")],
    1,
  ],
  ["mta_sendings_failed_total", [["failed", { reply: "550 x" }]], 1],
  ["mta_sendings_failed_for_message_size_limit", [["failed", { reply: "552 5.3.4 x" }]], 1],
  ["mta_sendings_failed_for_8bitmime", [["failed", { reply: "554 5.6.3 x" }]], 1],
  ["mta_malformed_messages", [refused("550 5.6.0 x")], 1],
  ["mta_dsn_generated", [["dsn"]], 1],
])("%s is moved by %j", (name, events, expected) => {
  const statistics = new Statistics();
  const log = observedLog(silentLog, [statistics]);
  for (const [event, fields] of events) log.info(event, fields);
  const all: Readonly<Record<string, number>> = { ...statistics.counts, ...statistics.levels };
  expect(all[name]).toBe(expected);
  expect(Object.keys({ ...COUNTERS, ...LEVELS_NOW })).toContain(name);
});
