// ESMTP parameters of MAIL and RCPT: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), and
// RET, ENVID, NOTIFY, ORCPT (RFC 3461 §4), AUTH (RFC 4954 §5). What is not known is refused, never ignored: a client
// that asks for more than it gets must be told.
import type { Envelope, Recipient } from "../message.ts";
import { REPLIES, type Reply, SmtpError } from "../reply.ts";
import { splitPath } from "./address.ts";

/** What MAIL may say beside the sender. */
export interface MailParameters extends Pick<Envelope, "isUtf8" | "body" | "ret" | "envid"> {
  /** Bytes the client means to send, -1 if it did not say. */
  readonly size: number;
}

/** What RCPT may say beside the recipient. */
export type RcptParameters = Pick<Recipient, "notify" | "orcpt">;

type Notify = NonNullable<Recipient["notify"]>[number];

const PARAMETERS_MAX = 16;
// RFC 3461 §4.2 and §4.4, characters as sent.
const ORCPT_MAX = 500;
const ENVID_MAX = 100;
// RFC 3461 §4: xtext; "=" must be "+3D" and often is not, which harms nobody.
const XTEXT = /^(?:[!-*,-~]|\+[0-9A-F]{2})*$/;
// RFC 3461 §4.2: `atom;xtext`. RFC 6533 §3 lets the address be UTF-8 under SMTPUTF8.
const ORCPT = /^[\w!#$%&'*/?^`{|}~-]+;(?:[!-*,-~\u00a0-\u{10ffff}]|\+[0-9A-F]{2})+$/u;
const ORCPT_ASCII = /^[!-~]+$/;
const NOTIFY_WORDS: readonly Notify[] = ["never", "success", "failure", "delay"];
const PRINTABLE = /^[ -~]*$/;

function refuse(keyword: string): SmtpError {
  return new SmtpError(REPLIES.badParameter, `parameter ${keyword}`);
}

// RFC 5321 §4.1.2 esmtp-param; RFC 3461 §4.5 forbids repeating.
function split(text: string, known: readonly string[]): Map<string, string> {
  const words = text === "" ? [] : text.split(/ +/, PARAMETERS_MAX + 1);
  if (words.length > PARAMETERS_MAX) throw refuse("count");
  const found = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf("=");
    const key = word.slice(0, equals < 0 ? word.length : equals).toUpperCase();
    const value = equals < 0 ? "" : word.slice(equals + 1);
    if (!/^[A-Z0-9][A-Z0-9-]*$/.test(key)) throw refuse("keyword");
    if (!known.includes(key)) throw new SmtpError(REPLIES.unknownParameter, key);
    if (found.has(key)) throw refuse(key);
    // Only SMTPUTF8 is a flag, and a flag has no value.
    if (key === "SMTPUTF8" ? equals >= 0 : value === "") throw refuse(key);
    found.set(key, value);
  }
  return found;
}

function oneOf<const W extends string>(key: string, value: string, words: readonly W[]): W {
  const word = words.find((each) => each === value.toLowerCase());
  if (word === undefined) throw refuse(key);
  return word;
}

/** Undoes xtext: "+2B" is "+". RFC 3461 §4. */
export function decodeXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function parseSize(value: string | undefined): number {
  if (value === undefined) return -1;
  // RFC 1870 §4: at most 20 digits.
  if (!/^\d{1,20}$/.test(value)) throw refuse("SIZE");
  return Number(value);
}

function parseEnvid(value: string): string {
  const decoded = decodeXtext(value);
  // RFC 3461 §4.4: printable once decoded; a line break in it would forge fields of the DSN.
  if (value.length > ENVID_MAX || !XTEXT.test(value) || !PRINTABLE.test(decoded)) {
    throw refuse("ENVID");
  }
  return decoded;
}

/** Parameters of MAIL, with AUTH where it is offered; throws `SmtpError`, also 552 for a SIZE above `sizeMax` (RFC 1870 §6.1). */
export function parseMailParameters(
  text: string,
  { sizeMax, hasAuth = false }: { readonly sizeMax: number; readonly hasAuth?: boolean },
): MailParameters {
  const known = ["SIZE", "BODY", "SMTPUTF8", "RET", "ENVID"];
  const found = split(text, hasAuth ? [...known, "AUTH"] : known);
  const size = parseSize(found.get("SIZE"));
  if (size > sizeMax) throw new SmtpError(REPLIES.messageTooBig, `SIZE=${size}`);
  // RFC 4954 §5: who wrote the message, says a client that gw need not believe; it is not passed on.
  if (!XTEXT.test(found.get("AUTH") ?? "")) throw refuse("AUTH");
  const ret = found.get("RET");
  const envid = found.get("ENVID");
  return {
    size,
    isUtf8: found.has("SMTPUTF8"),
    body: oneOf("BODY", found.get("BODY") ?? "7bit", ["7bit", "8bitmime"]),
    ...(ret !== undefined && { ret: oneOf("RET", ret, ["full", "hdrs"]) }),
    ...(envid !== undefined && { envid: parseEnvid(envid) }),
  };
}

function parseNotify(value: string): Notify[] {
  const words = value.split(",").map((word) => oneOf("NOTIFY", word, NOTIFY_WORDS));
  const unique = [...new Set(words)];
  // RFC 3461 §4.1: NEVER stands alone.
  if (unique.includes("never") && unique.length > 1) throw refuse("NOTIFY");
  return unique;
}

function parseOrcpt(value: string, isUtf8: boolean): string {
  const isPlain = isUtf8 || ORCPT_ASCII.test(value);
  const decoded = decodeXtext(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a DSN field must not hold
  const isSafe = isPlain && !/[\u0000-\u001f\u007f]/.test(decoded);
  if (value.length > ORCPT_MAX || !isSafe || !ORCPT.test(value)) throw refuse("ORCPT");
  return value;
}

/** Parameters of RCPT; throws `SmtpError`. ORCPT is kept as sent, still xtext. */
export function parseRcptParameters(text: string, isUtf8: boolean): RcptParameters {
  const found = split(text, ["NOTIFY", "ORCPT"]);
  const notify = found.get("NOTIFY");
  const orcpt = found.get("ORCPT");
  return {
    ...(notify !== undefined && { notify: parseNotify(notify) }),
    ...(orcpt !== undefined && { orcpt: parseOrcpt(orcpt, isUtf8) }),
  };
}

/** What stands behind a command; throws `SmtpError` with `syntax` if it is none. */
export function argumentOf(line: string, verb: RegExp, syntax: Reply) {
  const [start = ""] = verb.exec(line) ?? [];
  const argument = start === "" ? undefined : splitPath(line.slice(start.length));
  if (argument === undefined) throw new SmtpError(syntax);
  return argument;
}
