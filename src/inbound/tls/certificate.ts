// The certificate for STARTTLS: read, checked before it is used, and read again when it changes, so
// that a renewed one needs no restart.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { fileStamp } from "../../base/file/file-stamp.ts";
import { describeError } from "../../base/log.ts";

/** Files in PEM. */
export interface CertificateFiles {
  /** The host's own certificate first, then its issuers. */
  readonly certificate: string;
  readonly key: string;
}

/** What TLS needs, with the day it ends. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** DNS names it is for, in lower case. RFC 5280 §4.2.1.6. */
  readonly names: readonly string[];
}

function namesOf({ subjectAltName = "" }: X509Certificate): readonly string[] {
  return subjectAltName.split(/, ?/).flatMap((entry) => {
    const [, name] = /^DNS:([\w.*-]+)$/.exec(entry) ?? [];
    return name === undefined ? [] : [name.toLowerCase()];
  });
}

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`cannot read the ${what} ${file}`, { cause: error });
  }
}

function parse<Parsed>(file: string, what: string, work: () => Parsed): Parsed {
  try {
    return work();
  } catch (error) {
    throw new Error(`${file} holds no ${what} in PEM`, { cause: error });
  }
}

/** Reads and checks both files; throws an error that names the file and the reason. */
export function loadCertificate(files: CertificateFiles): Certificate {
  const cert = read(files.certificate, "TLS certificate");
  const key = read(files.key, "TLS key");
  const certificate = parse(files.certificate, "certificate", () => new X509Certificate(cert));
  const privateKey = parse(files.key, "private key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(`the TLS key ${files.key} does not belong to ${files.certificate}`);
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new Error(`TLS cannot use ${files.certificate}`, { cause: error });
  }
  return { cert, key, expiresAt: Date.parse(certificate.validTo), names: namesOf(certificate) };
}

/** Watches the files' times and sizes; links are followed, as renewal tools set them anew. */
export class CertificateWatch {
  readonly #files: CertificateFiles;
  #seen: string;

  constructor(files: CertificateFiles) {
    this.#files = files;
    this.#seen = this.#stamp();
  }

  /** True once after each change. */
  hasChanged(): boolean {
    const stamp = this.#stamp();
    const hasChanged = stamp !== this.#seen;
    this.#seen = stamp;
    return hasChanged;
  }

  #stamp(): string {
    return [this.#files.certificate, this.#files.key].map(stampOf).join(" ");
  }
}

function stampOf(file: string): string {
  try {
    return fileStamp(file);
  } catch (error) {
    // A file that is being replaced may be gone for a moment; that is a change like any other.
    return describeError(error);
  }
}
