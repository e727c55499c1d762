// What a next hop's replies, and the lack of them, mean for a recipient. One bit drives the queue:
// a 5yz reply is permanent, everything else that is no 2yz is tried again. RFC 5321 §4.2.1.
import type { Outcome } from "../message.ts";

/** Longest text kept of a remote reply, characters: it ends up in logs and delivery reports. */
const REPLY_LENGTH_MAX = 500;

/** A reply that parses: three digits, then a space, a hyphen or the end. RFC 5321 §4.2. */
const REPLY = /^[2-5]\d\d(?:[ -]|$)/;

/**
 * Outcomes that gw finds itself, as a reply would say them (RFC 3463, RFC 5248): they stand in
 * delivery reports beside real replies.
 */
export const TROUBLE = {
  noConnection: "451 4.4.1 No answer from host",
  lostConnection: "451 4.4.2 Connection lost",
  refusedSession: "451 4.3.2 Next hop refused the session",
  timeout: "451 4.4.2 Next hop took too long",
  dnsTrouble: "451 4.4.3 Name server did not answer",
  noRouteHost: "451 4.4.4 Configured next hop not found",
  protocol: "451 4.5.0 Next hop gave no valid reply",
  local: "451 4.3.0 Temporary local error",
  shuttingDown: "451 4.3.2 Gateway is stopping",
  tooMuch: "451 4.3.2 Too many deliveries at once",
  tls: "451 4.7.5 Required encryption not possible",
  loginInClear: "451 4.7.11 Login needs encryption, which the next hop does not have",
  noLogin: "451 4.7.0 Next hop knows no way to log in that is known here",
  loginRefused: "451 4.7.8 Next hop refused the login",
  noDomain: "550 5.1.2 Domain does not exist",
  badAddress: "553 5.1.3 Address cannot be sent on",
  // RFC 7505 §4.2, RFC 7504.
  nullMx: "556 5.1.10 Domain does not accept mail",
  noUsableHost: "550 5.4.4 No host takes mail for the domain",
  tooBig: "552 5.3.4 Message is larger than the next hop takes",
  // RFC 6152 §3, RFC 3463 §3.7.
  needsEightBit: "554 5.6.3 Next hop takes only 7-bit mail",
  // RFC 6531 §3.5, RFC 5248 §2.4.
  needsUtf8: "553 5.6.7 Next hop does not support internationalized mail",
} as const;

// One line without control characters: a reply is the far side's text, and it goes into our logs
// and reports. Codes of continuation lines are dropped.
function oneLine(reply: string): string {
  return (
    reply
      .slice(0, REPLY_LENGTH_MAX * 2)
      .replace(/\r?\n\d{3}(?:[ -]|$)/g, " ")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
      .replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ")
      .trim()
      .slice(0, REPLY_LENGTH_MAX)
  );
}

/** True if the text is an SMTP reply at all. */
export function isReply(text: string): boolean {
  return REPLY.test(text);
}

/** True of a positive completion reply (2yz). */
export function isPositive(reply: string): boolean {
  return reply.startsWith("2") && isReply(reply);
}

/** What a reply means for its recipient; what is no reply is a protocol error, hence temporary. */
export function outcomeOf(reply: string, host: string): Outcome {
  if (!isReply(reply)) {
    return { kind: "deferred", reply: `${TROUBLE.protocol}: ${oneLine(reply)}`, host };
  }
  const kind = reply.startsWith("2") ? "delivered" : reply.startsWith("5") ? "failed" : "deferred";
  // 3yz where an end was due: the dialogue is out of step, nothing is known.
  if (reply.startsWith("3")) {
    return { kind: "deferred", reply: `${TROUBLE.protocol}: ${oneLine(reply)}`, host };
  }
  const line = oneLine(reply.length === 3 ? reply : `${reply.slice(0, 3)} ${reply.slice(4)}`);
  return { kind, reply: line, host };
}

/**
 * True of a refusal for the number of recipients alone: the next transaction may take them. RFC 5321
 * §4.5.3.1.10: the code is 452; 552, which RFC 821 had, is then temporary as well. Codes about
 * mailboxes and disks that are full are the same, so an enhanced code must not say otherwise.
 */
export function isTooManyRecipients(reply: string): boolean {
  return /^(?:452(?: 4\.5\.3\b| (?!4\.\d)|$)|552 5\.5\.3\b)/.test(reply);
}

/** An outcome of `TROUBLE` with its detail. */
export function troubleOutcome(trouble: string, host: string, detail = ""): Outcome {
  const reply = detail === "" ? trouble : `${trouble}: ${oneLine(detail)}`;
  return { kind: trouble.startsWith("5") ? "failed" : "deferred", reply, host };
}

/** The same outcome for each of `count` recipients. */
export function forAll(count: number, outcome: Outcome): Outcome[] {
  return new Array<Outcome>(count).fill(outcome);
}
