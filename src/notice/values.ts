// What the macros of notices and placeholders stand for, for one message.

import type { Disposition, MessageRecord, ScannedObject, Verdict } from "../message.ts";
import type { Item, Values } from "../template/render.ts";
import type { PaceRow } from "./pace.ts";

/** What a text speaks of. */
export interface NoticeSubject {
  readonly hostname: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly record: Omit<MessageRecord, "trace">;
  readonly verdict: Verdict;
  readonly disposition: Disposition;
  readonly group: string;
  /** Entry in quarantine or backup, "" if none. */
  readonly vaultId: string;
  /** What was done to objects, by their place in the verdict. */
  readonly done: readonly { readonly object: number; readonly action: string }[];
}

const OBJECTS_MAX = 200;
const FINDINGS_MAX = 20;

/** Values for notices about a message. */
export function noticeValues(subject: NoticeSubject): Values {
  const { record, verdict, disposition, done } = subject;
  const actions = new Map(done.map(({ object, action }) => [object, action]));
  const objects = verdict.objects.filter(({ id, status }) => status !== "clean" || actions.has(id));
  return {
    ...alwaysValues(subject),
    QUEUE_ID: record.id,
    CLIENT_ADDR: record.client.address,
    SENDER_ADDR: record.envelope.sender === "" ? "<>" : oneLine(record.envelope.sender),
    RECPT_ADDR: record.envelope.recipients.map(({ address }) => ({ text: oneLine(address) })),
    SUBJECT: oneLine(record.subject),
    MESSAGE_ID: oneLine(record.messageId),
    MESSAGE_SIZE: String(record.size),
    STATUS: verdict.status,
    ACTION: disposition.kind,
    ACTION_LIST: [...new Set(actions.values())].join(", "),
    REASON: "reason" in disposition ? oneLine(disposition.reason) : verdict.status,
    GROUP: subject.group,
    VAULT_ID: subject.vaultId,
    BK_LOCATION: subject.vaultId,
    SIGNATURE_SET: verdict.signatureSet,
    OBJECT: objects.slice(0, OBJECTS_MAX).map((object) => ({
      text: oneLine(object.path),
      values: objectValues(object, actions.get(object.id) ?? ""),
    })),
  };
}

/** Values for the text that stands where an object was. */
export function placeholderValues(
  subject: NoticeSubject,
  object: ScannedObject,
  action: string,
): Values {
  return {
    ...noticeValues(subject),
    OBJECT: oneLine(object.path),
    ...objectValues(object, action),
  };
}

/** Values for a digest. */
export function digestValues(
  about: { readonly hostname: string; readonly now: number },
  { held, dropped }: PaceRow,
): Values {
  return {
    ...alwaysValues(about),
    COUNT: String(held.length + dropped),
    NOTICE: held.map(({ at, id, subject }) => ({
      text: oneLine(subject),
      values: { NOTICE_DATE: dateText(at), NOTICE_ID: id },
    })),
  };
}

/** Values for a notice about the gateway itself. */
export function eventValues(
  about: { readonly hostname: string; readonly now: number },
  { event, lines }: { readonly event: string; readonly lines: readonly string[] },
): Values {
  return {
    ...alwaysValues(about),
    EVENT: oneLine(event),
    LINE: lines.map((line) => ({ text: oneLine(line), values: {} })),
  };
}

function alwaysValues({ hostname, now }: { readonly hostname: string; readonly now: number }) {
  const always = { CRLF: "\r\n", TAB: "\t", PRODUCT: "gw" };
  return { ...always, HOSTNAME: hostname, DATE: dateText(now) };
}

function objectValues(object: ScannedObject, action: string): Values {
  const found = object.findings.slice(0, FINDINGS_MAX);
  const viruses: Item[] = found.map(({ signature, description }) => ({
    text: signature,
    values: { VIRUS_TEXT: description ?? "" },
  }));
  return {
    OBJECT_NAME: oneLine(object.name),
    OBJECT_TYPE: object.type,
    OBJECT_SIZE: String(object.size),
    OBJECT_STATUS: object.status,
    OBJECT_ACTION: action,
    VIRUS: viruses,
  };
}

// What others wrote must not add lines to a text of ours.
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what would end a line
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ");
}

function dateText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
