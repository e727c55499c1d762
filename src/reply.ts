// SMTP replies, all of them: no reply is spelt anywhere else. Texts are public and generic; the
// cause goes to the log.

import { describeError } from "./base/log.ts";

/** RFC 5321 §4.2 reply with its RFC 3463 enhanced status code. */
export interface Reply {
  readonly code: number;
  readonly enhanced: string;
  readonly text: string;
}

/** The reply to a message; in LMTP some recipients may have one of their own. RFC 2033 §4.2. */
export interface Answer extends Reply {
  /** By the recipient's address. */
  readonly each?: ReadonlyMap<string, Reply>;
}

/** Named replies. RFC 5321 §4.2.3; enhanced codes RFC 3463, RFC 5248, RFC 7504. */
export const REPLIES = {
  queued: { code: 250, enhanced: "2.0.0", text: "OK: queued" },
  localError: { code: 451, enhanced: "4.3.0", text: "Temporary local error, try again later" },
  scanIncomplete: { code: 451, enhanced: "4.7.1", text: "Message could not be scanned now" },
  storageFull: { code: 452, enhanced: "4.3.1", text: "Insufficient system storage" },
  receivingPaused: {
    code: 451,
    enhanced: "4.3.2",
    text: "Not accepting messages now, try again later",
  },
  scanningPaused: {
    code: 451,
    enhanced: "4.3.2",
    text: "Messages are not scanned now, try again later",
  },
  shuttingDown: { code: 421, enhanced: "4.3.2", text: "Service shutting down, try again later" },
  tooManySessions: { code: 421, enhanced: "4.7.0", text: "Too many sessions, try again later" },
  tooManyMessages: { code: 421, enhanced: "4.7.0", text: "Too many messages in this session" },
  sessionTooBig: { code: 421, enhanced: "4.7.0", text: "Too many bytes in this session" },
  sessionRate: { code: 421, enhanced: "4.7.0", text: "Too many sessions lately, try again later" },
  rateReached: { code: 450, enhanced: "4.7.1", text: "Too much from you lately, try again later" },
  tooBusy: { code: 452, enhanced: "4.3.1", text: "Too much is on its way in, try again later" },
  // RFC 5321 §3.1: 554 in place of the greeting.
  notServed: { code: 554, enhanced: "5.7.1", text: "Access denied" },
  idleTimeout: { code: 421, enhanced: "4.4.2", text: "Idle for too long, closing" },
  malware: { code: 554, enhanced: "5.7.1", text: "Message refused: harmful content" },
  policyRefused: { code: 550, enhanced: "5.7.1", text: "Message refused by policy" },
  // RFC 7372 §3.3.
  senderRefused: { code: 550, enhanced: "5.7.26", text: "Message refused: sender not verified" },
  senderDeferred: { code: 451, enhanced: "4.7.1", text: "Sender not verified, try again later" },
  hostRefused: { code: 550, enhanced: "5.7.1", text: "Mail from your host is refused" },
  heloRefused: { code: 550, enhanced: "5.7.1", text: "Mail from a host of that name is refused" },
  // RFC 5248: X.1.8 is about the sender's domain.
  senderDomainRefused: { code: 550, enhanced: "5.1.8", text: "Mail from that sender is refused" },
  accessDeferred: { code: 451, enhanced: "4.7.1", text: "Not accepted now, try again later" },
  nameTrouble: { code: 451, enhanced: "4.4.3", text: "Name service trouble, try again later" },
  // RFC 6647 §5.
  greylisted: { code: 451, enhanced: "4.7.1", text: "Greylisted, try again later" },
  recipientUnknown: { code: 550, enhanced: "5.1.1", text: "No such recipient here" },
  recipientUnverified: {
    code: 451,
    enhanced: "4.4.3",
    text: "Recipient can't be verified now, try again later",
  },
  relayDenied: { code: 550, enhanced: "5.7.1", text: "Relaying denied" },
  messageTooBig: { code: 552, enhanced: "5.3.4", text: "Message exceeds the size limit" },
  tooManyRecipients: { code: 452, enhanced: "4.5.3", text: "Too many recipients" },
  tooManyHops: { code: 554, enhanced: "5.4.6", text: "Too many hops, this looks like a mail loop" },
  bareLineEnding: { code: 550, enhanced: "5.6.0", text: "Lines must end in CRLF" },
  badAddress: { code: 553, enhanced: "5.1.3", text: "Bad address syntax" },
  // What only a session gives.
  ok: { code: 250, enhanced: "2.0.0", text: "OK" },
  // RFC 4954 §4, §6; RFC 5248.
  loggedIn: { code: 235, enhanced: "2.7.0", text: "Authentication successful" },
  badLogin: { code: 535, enhanced: "5.7.8", text: "Wrong user or password" },
  loginLater: { code: 454, enhanced: "4.7.0", text: "Cannot log in now, try again later" },
  authCancelled: { code: 501, enhanced: "5.7.0", text: "Authentication cancelled" },
  authSyntax: { code: 501, enhanced: "5.5.4", text: "Syntax: AUTH PLAIN|LOGIN [initial response]" },
  badBase64: { code: 501, enhanced: "5.5.2", text: "Not base64" },
  unknownMechanism: { code: 504, enhanced: "5.5.4", text: "Mechanism not offered" },
  needsTls: { code: 538, enhanced: "5.7.11", text: "Encryption needed: use STARTTLS first" },
  needsLogin: { code: 530, enhanced: "5.7.0", text: "Authentication required" },
  alreadyIn: { code: 503, enhanced: "5.5.1", text: "You have logged in" },
  notNow: { code: 503, enhanced: "5.5.1", text: "Not while a message is under way" },
  notOwner: { code: 553, enhanced: "5.7.1", text: "This sender is not yours" },
  notAuthorised: { code: 550, enhanced: "5.7.0", text: "Not allowed here" },
  senderOk: { code: 250, enhanced: "2.1.0", text: "Sender accepted" },
  recipientOk: { code: 250, enhanced: "2.1.5", text: "Recipient accepted" },
  mailSyntax: { code: 501, enhanced: "5.5.4", text: "Syntax: MAIL FROM:<address> [parameters]" },
  rcptSyntax: { code: 501, enhanced: "5.5.4", text: "Syntax: RCPT TO:<address> [parameters]" },
  ehloSyntax: { code: 501, enhanced: "5.5.4", text: "Syntax: EHLO hostname" },
  badSender: { code: 553, enhanced: "5.1.7", text: "Bad sender address syntax" },
  // RFC 6531 §3.5.
  needsSmtpUtf8: { code: 553, enhanced: "5.6.7", text: "Address needs SMTPUTF8" },
  badParameter: { code: 501, enhanced: "5.5.4", text: "Bad parameter" },
  // RFC 5321 §4.1.1.11.
  unknownParameter: { code: 555, enhanced: "5.5.4", text: "Parameter not recognised" },
  nestedMail: { code: 503, enhanced: "5.5.1", text: "A message is already begun" },
  needsMail: { code: 503, enhanced: "5.5.1", text: "MAIL comes first" },
  needsRcpt: { code: 503, enhanced: "5.5.1", text: "RCPT comes first" },
  nulByte: { code: 550, enhanced: "5.6.0", text: "NUL bytes are not allowed" },
  // RFC 3030 §2.
  bdatSyntax: { code: 501, enhanced: "5.5.4", text: "Syntax: BDAT size [LAST]" },
  chunkAfterFailure: { code: 503, enhanced: "5.5.1", text: "A chunk was refused, use RSET" },
  notWithChunks: { code: 503, enhanced: "5.5.1", text: "Not between the chunks of a message" },
  notImplemented: { code: 502, enhanced: "5.5.1", text: "Command not implemented" },
  tooManyErrors: { code: 421, enhanced: "4.7.0", text: "Too many errors, closing" },
  tooManyCommands: { code: 421, enhanced: "4.7.0", text: "Too many commands, closing" },
  sessionTooLong: { code: 421, enhanced: "4.4.2", text: "Session takes too long, closing" },
  talksTooSoon: { code: 554, enhanced: "5.5.1", text: "You talk before the greeting" },
} as const satisfies Record<string, Reply>;

/** `2.0.0 text`: what stands behind the code. */
export function textOf(reply: Reply): string {
  return `${reply.enhanced} ${reply.text}`;
}

/** A refusal for the client. Thrown by intake, caught once in `inbound/`; `cause` is for the log. */
export class SmtpError extends Error {
  readonly reply: Reply;

  constructor(reply: Reply, cause?: unknown) {
    super(`${reply.code} ${reply.enhanced} ${reply.text}`, { cause });
    this.reply = reply;
  }
}

/** What the log and the record of a refusal say of its reason. */
export function causeOf(error: unknown): string | undefined {
  if (!(error instanceof SmtpError) || error.cause === undefined) return undefined;
  return describeError(error.cause);
}
