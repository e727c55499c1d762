// Replies that only a session gives, beside those of src/reply.ts. RFC 5321 §4.2.3, RFC 3463 §3.
import type { Reply } from "../reply.ts";

/** Named replies of the session. */
export const SESSION_REPLIES = {
  senderOk: { code: 250, enhanced: "2.1.0", text: "Sender accepted" },
  recipientOk: { code: 250, enhanced: "2.1.5", text: "Recipient accepted" },
  mailSyntax: { code: 501, enhanced: "5.5.4", text: "Syntax: MAIL FROM:<address> [parameters]" },
  rcptSyntax: { code: 501, enhanced: "5.5.4", text: "Syntax: RCPT TO:<address> [parameters]" },
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
  notImplemented: { code: 502, enhanced: "5.5.1", text: "Command not implemented" },
  tooManyErrors: { code: 421, enhanced: "4.7.0", text: "Too many errors, closing" },
  tooManyCommands: { code: 421, enhanced: "4.7.0", text: "Too many commands, closing" },
  sessionTooLong: { code: 421, enhanced: "4.4.2", text: "Session takes too long, closing" },
  talksTooSoon: { code: 554, enhanced: "5.5.1", text: "You talk before the greeting" },
} as const satisfies Record<string, Reply>;
