// S/MIME and other CMS objects: what was signed or compressed is given, what is enveloped is
// protected. A detached signature or a bundle of certificates holds nothing to give. RFC 5652.

import { inflateSync } from "node:zlib";
import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import { decodeBase64 } from "../../codec/base64.ts";
import {
  BER_TAG,
  type BerElement,
  behindBer,
  octetsOf,
  oidText,
  readBer,
} from "../../codec/ber.ts";
import type { Explosion, Extract } from "../../message.ts";
import { inflate } from "../inflate.ts";

const NEST_MAX = 8;
const FIELDS_MAX = 16;
const ARMOURED_MAX = 100;
const CUT: Explosion = { status: "damaged", note: "the CMS object is cut short or malformed" };
const CLEAN: Explosion = { status: "clean", note: "" };
const REFUSED: Explosion = { status: "unscanned", note: "more than may still be extracted" };

// RFC 5652 §4 and on; RFC 3274 (compressed), RFC 5083 (authenticated and enveloped).
const CMS = {
  data: "1.2.840.113549.1.7.1",
  signed: "1.2.840.113549.1.7.2",
  digested: "1.2.840.113549.1.7.5",
  authenticated: "1.2.840.113549.1.9.16.1.2",
  compressed: "1.2.840.113549.1.9.16.1.9",
} as const;
const SEALED: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.7.3": "encrypted for its recipient (S/MIME)",
  "1.2.840.113549.1.7.4": "encrypted for its recipient (S/MIME, signed and enveloped)",
  "1.2.840.113549.1.7.6": "encrypted (CMS)",
  "1.2.840.113549.1.9.16.1.23": "encrypted for its recipient (S/MIME)",
};

/** Contents of a CMS object: its type, and where its value stands. */
interface Content {
  readonly type: string;
  /** The [0] that holds the value; undefined if there is none. */
  readonly value: BerElement | undefined;
}

/** Yields the content of a CMS object in BER or DER. */
export function* explodePkcs7(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const end = yield* open(input, budget);
  // The content may be whole and what is behind it cut off.
  return end.status === "clean" && readBer(input, 0, input.length)?.isCut ? CUT : end;
}

function* open(bytes: Buffer, budget: Budget): Generator<Extract, Explosion> {
  let input = bytes;
  let content = readContent(input, 0, input.length);
  for (let depth = 0; depth < NEST_MAX; depth++) {
    if (content === undefined) return CUT;
    const sealed = SEALED[content.type];
    if (sealed !== undefined) return { status: "protected", note: sealed };
    const { value, type } = content;
    // RFC 5652 §5.2: the value is left out when the signature stands apart from what it signs.
    if (value === undefined) return CLEAN;
    if (!isWrapper(type)) return yield* give(input, value, { budget, isMessage: depth > 0 });
    const wrapped = wrappedContent(input, value);
    if (wrapped === undefined) return CUT;
    if (type === CMS.compressed) {
      const octets = wrapped.value && innerOctets(input, wrapped.value);
      if (octets === undefined) return CUT;
      const plain = inflateZlib(octets, budget.bytesLeft);
      if (plain === "too-large") return REFUSED;
      if (plain === undefined) return { status: "damaged", note: "does not inflate" };
      return yield* yieldContent(plain, { budget, isMessage: true });
    }
    if (isWrapper(wrapped.type) && wrapped.value !== undefined) {
      // CMS in CMS without MIME between them: the value is the bare object, without its wrapping.
      const octets = innerOctets(input, wrapped.value);
      if (octets === undefined) return CUT;
      input = octets;
      content = { type: wrapped.type, value: { ...wrapped.value, start: 0, end: octets.length } };
    } else content = wrapped;
  }
  return { status: "unscanned", note: `nested deeper than ${NEST_MAX}` };
}

