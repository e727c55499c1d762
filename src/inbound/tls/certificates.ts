// All certificates of the listeners: the host's own, and others that clients ask for by name.
// Renewed files are taken while gw runs, all or none.

import { createSecureContext, type SecureContext } from "node:tls";
import { DAY_MS } from "../../base/clock.ts";
import {
  type Certificate,
  type CertificateFiles,
  CertificateWatch,
  loadCertificate,
} from "./certificate.ts";

// RFC 8996: TLS 1.0 and 1.1 are gone.
const MIN_VERSION = "TLSv1.2";

interface Named {
  /** In lower case; `*.example.org` stands for one label in front. RFC 6125 §6.4.3. */
  readonly names: readonly string[];
  readonly context: SecureContext;
}

/** The certificates in force. */
export class Certificates {
  readonly #files: readonly CertificateFiles[];
  readonly #watches: readonly CertificateWatch[];
  #loaded: readonly [Certificate, ...Certificate[]];
  #named: readonly Named[] = [];

  /** Reads the files, the host's own first; throws an error that names the file and the reason. */
  constructor(own: CertificateFiles, others: readonly CertificateFiles[]) {
    this.#files = [own, ...others];
    this.#watches = this.#files.map((each) => new CertificateWatch(each));
    this.#loaded = this.#load();
  }

  /** File of the host's own. */
  get file(): string {
    return this.#files[0]?.certificate ?? "";
  }

  /** The host's own. */
  get main(): Certificate {
    return this.#loaded[0];
  }

  /** The context for a name that a client asks for; undefined: the host's own will do. */
  contextFor(name: string): SecureContext | undefined {
    const wanted = name.toLowerCase();
    const above = `*${wanted.slice(Math.max(0, wanted.indexOf(".")))}`;
    return this.#named.find(({ names }) => names.includes(wanted) || names.includes(above))
      ?.context;
  }

  /** True once after each change of a file. */
  hasChanged(): boolean {
    // Every watch is asked: each tells of a change only once.
    return this.#watches.filter((watch) => watch.hasChanged()).length > 0;
  }

  /** Takes renewed files; throws, and keeps what is there, if one of them is bad. */
  reload(): void {
    this.#loaded = this.#load();
  }

  /** Days until the first of them ends, with its file. */
  firstToEnd(now: number): { readonly file: string; readonly days: number } {
    const ends = this.#loaded.map(({ expiresAt }) => expiresAt);
    const first = ends.indexOf(Math.min(...ends));
    const days = Math.floor(((ends[first] ?? 0) - now) / DAY_MS);
    return { file: this.#files[first]?.certificate ?? "", days };
  }

  #load(): readonly [Certificate, ...Certificate[]] {
    const [main, ...others] = this.#files.map(loadCertificate);
    if (main === undefined) throw new Error("there is no certificate");
    this.#named = others.map(({ names, cert, key }) => ({
      names,
      context: createSecureContext({ cert, key, minVersion: MIN_VERSION }),
    }));
    return [main, ...others];
  }
}
