// ClamAV's .sign files (from 1.5 on): a detached PKCS #7 signature over a whole container or diff, by a
// certificate that leads to one of the roots the site trusts. CMS: RFC 5652 §5.
import { createHash, verify, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type BerElement, behindBer, oidText, readBer } from "../../codec/ber.ts";

const SIZE_MAX = 256 * 1024;
const ROOTS_MAX = 100;
const CHAIN_MAX = 8;
const MAGIC = "#clamsign-1.0";

/** AlgorithmIdentifier of SHA-256, and of RSA, as DER. RFC 4055 §2.1, RFC 3370 §3.2. */
const SHA256 = "300d06096086480165030402010500";
const RSA = "300d06092a864886f70d0101010500";
const OID = {
  signedData: "1.2.840.113549.1.7.2",
  data: "1.2.840.113549.1.7.1",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
} as const;

/** A signature that can't be trusted; the message says why. */
export class SignError extends Error {
  override readonly name = "SignError";
}

function fail(message: string): never {
  throw new SignError(message);
}

/** The certificates of a folder. Throws SignError if it holds none, or two of one name. */
export function readRoots(folder: string): X509Certificate[] {
  const names = readdirSync(folder).filter((name) => /\.(?:pem|crt)$/i.test(name));
  if (names.length > ROOTS_MAX) fail(`${folder} holds more than ${ROOTS_MAX} certificates`);
  const roots = names.map((name) => {
    try {
      return new X509Certificate(readFileSync(join(folder, name)));
    } catch (error) {
      throw new SignError(`${join(folder, name)} is no certificate`, { cause: error });
    }
  });
  if (roots.length === 0) fail(`${folder} holds no certificates (*.pem, *.crt)`);
  // One of two would be taken by its place in the folder.
  const subjects = new Set(roots.map(({ subject }) => subject));
  if (subjects.size < roots.length) fail(`${folder} holds two certificates of one name`);
  return roots;
}

/** Reads DER strictly: each element where it must be, and nothing left over. */
class Der {
  readonly bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get isDone(): boolean {
    return this.#at >= this.#end;
  }