/** Yields the content of CMS objects in PEM; certificates and keys hold none. RFC 7468 §7, §9. */
export function* explodePem(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const text = asBuffer(bytes).toString("latin1");
  const pattern = /-----BEGIN (?:PKCS ?#?7|CMS)(?: SIGNED DATA)?-----([^-]*)/g;
  let count = 0;
  for (const [, digits = ""] of text.matchAll(pattern)) {
    if (++count > ARMOURED_MAX) return { status: "unscanned", note: "too many objects in PEM" };
    const binary = decodeBase64(Buffer.from(digits, "latin1")).bytes;
    if (!budget.takeObject(binary.length)) return REFUSED;
    yield { name: "smime.p7m", declaredType: "application/pkcs7-mime", bytes: binary };
  }
  return CLEAN;
}

function isWrapper(type: string): boolean {
  return (
    type === CMS.signed ||
    type === CMS.digested ||
    type === CMS.authenticated ||
    type === CMS.compressed
  );
}

// ContentInfo and EncapsulatedContentInfo alike: SEQUENCE { type, [0] EXPLICIT value OPTIONAL }.
function readContent(bytes: Buffer, at: number, end: number): Content | undefined {
  const sequence = readBer(bytes, at, end);
  if (sequence?.tag !== BER_TAG.sequence) return;
  const type = readBer(bytes, sequence.start, sequence.end);
  if (type?.tag !== BER_TAG.oid) return;
  const value = readBer(bytes, type.end, sequence.end);
  return {
    type: oidText(bytes.subarray(type.start, type.end)),
    value: value?.tag === BER_TAG.explicit0 ? value : undefined,
  };
}

// The encapsulated content of signed, digested and compressed data: the first field that is a
// SEQUENCE beginning with a type and, if anything follows, a value. An AlgorithmIdentifier is also
// a SEQUENCE that begins with an OID, but what follows it there is never [0].
function wrappedContent(bytes: Buffer, value: BerElement): Content | undefined {
  const object = readBer(bytes, value.start, value.end);
  // Pieces of CMS in CMS come without the outer SEQUENCE being wrapped again.
  if (object?.tag !== BER_TAG.sequence) return;
  let found: Content | undefined;
  let at = object.start;
  for (let field = 0; field < FIELDS_MAX && at < object.end; field++) {
    const element = readBer(bytes, at, object.end);
    if (element === undefined) break;
    if (element.tag === BER_TAG.sequence) {
      const content = readContent(bytes, at, object.end);
      if (content?.value !== undefined) return content;
      found ??= content;
    }
    at = behindBer(bytes, element);
  }
  return found;
}

function innerOctets(bytes: Buffer, value: BerElement): Buffer | undefined {
  const octets = readBer(bytes, value.start, value.end);
  if (octets === undefined) return;
  // PKCS #7 1.5 lets the value be anything; its encoding is the content then.
  if ((octets.tag & 0x1f) !== BER_TAG.octets) return bytes.subarray(value.start, value.end);
  return octetsOf(bytes, octets).bytes;
}

interface Giving {
  readonly budget: Budget;
  /** Whether S/MIME's rule holds that the content is a MIME entity. */
  readonly isMessage: boolean;
}

function* give(
  bytes: Buffer,
  value: BerElement,
  giving: Giving,
): Generator<Extract, Explosion, undefined> {
  const octets = readBer(bytes, value.start, value.end);
  if (octets === undefined) return CUT;
  if ((octets.tag & 0x1f) !== BER_TAG.octets) {
    return yield* yieldContent(bytes.subarray(value.start, value.end), giving);
  }
  const found = octetsOf(bytes, octets);
  const end = yield* yieldContent(found.bytes, giving);
  return found.isWhole || end.status !== "clean" ? end : CUT;
}

function* yieldContent(
  bytes: Buffer,
  { budget, isMessage }: Giving,
): Generator<Extract, Explosion> {
  if (bytes.length === 0) return CLEAN;
  if (!budget.takeObject(bytes.length)) return REFUSED;
  // Signed files (invoice.pdf.p7m) are no MIME entities, whatever RFC 8551 §3.1 says.
  const isEntity = isMessage && /^(?:\r?\n)*[!-9;-~]{1,64}[ \t]*:/.test(latin1Head(bytes));
  yield {
    name: isEntity ? "signed message" : "signed content",
    declaredType: isEntity ? "message/rfc822" : "",
    bytes,
  };
  return CLEAN;
}

function latin1Head(bytes: Buffer): string {
  return bytes.toString("latin1", 0, Math.min(bytes.length, 200));
}

// RFC 3274 §2: zlib is the only method. A stream that breaks gives what stands before the break.
function inflateZlib(bytes: Buffer, sizeMax: number): Buffer | "too-large" | undefined {
  if (sizeMax < 1) return "too-large";
  try {
    return inflateSync(bytes, { maxOutputLength: sizeMax });
  } catch {
    // Cut or too large: the raw stream behind the two bytes of header tells which.
    const found = inflate(bytes.subarray(2), sizeMax);
    if (found.end === "too-large") return "too-large";
    return found.bytes.length > 0 ? asBuffer(found.bytes) : undefined;
  }
}
