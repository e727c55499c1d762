// X.509 certificates as signatures of malware quote them: names, serial number, validity. Nothing is
// verified with them. RFC 5280 §4.1.

import { type BerElement, oidText, readBer } from "../../codec/ber.ts";

const NAME_PARTS_MAX = 64;
const SERIAL_MAX = 64;

/** What a certificate says of itself. */
export interface Certificate {
  /** The whole certificate, as signed. */
  readonly der: Buffer;
  readonly version: number;
  /** Contents of the serial number, as written. */
  readonly serial: Buffer;
  readonly algorithm: string;
  /** `/C=US/O=Example/CN=Name`, as OpenSSL writes names on one line. */
  readonly issuer: string;
  readonly subject: string;
  /** The issuer's name as written, to compare. */
  readonly rawIssuer: Buffer;
  /** Seconds since the epoch; undefined if unreadable. */
  readonly notBefore: number | undefined;
  readonly notAfter: number | undefined;
}

// Short names of attributes, by object identifier. RFC 4519 §2; the last ones by CA/Browser Forum.
const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.4", "SN"],
  ["2.5.4.5", "serialNumber"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.9", "street"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.12", "title"],
  ["2.5.4.13", "description"],
  ["2.5.4.15", "businessCategory"],
  ["2.5.4.17", "postalCode"],
  ["2.5.4.18", "postOfficeBox"],
  ["2.5.4.41", "name"],
  ["2.5.4.42", "GN"],
  ["2.5.4.43", "initials"],
  ["2.5.4.46", "dnQualifier"],
  ["2.5.4.97", "organizationIdentifier"],
  ["1.2.840.113549.1.9.1", "emailAddress"],
  ["0.9.2342.19200300.100.1.1", "UID"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"],
  ["1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"],
  ["1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"],
]);

/** The elements within `parent`, one after another; at most `max`. */
export function childrenOf(bytes: Buffer, parent: BerElement, max = NAME_PARTS_MAX): BerElement[] {
  const children: BerElement[] = [];
  let at = parent.start;
  while (at < parent.end && children.length < max) {
    const child = readBer(bytes, at, parent.end);
    if (child === undefined || child.isIndefinite) break;
    children.push(child);
    at = child.end;
  }
  return children;
}

/** The contents of an element. */
export function contentsOf(bytes: Buffer, element: BerElement | undefined): Buffer {
  return element === undefined ? Buffer.alloc(0) : bytes.subarray(element.start, element.end);
}

/** The certificate at `at`, or undefined if it is none. */
export function readCertificate(bytes: Buffer, at: number, end: number): Certificate | undefined {
  const whole = readBer(bytes, at, end);
  if (whole === undefined || whole.tag !== 0x30 || whole.isIndefinite || whole.isCut) return;
  const signed = readBer(bytes, whole.start, whole.end);
  if (signed === undefined || signed.tag !== 0x30) return;
  const fields = childrenOf(bytes, signed);
  // The version stands first and may be left out.
  const hasVersion = fields[0]?.tag === 0xa0;
  const version = hasVersion ? (bytes[fields[0]?.end ? fields[0].end - 1 : 0] ?? 0) + 1 : 1;
  const [serial, algorithm, issuer, validity, subject] = fields.slice(hasVersion ? 1 : 0);
  if (serial?.tag !== 0x02 || subject?.tag !== 0x30 || issuer?.tag !== 0x30) return;
  const [from, to] = validity === undefined ? [] : childrenOf(bytes, validity);
  return {
    der: bytes.subarray(at, whole.end),
    version,
    serial: contentsOf(bytes, serial).subarray(0, SERIAL_MAX),
    algorithm: algorithm === undefined ? "" : firstOid(bytes, algorithm),
    issuer: nameText(bytes, issuer),
    subject: nameText(bytes, subject),
    rawIssuer: contentsOf(bytes, issuer),
    notBefore: timeOf(bytes, from),
    notAfter: timeOf(bytes, to),
  };
}

/** The object identifier that begins a sequence, dotted; "" if none does. */
export function firstOid(bytes: Buffer, sequence: BerElement): string {
  const id = readBer(bytes, sequence.start, sequence.end);
  return id?.tag === 0x06 ? oidText(contentsOf(bytes, id)) : "";
}

function nameText(bytes: Buffer, name: BerElement): string {
  let text = "";
  for (const set of childrenOf(bytes, name)) {
    for (const attribute of childrenOf(bytes, set)) {
      const [id, value] = childrenOf(bytes, attribute, 2);
      const oid = oidText(contentsOf(bytes, id));
      text += `/${ATTRIBUTES.get(oid) ?? oid}=${printable(contentsOf(bytes, value))}`;
    }
  }
  return text;
}

function printable(value: Buffer): string {
  return value
    .toString("latin1")
    .replace(
      /[^ -~]/g,
      (char) => `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    );
}

// RFC 5280 §4.1.2.5: UTCTime with two digits of the year, or GeneralizedTime with four; Zulu.
function timeOf(bytes: Buffer, element: BerElement | undefined): number | undefined {
  const text = contentsOf(bytes, element).toString("latin1");
  const match = /^(\d\d)?(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z$/.exec(text);
  if (match === null) return;
  const isLong = element?.tag === 0x18;
  const digits = text.slice(0, -1);
  const year = Number(digits.slice(0, isLong ? 4 : 2));
  const rest = (digits.slice(isLong ? 4 : 2).match(/\d\d/g) ?? []).map(Number);
  const [month = 1, day = 1, hour = 0, minute = 0, second = 0] = rest;
  const full = isLong ? year : year < 50 ? 2000 + year : 1900 + year;
  return Date.UTC(full, month - 1, day, hour, minute, second) / 1000;
}
