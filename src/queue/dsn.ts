// Delivery status notifications: what the sender is told when a recipient failed, is late, or was
// handed to a host that reports nothing itself. RFC 3461 says when, RFC 3464 how, RFC 6533 how with
// addresses beyond ASCII. Values from outside go through `oneLine`: none may forge a field.

import { headerText } from "../entity/encode.ts";
import type { Envelope, MessageRecord, Recipient } from "../message.ts";
import type { Template } from "../template/parse.ts";
import { headerDate } from "../text/header-date.ts";
import { dsnText, fold } from "./dsn-text.ts";

/** Bytes of an original that is returned whole; of a larger one only the header is. */
export const RETURNED_SIZE_MAX = 1024 * 1024;
const HEADER_SIZE_MAX = 64 * 1024;
const VALUE_MAX = 900;
const BOUNDARY_TRIES = 100;

/** RFC 3464 §2.3.3 actions that gw reports; it expands no lists, so never "expanded". */
export type DsnAction = "failed" | "delayed" | "relayed" | "delivered";

/** What became of one recipient. */
export interface DsnRecipient {
  readonly recipient: Recipient;
  readonly action: DsnAction;
  /** Reply of the next hop, or gw's own words where there was none. */
  readonly reply: string;
  readonly host: string;
  /** It failed because its time in the queue was up. */
  readonly isExpired?: boolean;
  /** Delayed only: until when gw goes on trying, milliseconds since the epoch. */
  readonly retryUntil?: number;
}

/** What a notification is made of. */
export interface DsnOptions {
  /** Queue id of the notification itself. */
  readonly id: string;
  /** Name of this host. */
  readonly hostname: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The message that is reported on. */
  readonly record: MessageRecord;
  /** Its body, or the first `RETURNED_SIZE_MAX` bytes of it. */
  readonly original: Uint8Array;
  readonly recipients: readonly DsnRecipient[];
  /** Whether it is certain enough that the sender is who it seems. */
  readonly isGenuine: boolean;
  /** Template of the text for people; left out: the shipped one. */
  readonly template?: Template;
}

/** A notification, ready to be stored as a message of its own. */
export interface Dsn {
  /** The gravest of its actions. */
  readonly action: DsnAction;
  readonly bytes: Uint8Array;
  readonly envelope: Envelope;
  readonly subject: string;
  readonly messageId: string;
}

/** Gravest first. */
const ACTIONS: readonly DsnAction[] = ["failed", "delayed", "relayed", "delivered"];

/**
 * Whether the sender is to be told. RFC 3461 §4.1, RFC 5321 §4.5.5: never the null sender. Whoever
 * may not be the sender at all is told of failures only, which RFC 5321 §6.1 leaves no choice about.
 */
export function wantsDsn(
  { envelope }: MessageRecord,
  { notify = [] }: Recipient,
  action: DsnAction,
  isGenuine: boolean,
): boolean {
  if (envelope.sender === "" || notify.includes("never")) return false;
  if (action === "failed") return notify.length === 0 || notify.includes("failure");
  if (!isGenuine) return false;
  if (action === "delayed") return notify.length === 0 || notify.includes("delay");
  return notify.includes("success");
}

