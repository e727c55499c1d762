// The nouns of the message's road: types, and the one order they share. Every stage speaks in
// these words; nothing here does any work.

/** Status of an object, best first; a later one outweighs an earlier one. */
export const STATUSES = [
  "clean",
  "disinfected",
  "filtered",
  "protected",
  "damaged",
  "unscanned",
  "suspicious",
  "infected",
] as const;

/** What the scanner saw of one object. "clean" is only said of what was wholly scanned. */
export type Status = (typeof STATUSES)[number];

/** The graver of two statuses. */
export function worseStatus(a: Status, b: Status): Status {
  return STATUSES.indexOf(a) >= STATUSES.indexOf(b) ? a : b;
}

/** How grave a signature's match is. `unwanted` is reported, and by default not acted upon. */
export type Severity = "infected" | "suspicious" | "unwanted";

/**
 * A signature's own way to make an object harmless. Places are patterns for RegExp over the bytes
 * read as latin1: `truncate` cuts from the first match on, `cut` from one match through another.
 */
export type Remedy =
  | { readonly kind: "remove" }
  | { readonly kind: "truncate"; readonly at: string }
  | { readonly kind: "cut"; readonly from: string; readonly to: string };

/** One signature match. `offset` is in bytes from the object's start, -1 if it has no place. */
export interface Finding {
  readonly signature: string;
  readonly severity: Severity;
  readonly offset: number;
  /** One sentence for the administrator: what was found and why it matters. */
  readonly description?: string;
  readonly remedy?: Remedy;
}

/** A stretch of an object's bytes, from `start` up to and without `end`. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Anything that gets scanned: the message, a part, a member, a stream, a decoded blob. */
export interface ScannedObject {
  /** Position in `Verdict.objects`; the message itself is 0. */
  readonly id: number;
  /** The object it was taken out of; null for the message. */
  readonly parent: number | null;
  /** Names from the outside in, joined by " › ": `mail.eml › invoice.zip › a.docm`. */
  readonly path: string;
  readonly name: string;
  /** Media type the sender claims, lower case, "" if none. */
  readonly declaredType: string;
  /** Type found in the bytes, as `scan/file-type.ts` names it. */
  readonly type: string;
  /** Size in bytes. */
  readonly size: number;
  /** Where its encoded bytes stand in its parent's, if that is one stretch. */
  readonly place?: Stretch;
  /** Coverage: how many of those bytes the engine looked at. */
  readonly scanned: number;
  readonly status: Status;
  /** What the status would be without its findings; there only if they count. */
  readonly plainStatus?: Status;
  readonly findings: readonly Finding[];
  /** SHA-256, hexadecimal, if the inspection was asked for it. */
  readonly hash?: string;
  /** Why the status is not "clean", or what is odd; short sentences. */
  readonly notes: readonly string[];
}

/** What the scanner saw of one message (or file): a value, never an exception. */
export interface Verdict {
  /** The worst status of all objects. */
  readonly status: Status;
  readonly objects: readonly ScannedObject[];
  readonly elapsedMs: number;
  /** Identity of the signature set that was used. */
  readonly signatureSet: string;
}

/** An object taken out of another one, before it has been looked at. */
export interface Extract {
  /** Decoded file name, or a name of ours for what has none (`part 2`, `text`). */
  readonly name: string;
  /** Media type it claims, lower case, "" if none. */
  readonly declaredType: string;
  readonly bytes: Uint8Array;
  /** Where its encoded bytes stand in what it was taken out of, if that is one stretch. */
  readonly place?: Stretch;
  /** How its container keeps it, if that tells. */
  readonly stored?: StoredEntry;
}

/** How a container keeps an entry. */
export interface StoredEntry {
  /** Bytes that it takes there. */
  readonly packedSize: number;
  readonly isEncrypted: boolean;
}

/** An entry of a container that stayed closed: no password for it was found. */
export interface ClosedEntry {
  readonly name: string;
  /** Bytes of its content, and what it takes in the container, if that tells. */
  readonly size?: number;
  readonly packedSize?: number;
}

/** How taking an object apart ended. Anything but "clean" becomes the container's status. */
export interface Explosion {
  readonly status: "clean" | "protected" | "damaged" | "unscanned";
  /** Why, in one short sentence; what a reader should know of one that is "clean", else "". */
  readonly note: string;
  /** What taking it apart found, where that is a finding of its own. */
  readonly findings?: readonly Finding[];
  /** Entries that are known by name only, the first thousand. */
  readonly closed?: readonly ClosedEntry[];
}

/** An envelope's recipient (forward-path) with its DSN wishes. RFC 3461 §4. */
export interface Recipient {
  readonly address: string;
  readonly notify?: readonly ("never" | "success" | "failure" | "delay")[];
  /** Original recipient as sent, `rfc822;user@example.org`. */
  readonly orcpt?: string;
}

/** How a check of who a message is from ended. RFC 8601 §2.7. */
export type AuthenticationResult =
  | "none"
  | "pass"
  | "fail"
  | "softfail"
  | "neutral"
  | "policy"
  | "temperror"
  | "permerror";

/** One such check, and the domain that it is about, "" if there is none. */
export interface AuthenticationCheck {
  readonly result: AuthenticationResult;
  readonly domain: string;
}

