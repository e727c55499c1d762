// What leaves the vault as another message than the one that came: with an identity of its own, as
// an attachment of a message of gw, or one object of it alone.
import { base64Lines, headerText, parameter, quotedPrintable } from "../entity/encode.ts";
import type { MessageRecord } from "../message.ts";
import { headerDate } from "../text/header-date.ts";
import { printableUpTo } from "../text/printable.ts";

const EOL = "\r\n";
const SUBJECT_LENGTH_MAX = 150;
const NAME_LENGTH_MAX = 200;

/** Who sends, and to whom. */
export interface ResendOptions {
  /** Queue id of what is sent. */
  readonly id: string;
  readonly hostname: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Address of whoever answers for the gateway. */
  readonly from: string;
  readonly recipients: readonly string[];
}

/** One object of a message. */
export interface SentObject {
  readonly path: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

// Addresses come from envelopes and options, which have been checked; a header is worth a second
// look all the same.
function addressIn(address: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not get into a header
  return `<${address.replace(/[\x00-\x20\x7f<>]/g, "")}>`;
}

const isMessageIdField = (line: string) => /^message-id[ \t]*:/i.test(line);

// Fields of the header as raw text, each with the lines that go on with it; and where the body is.
function fieldsOf(message: Buffer): { readonly fields: string[]; readonly rest: Buffer } {
  const fields: string[] = [];
  let at = 0;
  while (at < message.length) {
    const end = message.indexOf("\n", at);
    const next = end < 0 ? message.length : end + 1;
    const line = message.toString("latin1", at, next);
    if (/^\r?\n?$/.test(line)) break;
    if (/^[ \t]/.test(line) && fields.length > 0) fields[fields.length - 1] += line;
    else fields.push(line);
    at = next;
  }
  return { fields, rest: message.subarray(at) };
}

/**
 * The message under a Message-ID of its own, for receivers that drop what they have seen before.
 * The old one is kept in a field. Resent fields say who did it: RFC 5322 §3.6.6.
 */
export function resent(message: Uint8Array, trace: string, options: ResendOptions): Buffer {
  const { id, hostname, now, from, recipients } = options;
  const { fields, rest } = fieldsOf(Buffer.from(message));
  const newId = `<${id}@${hostname}>`;
  const block = [
    `Resent-Date: ${headerDate(now)}`,
    `Resent-From: ${addressIn(from)}`,
    `Resent-To: ${recipients.map(addressIn).join(`,${EOL} `)}`,
    `Resent-Message-ID: ${newId}`,
    "",
  ].join(EOL);
  const kept = fields.map((field) =>
    isMessageIdField(field) ? field.replace(/^message-id/i, "Original-Message-ID") : field,
  );
  const head = Buffer.from(`${block}${trace}Message-ID: ${newId}${EOL}`);
  return Buffer.concat([head, Buffer.from(kept.join(""), "latin1"), rest]);
}

function isEightBit(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte > 0x7f);
}

// RFC 2046 §5.1.1: a boundary must not stand in any of the parts.
function boundaryFor(id: string, parts: readonly Buffer[]): string {
  for (let n = 0; ; n++) {
    const boundary = `=_${id}_${n}`;
    if (parts.every((part) => !part.includes(boundary))) return boundary;
  }
}

function compose(subject: string, parts: readonly Buffer[], options: ResendOptions): Buffer {
  const { id, hostname, now, from, recipients } = options;
  const boundary = boundaryFor(id, parts);
  const header = [
    `Date: ${headerDate(now)}`,
    `From: Mail gateway ${addressIn(from)}`,
    `To: ${recipients.map(addressIn).join(`,${EOL} `)}`,
    `Subject: ${headerText(subject)}`,
    `Message-ID: <${id}@${hostname}>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "",
    "",
  ].join(EOL);
  const delimited = parts.flatMap((part) => [Buffer.from(`--${boundary}${EOL}`), part, CRLF]);
  return Buffer.concat([Buffer.from(header), ...delimited, Buffer.from(`--${boundary}--${EOL}`)]);
}

const CRLF = Buffer.from(EOL);

function part(fields: readonly string[], body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${fields.join(EOL)}${EOL}${EOL}`), body]);
}

function textPart(lines: readonly string[]): Buffer {
  const fields = [
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: quoted-printable",
  ];
  return part(fields, quotedPrintable(Buffer.from(`${lines.join("\n")}\n`.toWellFormed()), EOL));
}

function aboutLines({ envelope, subject, receivedAt, messageId }: MessageRecord): string[] {
  return [
    `  Sender:     <${printableUpTo(envelope.sender, NAME_LENGTH_MAX)}>`,
    `  Subject:    ${printableUpTo(subject, SUBJECT_LENGTH_MAX)}`,
    `  Message-ID: ${printableUpTo(messageId, NAME_LENGTH_MAX)}`,
    `  Received:   ${headerDate(receivedAt)}`,
  ];
}

function subjectOf(record: MessageRecord): string {
  return printableUpTo(record.subject || "message without a subject", SUBJECT_LENGTH_MAX);
}

/** A message of gw that has the kept one attached as it came. RFC 2046 §5.2.1. */
export function attached(
  message: Uint8Array,
  record: MessageRecord,
  options: ResendOptions,
): Buffer {
  const text = textPart([
    "This message was kept back by the mail gateway and has been released.",
    "It is attached as it came.",
    "",
    ...aboutLines(record),
  ]);
  const fields = [
    "Content-Type: message/rfc822",
    `Content-Transfer-Encoding: ${isEightBit(message) ? "8bit" : "7bit"}`,
    'Content-Disposition: attachment; filename="message.eml"',
  ];
  return compose(`Released: ${subjectOf(record)}`, [text, part(fields, message)], options);
}

/** A message of gw that has one object of the kept one attached. */
export function carryingObject(
  object: SentObject,
  record: MessageRecord,
  options: ResendOptions,
): Buffer {
  const name = printableUpTo(object.name, NAME_LENGTH_MAX);
  const text = textPart([
    "One file of a message that was kept back by the mail gateway has been released.",
    "It is attached.",
    "",
    `  File:       ${name}`,
    ...aboutLines(record),
  ]);
  const fields = [
    "Content-Type: application/octet-stream",
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment${parameter("filename", name, EOL)}`,
  ];
  const file = part(fields, base64Lines(object.bytes, EOL));
  return compose(`Released: ${name} (${subjectOf(record)})`, [text, file], options);
}
