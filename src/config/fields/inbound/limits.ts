// Limits of what clients may do, and the [[rate]] tables.
import type { Schema } from "../../field.ts";
import { duration, integer, label, oneOf, size } from "../../types.ts";

/** More of section inbound. */
export const LIMIT_FIELDS = {
  "inbound.sessions_max": {
    type: integer({ min: 1, max: 20000 }),
    default: 1000,
    doc: "Most sessions at the same time; a client beyond them is told to come back later.",
    example: 2000,
    knownAs: ["IncomingSessions", "default_process_limit"],
  },
  "inbound.sessions_per_address_max": {
    type: integer({ min: 1, max: 20000 }),
    default: 200,
    doc: "Most sessions at the same time from one IP address, so that one client cannot take them all.",
    example: 20,
    knownAs: ["MaximalIncomingSessionsPerIP", "smtpd_client_connection_count_limit"],
  },
  "inbound.messages_per_session_max": {
    type: integer({ min: 1, max: 1_000_000 }),
    default: 1000,
    doc: "Most messages of one session; it is ended with 421 then, and the client goes on in another one.",
    example: 100,
    knownAs: ["MaximalIncomingMessagesPerSession"],
  },
  "inbound.session_size_max": {
    type: size({ min: "64KB", max: "1000GB" }),
    default: "2GB",
    doc: "Most bytes of all messages of one session; it is ended with 421 before the next message then.",
    example: "500MB",
    knownAs: ["MaximalIncomingSessionSize"],
  },
  "inbound.pending_size_max": {
    type: size({ min: "1MB", max: "100GB" }),
    default: "2GB",
    doc: "Most bytes of all messages that are received and scanned at the same time. Further ones are asked to be sent later, with 452.",
    example: "500MB",
  },
  "inbound.errors_max": {
    type: integer({ min: 1, max: 1000 }),
    default: 20,
    doc: "Most refusals that a session may collect between two accepted messages before it is ended.",
    example: 10,
    knownAs: ["smtpd_hard_error_limit"],
  },
  "inbound.idle_commands_max": {
    type: integer({ min: 5, max: 10000 }),
    default: 100,
    doc: "Most commands that bring no message forward (NOOP, RSET, VRFY, EHLO) between two accepted messages.",
    example: 50,
    knownAs: ["smtpd_junk_command_limit"],
  },
  "inbound.idle_timeout": {
    type: duration({ min: "5s", max: "1h" }),
    default: "5m",
    doc: "How long gw waits for a client's next command or data. RFC 5321 asks for at least 5 minutes.",
    example: "10m",
    knownAs: ["ReceivingCommandTimeout", "ReadTimeout", "smtpd_timeout"],
  },
  "inbound.session_time_max": {
    type: duration({ min: "1m", max: "24h" }),
    default: "1h",
    doc: "Longest session without a message under way, and longest transfer of one message: a client that sends byte by byte does not hold its place for ever.",
    example: "30m",
    knownAs: ["ReceivingDataTerminationTimeout"],
  },
  "inbound.greeting_delay": {
    type: duration({ min: "0s", max: "60s" }),
    default: "0s",
    doc: "How long the greeting is held back from clients outside inbound.relay_networks. Who talks before it is turned away: many programs that send junk do. 0s: only what has come at once is seen.",
    example: "3s",
    knownAs: ["postscreen_greet_wait"],
  },
  "inbound.tarpit_delay": {
    type: duration({ min: "0s", max: "60s" }),
    default: "1s",
    doc: "How long each further command waits for its reply once a session has had inbound.tarpit_after refusals. 0s: never.",
    example: "5s",
    knownAs: ["smtpd_error_sleep_time"],
  },
  "inbound.tarpit_after": {
    type: integer({ min: 0, max: 1000 }),
    default: 10,
    doc: "Refusals between two accepted messages after which a session is slowed down.",
    example: 5,
    knownAs: ["smtpd_soft_error_limit"],
  },
} as const satisfies Schema;

/** What every [[rate]] has. */
export const RATE_FIELDS = {
  name: {
    type: label(),
    default: "",
    doc: "Name of the rate in the log.",
    example: "bulk",
  },
  of: {
    type: oneOf(["sessions", "messages", "recipients", "bytes"]),
    default: "messages",
    doc: "What is counted.",
    example: "recipients",
  },
  per: {
    type: oneOf(["address", "network", "sender", "user"]),
    default: "address",
    doc: "Whose are counted together: a client address, a network of 256 IPv4 addresses or 48 bits of IPv6, an envelope sender, a user who has logged in. Addresses and networks in inbound.relay_networks have no rate. Sessions and senders: only address and network are known when a session begins.",
    example: "user",
  },
  max: {
    type: integer({ min: 1, max: 1_000_000_000 }),
    default: 1000,
    doc: "How many there may be; what comes beyond is refused for the time being, with 421 or 450.",
    example: 100,
    knownAs: ["smtpd_client_message_rate_limit", "smtpd_client_recipient_rate_limit"],
  },
  within: {
    type: duration({ min: "1s", max: "24h" }),
    default: "1h",
    doc: "Within which time.",
    example: "1m",
    knownAs: ["anvil_rate_time_unit"],
  },
} as const satisfies Schema;
