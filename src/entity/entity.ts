// What the fields of one entity say about it: its types, its name, its encodings. Where fields
// disagree, everything they say is kept.

import { joinNames } from "../text/object-name.ts";
import { boundaryCandidates, parameterTexts } from "./field.ts";
import type { Header } from "./header.ts";
import type { TransferEncoding } from "./transfer.ts";

/** One media type an entity claims to be. */
export interface ClaimedType {
  /** Lower case `type/subtype`; "" if it claims none. */
  readonly type: string;
  readonly isMultipart: boolean;
  /** Latin1 text; only multiparts, and what carelessly has one, have any. */
  readonly boundaries: readonly string[];
}

/** An entity as its header describes it. RFC 2045 §2.4. */
export interface Description {
  /** At least one. */
  readonly types: readonly ClaimedType[];
  /** At least one. */
  readonly encodings: readonly TransferEncoding[];
  /** Decoded file name, "" if none. */
  readonly name: string;
  /** Why the entity can never be wholly seen, "" if it can. */
  readonly protection: string;
  /** True for one piece of a message that was sent in several. RFC 2046 §5.2.2. */
  readonly isFragment: boolean;
}

const NO_TYPE: readonly ClaimedType[] = [{ type: "", isMultipart: false, boundaries: [] }];
const IDENTITY: readonly TransferEncoding[] = ["identity"];

/** Describes an entity; `fallback` is its type if it names none (RFC 2046 §5.1.5). */
export function describeEntity(header: Header, fallback: string): Description {
  const types: ClaimedType[] = [];
  let protection = "";
  let isFragment = false;
  for (const field of header.types) {
    const type = field.value;
    const boundaries = /boundary/i.test(field.text) ? boundaryCandidates(field) : [];
    types.push({ type, isMultipart: type.startsWith("multipart"), boundaries });
    protection ||= protectionOf(type, field.text);
    if (type === "message/partial" && !isOnlyFragment(field.text)) isFragment = true;
  }
  return {
    types: types.length > 0 ? types : fallbackType(fallback),
    encodings: header.encodings.length > 0 ? header.encodings : IDENTITY,
    name: entityName(header),
    protection,
    isFragment,
  };
}

function fallbackType(type: string): readonly ClaimedType[] {
  return type === "" ? NO_TYPE : [{ type, isMultipart: false, boundaries: [] }];
}

function entityName(header: Header): string {
  const names: string[] = [];
  for (const field of header.dispositions) names.push(...parameterTexts(field, "filename"));
  for (const field of header.types) names.push(...parameterTexts(field, "name"));
  return names.length === 0 ? "" : joinNames(names);
}

// RFC 3156 §4 and RFC 8551 §3.3: mail that only its recipient can open.
function protectionOf(type: string, text: string): string {
  if (type === "multipart/encrypted") return "encrypted for its recipient (multipart/encrypted)";
  const isEnveloped = /smime-type\s*=\s*"?(?:auth)?enveloped/i.test(text);
  if (isEnveloped && /^application\/(?:x-)?pkcs7-mime$/.test(type)) {
    return "encrypted for its recipient (S/MIME)";
  }
  return "";
}

function isOnlyFragment(text: string): boolean {
  return /total\s*=\s*"?1\b/i.test(text) && /number\s*=\s*"?1\b/i.test(text);
}

/** Types whose content is a message, or the header of one. RFC 2046 §5.2.1, RFC 6532, RFC 3462. */
export function isMessageType(type: string): boolean {
  return (
    type === "message/rfc822" ||
    type === "message/global" ||
    type === "message/news" ||
    type === "message/partial" ||
    type === "text/rfc822-headers" ||
    type === "text/rfc822" ||
    type === "message/global-headers"
  );
}

/** Whether bytes plainly begin with a message's header: two well-known fields among the first. */
export function looksLikeMessage(bytes: Buffer): boolean {
  const head = bytes.toString("latin1", 0, Math.min(bytes.length, 2048));
  if (!/^\s*(?:>?From |[A-Za-z][\w-]*[ \t]*:)/.test(head)) return false;
  const header = head.split(/\r?\n\r?\n/, 1)[0] ?? "";
  const fields =
    /^(?:received|return-path|delivered-to|from|to|subject|date|message-id|mime-version|content-type)[ \t]*:/gim;
  return new Set(header.match(fields)?.map((name) => name.toLowerCase())).size >= 2;
}
