// Who is told about a message, and who must never be: a notice to somebody who did not send the
// message is spam of ours, and one that is answered by a machine goes in circles. RFC 3834 §2.

import { asBuffer } from "../base/bytes.ts";
import { isGenuineSender, type MessageRecord, type Recipient } from "../message.ts";

/** Who a rule wants to be told. */
export interface NoticeWish {
  /** Addresses of administrators. */
  readonly admins: readonly string[];
  readonly isToSender: boolean;
  readonly isToRecipients: boolean;
}

/**
 * How far the envelope sender is known to be who it says: `inside` came from a relay network or a
 * user who logged in; `authenticated` has SPF or DKIM that passes and is aligned; else `unknown`.
 */
export type SenderStanding = "inside" | "authenticated" | "unknown";

/** How certain it is that the envelope sender of a message sent it. */
export function standingOf(
  { client, envelope }: Pick<MessageRecord, "client" | "envelope">,
  isInside: boolean,
): SenderStanding {
  if (isInside) return "inside";
  return isGenuineSender(client, envelope) ? "authenticated" : "unknown";
}

/** What decides who is told. */
export interface NoticeCase {
  readonly wish: NoticeWish;
  readonly sender: string;
  readonly standing: SenderStanding;
  readonly recipients: readonly Recipient[];
  /** Whether mail for an address ends here: only such recipients are told. */
  isLocal(address: string): boolean;
  /** The message's beginning, with its header section. */
  readonly head: Uint8Array;
}

/** What a notice is about, to whom. */
export type NoticeRole = "admin" | "sender" | "recipient";

/** One who is told. */
export interface Addressee {
  readonly role: NoticeRole;
  readonly address: string;
}

/** Recipients of one message that are told. */
export const ADDRESSEES_MAX = 100;
const HEADER_SIZE_MAX = 262_144;
// RFC 3834 §2: marks of mail that no person sent, and names of mailboxes that no person reads.
const AUTOMATIC =
  /^(?:auto-submitted[ \t]*:(?!\s*no\b)|precedence[ \t]*:\s*(?:bulk|list|junk)\b|list-(?:id|post|help|unsubscribe|subscribe|owner|archive)[ \t]*:|x-auto-response-suppress[ \t]*:\s*(?:.*\b)?(?:all|autoreply|oof)\b|x-(?:loop|autoreply|autorespond)[ \t]*:|feedback-id[ \t]*:|content-type[ \t]*:\s*multipart\/report\b|return-path[ \t]*:\s*<>)/im;
const ROBOT =
  /^(?:mailer-daemon|postmaster|listserv|majordomo|no-?reply|do-?not-?reply|bounces?|owner-.*|.*-(?:request|owner|bounces?|relay)|bounces?[+=-].*|.*\+bounces?(?:[+=-].*)?|srs[01][=+-].*|prvs=.*)$/i;

/** Everybody who is to be told, each once; the administrator first. */
export function addresseesOf(matter: NoticeCase): readonly Addressee[] {
  const found = new Map<string, Addressee>();
  const add = (role: NoticeRole, address: string) => {
    const key = address.toLowerCase();
    if (key !== "" && !found.has(key) && found.size < ADDRESSEES_MAX) {
      found.set(key, { role, address });
    }
  };
  for (const address of matter.wish.admins) add("admin", address);
  if (matter.wish.isToSender && mayTellSender(matter)) add("sender", matter.sender);
  if (matter.wish.isToRecipients) {
    for (const { address } of matter.recipients) {
      if (matter.isLocal(address)) add("recipient", address);
    }
  }
  return [...found.values()];
}

/** Whether the envelope sender may be told: it is certain who it is, and that it is a person. */
export function mayTellSender({ sender, standing, head }: NoticeCase): boolean {
  // RFC 5321 §4.5.5: never an answer to the null sender.
  if (sender === "" || standing === "unknown") return false;
  const local = sender.slice(0, Math.max(0, sender.lastIndexOf("@")));
  return local !== "" && !ROBOT.test(local) && !isAutomatic(head);
}

/** Whether a message's header says that no person sent it. */
export function isAutomatic(head: Uint8Array): boolean {
  const text = asBuffer(head).toString("latin1", 0, HEADER_SIZE_MAX);
  const end = text.search(/\r?\n\r?\n/);
  return AUTOMATIC.test(end < 0 ? text : text.slice(0, end + 1));
}