  get tag(): number | undefined {
    return this.isDone ? undefined : this.bytes[this.#at];
  }

  next(tag: number): BerElement & { readonly whole: Buffer } {
    const from = this.#at;
    const element = readBer(this.bytes, from, this.#end);
    if (element === undefined || element.tag !== tag || element.isCut || element.isIndefinite) {
      return fail("the signature is malformed");
    }
    this.#at = behindBer(this.bytes, element);
    return { ...element, whole: this.bytes.subarray(from, this.#at) };
  }

  into(tag: number): Der {
    const { start, end } = this.next(tag);
    return new Der(this.bytes, start, end);
  }

  contents(tag: number): Buffer {
    const { start, end } = this.next(tag);
    return this.bytes.subarray(start, end);
  }

  /** Nothing may follow. */
  done(): void {
    if (!this.isDone) fail("the signature is malformed");
  }

  expect(hex: string): void {
    if (this.next(0x30).whole.toString("hex") !== hex) fail("the signature is of an unknown kind");
  }

  oid(expected: string): void {
    if (oidText(this.contents(0x06)) !== expected) fail("the signature is of an unknown kind");
  }

  number(expected: number): void {
    const value = this.contents(0x02);
    if (value.length !== 1 || value[0] !== expected) fail("the signature is of an unknown kind");
  }
}

interface Signature {
  readonly certificates: readonly X509Certificate[];
  readonly issuer: Buffer;
  readonly serial: Buffer;
  /** What was signed, as DER: RFC 5652 §5.4. */
  readonly attributes: Buffer;
  readonly digest: Buffer;
  readonly signature: Buffer;
}

function readSignature(bytes: Buffer): Signature {
  const outer = new Der(bytes);
  const info = outer.into(0x30);
  outer.done();
  info.oid(OID.signedData);
  const data = info.into(0xa0).into(0x30);
  info.done();
  data.number(1);
  data.into(0x31).expect(SHA256);
  data.into(0x30).oid(OID.data);
  const certificates: X509Certificate[] = [];
  const list = data.into(0xa0);
  while (!list.isDone && certificates.length <= CHAIN_MAX) {
    certificates.push(readCertificate(list.next(0x30).whole));
  }
  const signers = data.into(0x31);
  data.done();
  const signer = signers.into(0x30);
  signers.done();
  signer.number(1);
  const sid = signer.into(0x30);
  const issuer = sid.next(0x30).whole;
  const serial = sid.contents(0x02);
  signer.expect(SHA256);
  const attributes = Buffer.from(signer.next(0xa0).whole);
  signer.expect(RSA);
  const signature = signer.contents(0x04);
  signer.done();
  attributes[0] = 0x31;
  return { certificates, issuer, serial, attributes, digest: digestIn(attributes), signature };
}

function readCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new SignError("a certificate of the signature is malformed", { cause: error });
  }
}

function digestIn(attributes: Buffer): Buffer {
  const set = new Der(attributes).into(0x31);
  let digest: Buffer | undefined;
  let isData = false;
  while (!set.isDone) {
    const attribute = set.into(0x30);
    const kind = oidText(attribute.contents(0x06));
    const values = attribute.into(0x31);
    if (kind === OID.messageDigest) digest = values.contents(0x04);
    if (kind === OID.contentType) isData = oidText(values.contents(0x06)) === OID.data;
  }
  if (digest === undefined || !isData) fail("the signature is malformed");
  return digest;
}

// The name of the issuer and the serial number, as they stand in a certificate: RFC 5280 §4.1.
function isNamed(certificate: X509Certificate, issuer: Buffer, serial: Buffer): boolean {
  const body = new Der(Buffer.from(certificate.raw)).into(0x30).into(0x30);
  if (body.tag === 0xa0) body.next(0xa0);
  const number = body.contents(0x02);
  body.next(0x30);
  return number.equals(serial) && body.next(0x30).whole.equals(issuer);
}

function checkValidity(certificate: X509Certificate, now: number): void {
  const { validFrom, validTo, subject } = certificate;
  const name = subject.split("\n").at(-1);
  if (now < Date.parse(validFrom)) fail(`the certificate ${name} is not valid yet`);
  if (now > Date.parse(validTo)) fail(`the certificate ${name} expired on ${validTo}`);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** From the signer to a root; each certificate of the signature must have a part in it. */
function checkChain(
  signer: X509Certificate,
  others: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: number,
): void {
  let current = signer;
  const left = new Set(others);
  for (let depth = 0; depth <= CHAIN_MAX; depth++) {
    checkValidity(current, now);
    const root = roots.find((each) => isIssuedBy(current, each));
    if (root !== undefined && left.size === 0) {
      checkValidity(root, now);
      return;
    }
    const next = [...left].find((each) => each.ca && isIssuedBy(current, each));
    if (next === undefined) break;
    left.delete(next);
    current = next;
  }
  fail("the signature's certificate does not lead to one that is trusted");
}

function checkOne(
  encoded: string,
  content: Uint8Array,
  roots: readonly X509Certificate[],
  now: number,
): void {
  const der = Buffer.from(encoded, "base64");
  // Decoders overlook what is no digit.
  if (der.toString("base64") !== encoded) fail("the signature is malformed");
  const { certificates, issuer, serial, attributes, digest, signature } = readSignature(der);
  const signer = certificates.find((each) => isNamed(each, issuer, serial));
  if (signer === undefined) fail("the signer's certificate is missing");
  const others = certificates.filter((each) => each !== signer);
  checkChain(signer, others, roots, now);
  if (!createHash("sha256").update(content).digest().equals(digest)) {
    fail("the signature is of another file");
  }
  if (!verify("sha256", attributes, signer.publicKey, signature)) fail("the signature is wrong");
}

/**
 * Checks that one signature of a .sign file is right for `content`; throws SignError with the last
 * one's fault if none is. Levels that stand before a signature say which ClamAV reads it, and nothing
 * to us.
 */
export function checkSign(
  text: string,
  content: Uint8Array,
  roots: readonly X509Certificate[],
  now: number,
): void {
  const [magic, ...lines] = text.split("\n");
  if (magic !== MAGIC || text.length > SIZE_MAX) fail("this is no .sign file");
  let fault: SignError | undefined;
  for (const line of lines.slice(0, CHAIN_MAX)) {
    if (line === "") continue;
    const [, encoded] = /^\d{0,5}:\d{0,5}:pkcs7-pem:([A-Za-z0-9+/=]+)$/.exec(line) ?? [];
    try {
      if (encoded === undefined) fail("the signature is of an unknown kind");
      checkOne(encoded, content, roots, now);
      return;
    } catch (error) {
      // Keys and numbers that OpenSSL makes nothing of.
      fault = error instanceof SignError ? error : new SignError("the signature is malformed");
    }
  }
  throw fault ?? new SignError("the .sign file holds no signature");
}
