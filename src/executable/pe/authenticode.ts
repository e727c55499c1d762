// The signatures that a Windows program carries: who signed it, with which certificates, over which
// digest. Nothing is verified against a root: malware's certificates are recognised, not trusted.
// "Windows Authenticode Portable Executable Signature Format" (Microsoft), RFC 5652 §5.

import { type BerElement, oidText, readBer } from "../../codec/ber.ts";
import {
  type Certificate,
  childrenOf,
  contentsOf,
  firstOid,
  readCertificate,
} from "./certificate.ts";
import { DIRECTORY, type PeImage } from "./image.ts";

const ENTRIES_MAX = 16;
const SIGNATURES_MAX = 16;
const CERTIFICATES_MAX = 64;
const PKCS7 = 2;
const OID = {
  signedData: "1.2.840.113549.1.7.2",
  nested: "1.3.6.1.4.1.311.2.4.1",
} as const;

/** One signer's signature. */
export interface Authenticode {
  /** The certificate whose key signed. */
  readonly signer: Certificate;
  /** All that the signature brings along, the signer's among them. */
  readonly certificates: readonly Certificate[];
  /** The digest of the file that was signed, and its algorithm's object identifier. */
  readonly digest: Buffer;
  readonly digestAlgorithm: string;
}

/** The signatures, outer ones first; nested ones (a second digest algorithm) follow theirs. */
export function readSignatures(image: PeImage): Authenticode[] {
  const directory = image.directories[DIRECTORY.security];
  const found: Authenticode[] = [];
  if (directory === undefined || directory.address === 0) return found;
  const { reader } = image;
  const end = Math.min(reader.size, directory.address + directory.size);
  let at = directory.address;
  for (let count = 0; count < ENTRIES_MAX && at + 8 <= end; count++) {
    const length = reader.u32(at);
    if (length <= 8) break;
    if (reader.u16(at + 6) === PKCS7) {
      readNested(reader.slice(at + 8, Math.min(length, end - at) - 8), found);
    }
    at += Math.ceil(length / 8) * 8;
  }
  return found;
}

// Nested signatures are attributes of the outer one's signer: each is a whole message of its own.
function readNested(message: Buffer, found: Authenticode[]): void {
  const open = [message];
  for (let bytes = open.shift(); bytes !== undefined; bytes = open.shift()) {
    if (found.length >= SIGNATURES_MAX) return;
    open.push(...readMessage(bytes, found).slice(0, SIGNATURES_MAX));
  }
}

// ContentInfo, SignedData: version, digests, content, certificates, revocations, signers.
function readMessage(bytes: Buffer, found: Authenticode[]): Buffer[] {
  const whole = readBer(bytes, 0, bytes.length);
  if (whole === undefined || firstOid(bytes, whole) !== OID.signedData) return [];
  const explicit = childrenOf(bytes, whole)[1];
  const signed = explicit && readBer(bytes, explicit.start, explicit.end);
  if (signed === undefined) return [];
  const fields = childrenOf(bytes, signed);
  const holder = fields.find(({ tag }) => tag === 0xa0);
  const signers = fields.findLast(({ tag }) => tag === 0x31);
  const content = fields.find(({ tag }) => tag === 0x30);
  const certificates: Certificate[] = [];
  for (const one of holder === undefined ? [] : elementStarts(bytes, holder)) {
    const certificate = readCertificate(bytes, one.at, one.end);
    if (certificate !== undefined) certificates.push(certificate);
  }
  const digest = fileDigest(bytes, content);
  const nested: Buffer[] = [];
  for (const signer of signers === undefined ? [] : childrenOf(bytes, signers, SIGNATURES_MAX)) {
    const certificate = signerCertificate(bytes, signer, certificates);
    if (certificate !== undefined) found.push({ signer: certificate, certificates, ...digest });
    nested.push(...nestedMessages(bytes, signer));
  }
  return nested;
}

function* elementStarts(bytes: Buffer, parent: BerElement): Generator<{ at: number; end: number }> {
  let at = parent.start;
  for (const child of childrenOf(bytes, parent, CERTIFICATES_MAX)) {
    yield { at, end: child.end };
    at = child.end;
  }
}

// SpcIndirectDataContent: what kind of thing was signed, then the algorithm and the digest.
function fileDigest(
  bytes: Buffer,
  content: BerElement | undefined,
): Pick<Authenticode, "digest" | "digestAlgorithm"> {
  const explicit = content && childrenOf(bytes, content)[1];
  const indirect = explicit && readBer(bytes, explicit.start, explicit.end);
  const info = indirect && childrenOf(bytes, indirect)[1];
  const [algorithm, digest] = info === undefined ? [] : childrenOf(bytes, info);
  return {
    digest: contentsOf(bytes, digest),
    digestAlgorithm: algorithm === undefined ? "" : firstOid(bytes, algorithm),
  };
}

// SignerInfo names its certificate by issuer and serial number.
function signerCertificate(
  bytes: Buffer,
  signer: BerElement,
  certificates: readonly Certificate[],
): Certificate | undefined {
  const id = childrenOf(bytes, signer)[1];
  const [issuer, serial] = id === undefined ? [] : childrenOf(bytes, id);
  const wantedIssuer = contentsOf(bytes, issuer);
  const wantedSerial = contentsOf(bytes, serial);
  return certificates.find(
    (one) => one.serial.equals(wantedSerial) && one.rawIssuer.equals(wantedIssuer),
  );
}

function nestedMessages(bytes: Buffer, signer: BerElement): Buffer[] {
  const attributes = childrenOf(bytes, signer).find(({ tag }) => tag === 0xa1);
  if (attributes === undefined) return [];
  const messages: Buffer[] = [];
  for (const attribute of childrenOf(bytes, attributes)) {
    const [id, values] = childrenOf(bytes, attribute);
    if (values === undefined || oidText(contentsOf(bytes, id)) !== OID.nested) continue;
    for (const { at, end } of elementStarts(bytes, values)) messages.push(bytes.subarray(at, end));
  }
  return messages;
}
