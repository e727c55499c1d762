// What the log, the tracking view and the loop check want to know of a message: read from the top
// of its header only, for every message, so it has to be cheap.

import { asBuffer } from "../base/bytes.ts";
import { decodeWords } from "../entity/charset.ts";
import { cleanName } from "../text/object-name.ts";

/** A message at a glance. */
export interface MailSummary {
  /** With its angle brackets, "" if absent; at most 200 characters. */
  readonly messageId: string;
  /** Decoded as a reader would see it (RFC 2047); at most 200 characters. */
  readonly subject: string;
  /** Received fields: how many hosts handled it. RFC 5321 §6.3 counts them to find loops. */
  readonly hops: number;
}

const HEADER_BYTES_MAX = 65_536;
const TEXT_LENGTH_MAX = 200;
const FIELD_LENGTH_MAX = 2000;

const FIELDS =
  /^(?:(received)|(message-id|subject))[ \t]*:([^\r\n]*(?:(?:\r\n?|\n)[ \t]+[^\r\n]*)*)/gim;

/** Summarises a message; never throws. */
export function summarise(bytes: Uint8Array): MailSummary {
  const head = asBuffer(bytes).subarray(0, HEADER_BYTES_MAX);
  const strict = head.indexOf("\n\r\n");
  const end = strict < 0 ? head.length : strict;
  const bare = head.subarray(0, end).indexOf("\n\n");
  const text = head.toString("latin1", 0, bare < 0 ? end : bare);
  let messageId: string | undefined;
  let subject: string | undefined;
  let hops = 0;
  for (const [, received, name = "", value = ""] of text.matchAll(FIELDS)) {
    // "subject" has 7 letters. Of repeated fields the first is what most readers show.
    if (received !== undefined) hops++;
    else if (name.length === 7) subject ??= value;
    else messageId ??= value;
  }
  return { messageId: shown(messageId), subject: shown(subject), hops };
}

function shown(field: string | undefined): string {
  if (field === undefined) return "";
  const unfolded = field.slice(0, FIELD_LENGTH_MAX).replace(/\s+/g, " ").trim();
  const text = cleanName(decodeWords(unfolded));
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX - 1)}…` : text;
}