/** Composes the report on those recipients the sender wants to hear of; undefined if on none. */
export function composeDsn(options: DsnOptions): Dsn | undefined {
  const { id, hostname, now, record } = options;
  const recipients = options.recipients.filter(({ recipient, action }) =>
    wantsDsn(record, recipient, action, options.isGenuine),
  );
  const [first] = recipients;
  if (first === undefined) return undefined;
  const isUtf8 = record.envelope.isUtf8;
  const original = originalPart(options, recipients, isUtf8);
  const boundary = freeBoundary(id, original.bytes);
  const text = textOf(options, recipients);
  const messageId = `<${id}@${hostname}>`;
  const head = [
    `Date: ${headerDate(now)}`,
    `From: Mail Delivery System <MAILER-DAEMON@${hostname}>`,
    `To: <${oneLine(record.envelope.sender, isUtf8)}>`,
    `Subject: ${headerText(text.subject)}`,
    `Message-ID: ${messageId}`,
    ...references(record.messageId),
    // RFC 3834 §5: keeps autoresponders quiet.
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    "Content-Type: multipart/report; report-type=delivery-status;",
    `\tboundary="${boundary}"`,
  ];
  const report = [
    ...head,
    "",
    `--${boundary}`,
    ...text.fields,
    "",
    text.body,
    "",
    `--${boundary}`,
    `Content-Type: message/${isUtf8 ? "global-delivery-status" : "delivery-status"}`,
    transferEncoding(isUtf8),
    "",
    ...perMessage(options),
    ...recipients.flatMap((one) => ["", ...perRecipient(one, options)]),
    "",
    `--${boundary}`,
    `Content-Type: ${original.type}`,
    transferEncoding(original.is8Bit),
    "",
    "",
  ].join("\r\n");
  return {
    bytes: Buffer.concat([
      Buffer.from(report),
      original.bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
    envelope: {
      // RFC 3461 §6.1: a DSN comes from the null sender, so that it is never answered.
      sender: "",
      recipients: [{ address: record.envelope.sender }],
      isUtf8,
      body: isUtf8 || original.is8Bit ? "8bitmime" : "7bit",
    },
    subject: text.subject,
    messageId,
    action: ACTIONS.find((action) => recipients.some((one) => one.action === action)) ?? "failed",
  };
}

function textOf(options: DsnOptions, recipients: readonly DsnRecipient[]) {
  const { hostname, now, record, template } = options;
  const { id, receivedAt, size, envelope } = record;
  const line = (text: string) => oneLine(text, envelope.isUtf8);
  const about = {
    ...{ hostname, now, receivedAt, size, queueId: id },
    ...{ sender: line(envelope.sender), subject: line(record.subject) },
    messageId: line(record.messageId),
    actions: ACTIONS.filter((action) => recipients.some((one) => one.action === action)),
    recipients: recipients.map(({ recipient, action, reply, host, isExpired = false }) => {
      const said = { reply: line(reply), host: line(host) };
      return { address: line(recipient.address), action, isExpired, ...said };
    }),
  };
  return dsnText(about, template, envelope.isUtf8);
}

// RFC 3464 §2.2
function perMessage({ hostname, record }: DsnOptions): string[] {
  const { envid } = record.envelope;
  return [
    ...(envid ? fold(`Original-Envelope-Id: ${oneLine(envid, false)}`, " ") : []),
    `Reporting-MTA: dns; ${hostname}`,
    `Arrival-Date: ${headerDate(record.receivedAt)}`,
  ];
}

// RFC 3464 §2.3
function perRecipient(one: DsnRecipient, { record, now }: DsnOptions): string[] {
  const { recipient, action, reply, host, retryUntil } = one;
  const isUtf8 = record.envelope.isUtf8;
  const fields: string[] = [];
  if (recipient.orcpt) {
    const original = oneLine(decodeXtext(recipient.orcpt), isUtf8).replace(";", "; ");
    fields.push(...fold(`Original-Recipient: ${original}`, " "));
  }
  const type = /^[ -~]*$/.test(recipient.address) ? "rfc822" : "utf-8";
  fields.push(
    ...fold(`Final-Recipient: ${type}; ${oneLine(recipient.address, isUtf8)}`, " "),
    `Action: ${action}`,
    `Status: ${statusOf(one)}`,
  );
  if (host !== "") fields.push(`Remote-MTA: dns; ${oneLine(host, false)}`);
  if (reply !== "") {
    const diagnostic = /^\d{3}(?:[ -]|$)/.test(reply) ? "smtp" : "x-gw";
    fields.push(...fold(`Diagnostic-Code: ${diagnostic}; ${oneLine(reply, isUtf8)}`, " "));
  }
  fields.push(`Last-Attempt-Date: ${headerDate(now)}`);
  if (action === "delayed" && retryUntil !== undefined) {
    fields.push(`Will-Retry-Until: ${headerDate(retryUntil)}`);
  }
  return fields;
}

// RFC 3463 §2: the class must fit the action, whatever the far side wrote.
function statusOf({ action, reply, isExpired }: DsnRecipient): string {
  if (isExpired) return "4.4.7";
  const digit = { failed: "5", delayed: "4", relayed: "2", delivered: "2" }[action];
  const enhanced = /^\d{3}[ -]([245])(\.\d{1,3}\.\d{1,3})\b/.exec(reply);
  return enhanced?.[1] === digit ? `${digit}${enhanced[2]}` : `${digit}.0.0`;
}

interface OriginalPart {
  readonly type: string;
  readonly bytes: Buffer;
  readonly is8Bit: boolean;
}

// RFC 3461 §4.3: RET speaks of failures only; all else returns the header.
function originalPart(
  { record, original }: DsnOptions,
  recipients: readonly DsnRecipient[],
  isUtf8: boolean,
): OriginalPart {
  const isWhole =
    record.envelope.ret === "full" &&
    record.size <= RETURNED_SIZE_MAX &&
    original.length === record.size &&
    recipients.some(({ action }) => action === "failed");
  const body = isWhole ? Buffer.from(original) : headerOf(Buffer.from(original));
  const bytes = Buffer.concat([Buffer.from(record.trace), body]);
  const is8Bit = /[\x80-\xff]/.test(bytes.toString("latin1"));
  if (isUtf8) return { type: isWhole ? "message/global" : "message/global-headers", bytes, is8Bit };
  return { type: isWhole ? "message/rfc822" : "text/rfc822-headers", bytes, is8Bit };
}

function headerOf(message: Buffer): Buffer {
  if (message.subarray(0, 2).toString("latin1") === "\r\n") return message.subarray(0, 0);
  const end = message.indexOf("\r\n\r\n");
  if (end >= 0 && end + 2 <= HEADER_SIZE_MAX) return message.subarray(0, end + 2);
  // Cut at a line's end: half a field would be a wrong one.
  const cut = message.subarray(0, HEADER_SIZE_MAX);
  const lineEnd = cut.lastIndexOf("\r\n");
  return cut.subarray(0, lineEnd < 0 ? 0 : lineEnd + 2);
}

function freeBoundary(id: string, content: Buffer): string {
  for (let number = 0; number < BOUNDARY_TRIES; number++) {
    const boundary = `gw-${id}-${number}`;
    if (!content.includes(boundary)) return boundary;
  }
  throw new Error(`no boundary is free for the report ${id}`);
}

function transferEncoding(is8Bit: boolean): string {
  return `Content-Transfer-Encoding: ${is8Bit ? "8bit" : "7bit"}`;
}

// RFC 5322 §3.6.4; a Message-ID of any other shape is left out.
function references(messageId: string): string[] {
  return /^<[!-;=?-~]{1,250}>$/.test(messageId) ? [`References: ${messageId}`] : [];
}

// RFC 3461 §4: +XX stands for a character.
function decodeXtext(text: string): string {
  return text.replaceAll(/\+([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function oneLine(text: string, isUtf8: boolean): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through
  const line = text.slice(0, VALUE_MAX).replaceAll(/[\x00-\x20\x7f-\x9f\u2028\u2029]+/g, " ");
  return (isUtf8 ? line : line.replaceAll(/[^ -~]/g, "?")).trim();
}
