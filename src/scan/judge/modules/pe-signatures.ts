// The signatures of Windows programs as YARA's pe module shows them. None is verified: "verified"
// says that the signed digest is the file's own, and nothing of who signed it.

import type { Authenticode } from "../../../executable/pe/authenticode.ts";
import type { Certificate } from "../../../executable/pe/certificate.ts";
import { authenticodeDigest } from "../../../executable/pe/digest.ts";
import type { PeFile } from "../../../executable/pe/pe-file.ts";
import { integer, type ModuleStruct, structOf } from "./value.ts";

// Long names of signature algorithms, as OpenSSL gives them.
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["1.2.840.113549.1.1.2", "md2WithRSAEncryption"],
  ["1.2.840.113549.1.1.4", "md5WithRSAEncryption"],
  ["1.2.840.113549.1.1.5", "sha1WithRSAEncryption"],
  ["1.3.14.3.2.29", "sha1WithRSA"],
  ["1.2.840.113549.1.1.10", "rsassaPss"],
  ["1.2.840.113549.1.1.11", "sha256WithRSAEncryption"],
  ["1.2.840.113549.1.1.12", "sha384WithRSAEncryption"],
  ["1.2.840.113549.1.1.13", "sha512WithRSAEncryption"],
  ["1.2.840.113549.1.1.14", "sha224WithRSAEncryption"],
  ["1.2.840.10040.4.3", "dsaWithSHA1"],
  ["1.2.840.10045.4.1", "ecdsa-with-SHA1"],
  ["1.2.840.10045.4.3.2", "ecdsa-with-SHA256"],
  ["1.2.840.10045.4.3.3", "ecdsa-with-SHA384"],
  ["1.2.840.10045.4.3.4", "ecdsa-with-SHA512"],
]);
const DIGESTS: ReadonlyMap<string, "md5" | "sha1" | "sha256" | "sha384" | "sha512"> = new Map([
  ["1.2.840.113549.2.5", "md5" as const],
  ["1.3.14.3.2.26", "sha1" as const],
  ["2.16.840.1.101.3.4.2.1", "sha256" as const],
  ["2.16.840.1.101.3.4.2.2", "sha384" as const],
  ["2.16.840.1.101.3.4.2.3", "sha512" as const],
]);

/** One element of `pe.signatures`. */
export function signatureStruct(file: PeFile, signature: Authenticode): ModuleStruct {
  const { signer, certificates, digest, digestAlgorithm } = signature;
  const algorithm = DIGESTS.get(digestAlgorithm);
  const fixed = {
    ...certificateFields(signer),
    digest: digest.toString("hex"),
    digest_alg: algorithm,
    number_of_certificates: certificates.length,
    valid_on: (...values: readonly unknown[]) => isValidOn(signer, values[0] as number | bigint),
  };
  const fileDigest = () =>
    algorithm === undefined ? undefined : authenticodeDigest(file, algorithm);
  return structOf(fixed, {
    certificates: () => certificates.map((one) => certificateStruct(one)),
    file_digest: fileDigest,
    verified: () => (fileDigest() === digest.toString("hex") ? 1 : 0),
  });
}

function certificateStruct(certificate: Certificate): ModuleStruct {
  return structOf(certificateFields(certificate), {});
}

function certificateFields(certificate: Certificate): ModuleStruct {
  const { der, version, serial, algorithm, issuer, subject, notBefore, notAfter } = certificate;
  return {
    ...{ version, issuer, subject, not_before: notBefore, not_after: notAfter },
    thumbprint: new Bun.CryptoHasher("sha1").update(der).digest("hex"),
    algorithm: ALGORITHMS.get(algorithm) ?? algorithm,
    algorithm_oid: algorithm,
    serial: [...serial].map((byte) => byte.toString(16).padStart(2, "0")).join(":"),
  };
}

function isValidOn(certificate: Certificate, time: number | bigint): number | undefined {
  const { notBefore, notAfter } = certificate;
  const at = integer(time);
  if (at === undefined || notBefore === undefined || notAfter === undefined) return;
  return at >= notBefore && at <= notAfter ? 1 : 0;
}
