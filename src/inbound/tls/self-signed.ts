// A certificate that a host signs for itself. It keeps mail unread on its way from hosts that encrypt
// without asking who is there, as most do; it proves to nobody whose host this is.
import { generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import { DAY_MS } from "../../base/clock.ts";
import { BER_TAG, derOf } from "../../codec/ber.ts";

/** A certificate and its private key, both in PEM. */
export interface SelfSigned {
  readonly certificate: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Nobody renews it by itself: five years. */
const DAYS = 5 * 365;
/** RFC 5280 §4.1.2.2: positive, at most 20 bytes. */
const SERIAL_SIZE = 16;
/** RFC 5280 appendix A.1, ub-common-name. */
const COMMON_NAME_MAX = 64;
/** From here on times are written with four digits of the year. RFC 5280 §4.1.2.5. */
const LONG_YEARS = Date.UTC(2050, 0, 1);

const TAG = {
  integer: 0x02,
  bits: 0x03,
  utf8: 0x0c,
  shortTime: 0x17,
  longTime: 0x18,
  set: 0x31,
  /** GeneralName, dNSName. RFC 5280 §4.2.1.6. */
  dnsName: 0x82,
  version: 0xa0,
  extensions: 0xa3,
} as const;

const VERSION_3 = Buffer.from([2]);
const TRUE = Buffer.from("0101ff", "hex");
/** 2.5.4.3. */
const COMMON_NAME = Buffer.from("0603550403", "hex");
/** ecdsa-with-SHA256. RFC 5758 §3.2. */
const ECDSA_SHA256 = derOf(BER_TAG.sequence, Buffer.from("06082a8648ce3d040302", "hex"));
/** Object identifiers of extensions. RFC 5280 §4.2.1. */
const EXTENSION = {
  keyUsage: Buffer.from("0603551d0f", "hex"),
  altName: Buffer.from("0603551d11", "hex"),
  constraints: Buffer.from("0603551d13", "hex"),
  purposes: Buffer.from("0603551d25", "hex"),
} as const;
/** serverAuth. RFC 5280 §4.2.1.12. */
const SERVER = Buffer.from("06082b06010505070301", "hex");
/** A bit string with digitalSignature alone: all that TLS does with a key on a curve. */
const SIGNS = Buffer.from("03020780", "hex");

const sequence = (...parts: readonly Uint8Array[]) => derOf(BER_TAG.sequence, ...parts);
const bits = (bytes: Uint8Array) => derOf(TAG.bits, Buffer.from([0]), bytes);

function extension(id: Uint8Array, value: Uint8Array, isCritical = false): Buffer {
  const marks = isCritical ? [TRUE] : [];
  return sequence(id, ...marks, derOf(BER_TAG.octets, value));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\.\d+/, "").replaceAll(/[-:T]/g, "");
  if (ms >= LONG_YEARS) return derOf(TAG.longTime, Buffer.from(digits));
  return derOf(TAG.shortTime, Buffer.from(digits.slice(2)));
}

function serial(): Buffer {
  const bytes = randomBytes(SERIAL_SIZE);
  // Neither negative, nor with zeros in front that DER does not have.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return derOf(TAG.integer, bytes);
}

/** A new key on P-256, and a certificate for that DNS name in ASCII that begins at `now`. */
export function makeSelfSigned(hostname: string, now: number): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const expiresAt = now + DAYS * DAY_MS;
  // The subject is for people to see; names are looked for in the extension, however long.
  const label = Buffer.from(hostname.length > COMMON_NAME_MAX ? "gw" : hostname);
  const name = sequence(derOf(TAG.set, sequence(COMMON_NAME, derOf(TAG.utf8, label))));
  const altName = sequence(derOf(TAG.dnsName, Buffer.from(hostname, "latin1")));
  const body = sequence(
    derOf(TAG.version, derOf(TAG.integer, VERSION_3)),
    serial(),
    ECDSA_SHA256,
    name,
    // A day earlier: clocks of others may be behind.
    sequence(time(now - DAY_MS), time(expiresAt)),
    name,
    publicKey.export({ format: "der", type: "spki" }),
    derOf(
      TAG.extensions,
      sequence(
        extension(EXTENSION.constraints, sequence(), true),
        extension(EXTENSION.keyUsage, SIGNS, true),
        extension(EXTENSION.purposes, sequence(SERVER)),
        extension(EXTENSION.altName, altName),
      ),
    ),
  );
  const whole = sequence(body, ECDSA_SHA256, bits(sign("sha256", body, privateKey)));
  return {
    certificate: new X509Certificate(whole).toString(),
    key: privateKey.export({ format: "pem", type: "pkcs8" }),
    expiresAt,
  };
}