/** What all such checks of one message say. */
export interface Authentication {
  /** RFC 7208: of the envelope sender's domain; of the name in HELO for the null sender. */
  readonly spf: AuthenticationCheck;
  /** RFC 6376: one for each signature, in the header's order. */
  readonly dkim: readonly (AuthenticationCheck & { readonly selector: string })[];
  /** RFC 7489: of the From field's domain, and what its owner asks for mail that fails. */
  readonly dmarc: AuthenticationCheck & { readonly policy: "none" | "quarantine" | "reject" };
  /** RFC 8617: the chain, with the domain of its last seal. */
  readonly arc: AuthenticationCheck;
}

/** True if the envelope sender is who it seems to be: logged in, or vouched for by its domain. */
export function isGenuineSender(client: Client, envelope: Envelope): boolean {
  const { authentication, sender } = envelope;
  if (client.user !== undefined) return true;
  if (authentication === undefined || sender === "") return false;
  if (authentication.spf.result === "pass") return true;
  const domain = sender.slice(sender.lastIndexOf("@") + 1).toLowerCase();
  const isOf = (signer: string) => domain === signer || domain.endsWith(`.${signer}`);
  return authentication.dkim.some(({ result, domain: by }) => result === "pass" && isOf(by));
}

/** RFC 5321 §2.3.1: what MAIL and RCPT said; never taken from header fields. */
export interface Envelope {
  /** Reverse-path without brackets; "" is the null sender. */
  readonly sender: string;
  readonly recipients: readonly Recipient[];
  /** RFC 6531: the sender asked for SMTPUTF8. */
  readonly isUtf8: boolean;
  /** RFC 6152 BODY parameter. */
  readonly body: "7bit" | "8bitmime";
  /** RFC 3461 RET parameter. */
  readonly ret?: "full" | "hdrs";
  /** RFC 3461 ENVID parameter, still xtext-decoded. */
  readonly envid?: string;
  /** There if the message was checked; mail of clients that gw relays for is not. */
  readonly authentication?: Authentication;
  /** What rules noted about the session, in their words: `in_dnsbl`. */
  readonly tags?: readonly string[];
}

/** Whom a listener is for: strangers, users who log in, or the site's own hosts. */
export const ROLES = ["mx", "submission", "internal"] as const;
export type Role = (typeof ROLES)[number];

/** Who handed the message over: one SMTP session as the far side showed itself. */
export interface Client {
  readonly address: string;
  readonly port: number;
  /** Name given in HELO or EHLO, "" before. */
  readonly helo: string;
  /** RFC 3848 word for the Received field: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, LMTP … */
  readonly protocol: string;
  /** Authenticated user, if any. */
  readonly user?: string;
  /** Role of the listener that the session came in at; absent in records of older versions. */
  readonly role?: Role;
  /**
   * The trusted relay that told of the client with XFORWARD: what stands above is what it told,
   * while rights (relaying, limits) and the trace go by the relay itself.
   */
  readonly via?: { readonly address: string; readonly helo: string };
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`, if the session is encrypted. */
  readonly tls?: string;
}

/** Where a body's bytes are. A path may be read from any thread. */
export type Body =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | {
      readonly kind: "file";
      readonly path: string;
      /** Bytes from the file's start. */
      readonly offset: number;
      readonly size: number;
    };

/** What policy does about a message. */
export type Disposition =
  | { readonly kind: "deliver" }
  | { readonly kind: "reject"; readonly reason: string }
  | { readonly kind: "defer"; readonly reason: string }
  | { readonly kind: "block"; readonly reason: string }
  | { readonly kind: "quarantine"; readonly reason: string };

/** The words of `Disposition`, for settings. */
export const DISPOSITIONS = ["deliver", "reject", "defer", "block", "quarantine"] as const;

/** A message as it is kept: who, when, what was seen; its body is stored beside it. */
export interface MessageRecord {
  /** Queue id, `[0-9A-Za-z]{11,}`, sorts by time; appears in replies, trace fields and logs. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly client: Client;
  readonly envelope: Envelope;
  /** Trace fields that gw puts above the message: whole header lines, CRLF-ended. */
  readonly trace: string;
  /** Bytes of the body as received (without `trace`). */
  readonly size: number;
  /** Message-ID and Subject as a reader would see them, "" if absent; cut to 200 characters. */
  readonly messageId: string;
  readonly subject: string;
  /** Worst status, and the names of what was found. */
  readonly status: Status;
  readonly findings: readonly string[];
  /** A copy in the archive: as it came in, as it went out, or one for both. */
  readonly direction?: "incoming" | "outgoing" | "both";
  /** Id of the kept message that this one was released from. */
  readonly releasedFrom?: string;
}

/** Outcome of one attempt for one recipient. RFC 3464 §2.3.3. */
export type Outcome =
  | {
      readonly kind: "delivered";
      readonly reply: string;
      readonly host: string;
      /**
       * What gw may have to tell the sender, RFC 3461 §5.2: handed to a host that reports nothing,
       * or into a mailbox. Left out where the next hop took the sender's wishes.
       */
      readonly success?: "relayed" | "delivered";
    }
  | { readonly kind: "deferred"; readonly reply: string; readonly host: string }
  | { readonly kind: "failed"; readonly reply: string; readonly host: string };
