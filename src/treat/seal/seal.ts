// Signatures for a message that gw has changed: DKIM (RFC 6376) for its own domains, and an ARC set
// (RFC 8617) that tells those behind gw what was checked before. Both go on top; nothing that stands
// in the message moves. mailauth does the work.

import { asBuffer } from "../../base/bytes.ts";
import { describeError } from "../../base/log.ts";

/** A key that signs. */
export interface SigningKey {
  readonly domain: string;
  readonly selector: string;
  /** PEM. */
  readonly privateKey: string;
}

/** What is to be signed with what. */
export interface SealOrder {
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly dkim?: SigningKey;
  readonly arc?: {
    readonly key: SigningKey;
    /** What the checks said, as it stands in an Authentication-Results field. */
    readonly results: string;
    /** What the check of the chain that the message came with said; undefined: not checked. */
    readonly chain: "pass" | "fail" | undefined;
  };
}

/** The signed message, and what is to be said of it. */
export interface Sealed {
  readonly bytes: Uint8Array;
  readonly notes: readonly string[];
}

/** Signs a message. What can't be signed is left as it is, with a note that says why. */
export async function seal(order: SealOrder): Promise<Sealed> {
  const notes: string[] = [];
  let bytes = asBuffer(order.bytes);
  const attempt = async (what: string, key: SigningKey, make: () => Promise<string>) => {
    const by = `${key.domain} (${key.selector})`;
    try {
      const fields = await make();
      bytes = Buffer.concat([Buffer.from(fields, "latin1"), bytes]);
      notes.push(`${what} by ${by}`);
    } catch (error) {
      notes.push(`not ${what} by ${by}: ${describeError(error)}`);
    }
  };
  const { dkim, arc } = order;
  if (dkim !== undefined) await attempt("DKIM-signed", dkim, () => dkimField(bytes, dkim, order));
  if (arc !== undefined) await attempt("ARC-sealed", arc.key, () => arcSet(bytes, arc, order));
  return { bytes, notes };
}

async function dkimField(bytes: Buffer, key: SigningKey, { now }: SealOrder): Promise<string> {
  const { dkimSign } = await import("mailauth/lib/dkim/sign.js");
  const { domain: signingDomain, selector, privateKey } = key;
  const { signatures, errors } = await dkimSign(bytes, {
    strict: true,
    signTime: new Date(now),
    signatureData: [{ signingDomain, selector, privateKey, canonicalization: "relaxed/relaxed" }],
  });
  return made(signatures, errors);
}

async function arcSet(
  bytes: Buffer,
  { key, results, chain }: NonNullable<SealOrder["arc"]>,
  { now }: SealOrder,
): Promise<string> {
  // RFC 8617 §4.4: the first set says that there was none before it.
  const hasChain = hasArcSet(bytes);
  if (hasChain && chain === undefined) throw new Error("the chain it came with was not checked");
  const { createSeal } = await import("mailauth/lib/arc/index.js");
  const { domain: signingDomain, selector, privateKey } = key;
  const { headers, errors } = await createSeal(bytes, {
    seal: {
      ...{ strict: true, signTime: new Date(now), signingDomain, selector, privateKey },
      ...{ authResults: results, cv: hasChain ? (chain ?? "") : "none" },
    },
  });
  return made(headers.map((field) => `${field.replace(/(?:\r\n)+$/, "")}\r\n`).join(""), errors);
}

function made(fields: string, errors: readonly { readonly err: Error }[]): string {
  if (fields !== "") return fields;
  throw errors[0]?.err ?? new Error("nothing was signed");
}

/** Whether a message's header has a seal. */
export function hasArcSet(bytes: Buffer): boolean {
  return headerFields(bytes, "arc-seal").length > 0;
}

const HEADER_SIZE_MAX = 1 << 20;

function headerFields(bytes: Buffer, name: string): string[] {
  const text = bytes.toString("latin1", 0, HEADER_SIZE_MAX);
  const end = text.search(/(?:^|\r?\n)\r?\n/);
  const head = end < 0 ? text : text.slice(0, end);
  const pattern = new RegExp(`^${name}[ \\t]*:([^\\r\\n]*(?:\\r?\\n[ \\t][^\\r\\n]*)*)`, "gim");
  return [...head.matchAll(pattern)].map(([, value = ""]) => value);
}

/** The one domain that a message's From field speaks for; undefined if there is not exactly one. */
export function fromDomain(bytes: Uint8Array): string | undefined {
  // RFC 5322 §3.6: one From field. A reader might show either of two.
  const fields = headerFields(asBuffer(bytes), "from");
  if (fields.length !== 1) return undefined;
  // Names in quotes and comments may hold anything; the address may not.
  const plain = (fields[0] ?? "").replace(/"(?:[^"\\]|\\.)*"(?!@)/g, "").replace(/\([^()]*\)/g, "");
  const found = [...plain.matchAll(/@([\w.-]{1,253})/g)];
  return found.length === 1 ? found[0]?.[1]?.toLowerCase() : undefined;
}
