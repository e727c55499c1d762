// Makes a notice out of a template: a plain message from the null sender, marked as automatic, so
// that nothing answers it. RFC 3834 §3.1.

import { headerText, quotedPrintable } from "../entity/encode.ts";
import type { Envelope } from "../message.ts";
import type { Template } from "../template/parse.ts";
import { letterOf, renderTemplate, type Values } from "../template/render.ts";
import { headerDate } from "../text/header-date.ts";

/** What a notice is made of. */
export interface NoticeOptions {
  /** Queue id of the notice itself. */
  readonly id: string;
  readonly hostname: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Address in From; "" for MAILER-DAEMON at this host. */
  readonly from: string;
  readonly to: string;
  readonly template: Template;
  readonly values: Values;
  /** Message-ID of the message it is about, "" if it has none. */
  readonly about: string;
}

/** A notice, ready to be stored as a message of its own. */
export interface Notice {
  readonly bytes: Uint8Array;
  readonly envelope: Envelope;
  readonly subject: string;
  readonly messageId: string;
}

/** Composes a notice; the template's first line may be its subject. */
export function composeNotice(options: NoticeOptions): Notice {
  const { id, hostname, now, to, about } = options;
  const text = renderTemplate(options.template, options.values);
  const { subject, body } = letterOf(text, "Notice of the mail gateway");
  const messageId = `<${id}@${hostname}>`;
  const isUtf8 = /[^ -~]/.test(to);
  const header = [
    `Date: ${headerDate(now)}`,
    `From: Mail gateway <${options.from === "" ? `MAILER-DAEMON@${hostname}` : addressIn(options.from)}>`,
    `To: <${addressIn(to)}>`,
    `Subject: ${headerText(subject)}`,
    `Message-ID: ${messageId}`,
    // RFC 5322 §3.6.4; a Message-ID of any other shape is left out.
    ...(/^<[!-;=?-~]{1,250}>$/.test(about) ? [`References: ${about}`] : []),
    "Auto-Submitted: auto-generated",
    "X-Auto-Response-Suppress: All",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: quoted-printable",
    "",
    "",
  ].join("\r\n");
  const encoded = quotedPrintable(Buffer.from(body.toWellFormed()), "\r\n");
  const recipients = [{ address: to, notify: ["never"] as const }];
  return {
    bytes: Buffer.concat([Buffer.from(header), encoded]),
    envelope: { sender: "", recipients, isUtf8, body: isUtf8 ? "8bitmime" : "7bit" },
    subject,
    messageId,
  };
}

// Addresses come from envelopes and settings, which have been checked; a header is worth a second
// look all the same.
function addressIn(address: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not get into a header
  return address.replace(/[\x00-\x20\x7f<>]/g, "");
}
