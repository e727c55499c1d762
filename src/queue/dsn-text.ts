// The part of a delivery report that a person reads, out of a template. RFC 3464 §2 asks for it and
// leaves its words open.

import { quotedPrintable } from "../entity/encode.ts";
import type { Template } from "../template/parse.ts";
import {
  checkTemplate,
  type Item,
  letterOf,
  renderTemplate,
  type Values,
} from "../template/render.ts";
import { shippedTemplate } from "../template/shipped.ts";

/** What became of one recipient, as the text tells it. */
export interface ToldRecipient {
  readonly address: string;
  readonly action: string;
  readonly reply: string;
  readonly host: string;
  readonly isExpired: boolean;
}

/** What the text speaks of; every value is one line already. */
export interface DsnSubject {
  readonly hostname: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly receivedAt: number;
  readonly queueId: string;
  readonly sender: string;
  readonly subject: string;
  readonly messageId: string;
  readonly size: number;
  /** The gravest action, first. */
  readonly actions: readonly string[];
  readonly recipients: readonly ToldRecipient[];
}

/** A text that is ready to stand in a report, with the header fields it needs. */
export interface DsnText {
  readonly subject: string;
  readonly fields: readonly string[];
  readonly body: string;
}

const FOLD_AT = 76;

/** Fills the template in; without one the shipped text. `isUtf8`: the report may have raw UTF-8. */
export function dsnText(about: DsnSubject, template: Template | undefined, isUtf8: boolean) {
  const used = template ?? checkTemplate(shippedTemplate("dsn"), "dsn");
  const { subject, body } = letterOf(renderTemplate(used, valuesOf(about)), "Delivery report");
  const lines = body.toWellFormed().replace(/\s+$/, "").split(/\r?\n/);
  const text = lines.flatMap((line) => fold(line, /^ */.exec(line)?.[0] ?? "")).join("\r\n");
  const type = "Content-Type: text/plain; charset=";
  if (/^[\0-\x7f]*$/.test(text)) {
    const fields = [`${type}${isUtf8 ? "utf-8" : "us-ascii"}`, "Content-Transfer-Encoding: 7bit"];
    return { subject, fields, body: text };
  }
  const encoded = isUtf8 ? text : quotedPrintable(Buffer.from(text), "\r\n").toString("latin1");
  const encoding = isUtf8 ? "8bit" : "quoted-printable";
  const fields = [`${type}utf-8`, `Content-Transfer-Encoding: ${encoding}`];
  return { subject, fields, body: encoded };
}

function valuesOf(about: DsnSubject): Values {
  const { actions, recipients } = about;
  return {
    ...{ CRLF: "\r\n", TAB: "\t", PRODUCT: "gw", HOSTNAME: about.hostname },
    ...{ DATE: dateText(about.now), ARRIVAL_DATE: dateText(about.receivedAt) },
    ...{ QUEUE_ID: about.queueId, SENDER_ADDR: about.sender, SUBJECT: about.subject },
    ...{ MESSAGE_ID: about.messageId, MESSAGE_SIZE: String(about.size) },
    MAIN_ACTION: actions[0] ?? "",
    ACTION: actions.map((action) => ({
      text: action,
      values: { RECPT_ADDR: recipients.filter((one) => one.action === action).map(itemOf) },
    })),
  };
}

function itemOf({ address, host, reply, isExpired }: ToldRecipient): Item {
  const values = { RECPT_HOST: host, RECPT_REPLY: reply, RECPT_EXPIRED: isExpired ? "yes" : "" };
  return { text: address, values };
}

function dateText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** A line cut at blanks into lines of readable length; those that go on begin with `indent`. */
export function fold(line: string, indent: string): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(/(?<=\S)(?= )/)) {
    if (current !== "" && current.length + word.length > FOLD_AT) {
      lines.push(current);
      current = indent + word.trimStart();
    } else {
      current += word;
    }
  }
  return [...lines, current];
}
