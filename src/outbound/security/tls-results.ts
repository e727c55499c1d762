// How encryption with other domains' mail hosts went, counted for the reports that those domains ask
// for. Only sessions with hosts that a domain's own records name count. RFC 8460.
import type { Target } from "../mail-hosts.ts";

/** What went wrong, in the words of RFC 8460 §4.3. */
export type TlsFlawKind =
  | "starttls-not-supported"
  | "certificate-host-mismatch"
  | "certificate-expired"
  | "certificate-not-trusted"
  | "validation-failure"
  | "tlsa-invalid"
  | "dnssec-invalid"
  | "sts-policy-fetch-error"
  | "sts-policy-invalid"
  | "sts-webpki-invalid";

/** One failure. */
export interface TlsFlaw {
  readonly kind: TlsFlawKind;
  /** A few words for whoever reads the report. */
  readonly reason?: string;
}

/** What a domain said about encryption when a session with one of its hosts was begun. */
export interface AppliedPolicy {
  readonly kind: "tlsa" | "sts" | "no-policy-found";
  /** The policy as published: lines of the policy, or TLSA records. */
  readonly strings: readonly string[];
  /** Hosts, or masks of hosts, that the policy is for. */
  readonly hosts: readonly string[];
  /** The policy itself is wrong, or could not be had. */
  readonly flaw?: TlsFlaw;
  /** Certificates are looked at for the report, and nothing depends on it. RFC 8461 §5. */
  readonly isTesting?: boolean;
}

/** Sessions that went alike. */
export interface TlsResult {
  readonly domain: string;
  readonly policy: Omit<AppliedPolicy, "flaw" | "isTesting">;
  readonly failure?: TlsFlaw & {
    readonly host: string;
    readonly address: string;
    readonly localAddress?: string;
  };
  readonly count: number;
}

/** A session that was opened, or not, as far as encryption is concerned. */
export interface TlsEnd {
  readonly isEncrypted: boolean;
  readonly flaw?: TlsFlaw;
  readonly localAddress?: string;
}

// Kinds of results between two postings; more are not counted, as a report is no proof of anything.
const RESULTS_MAX = 5_000;
const REASON_MAX = 200;
const STRINGS_MAX = 20;

// What TLS libraries say of certificates, in the order in which it is looked for.
const CERTIFICATE_FLAWS: readonly (readonly [RegExp, TlsFlawKind])[] = [
  [/has expired|CERT_HAS_EXPIRED|not yet valid/i, "certificate-expired"],
  [/altnames|does not match|ALTNAME/i, "certificate-host-mismatch"],
  [
    /self[- ]signed|SELF_SIGNED|issuer|UNABLE_TO|not trusted|unable to verify/i,
    "certificate-not-trusted",
  ],
];

/** The flaw that a message of the TLS library tells of. */
export function flawOf(message: string): TlsFlaw {
  const kind = CERTIFICATE_FLAWS.find(([words]) => words.test(message))?.[1];
  return { kind: kind ?? "validation-failure", reason: message.slice(0, REASON_MAX) };
}

/** Counts results until they are posted. */
export class TlsResults {
  readonly #counts = new Map<string, TlsResult>();
  readonly #post: (results: readonly TlsResult[]) => void;

  constructor(post: (results: readonly TlsResult[]) => void) {
    this.#post = post;
  }

  /** A session with a host ended so; hosts that no domain's records name are passed over. */
  note({ domain, host, address }: Target, policy: AppliedPolicy, end: TlsEnd): void {
    if (domain === undefined) return;
    const flaw = end.flaw ?? (end.isEncrypted ? policy.flaw : NO_STARTTLS);
    const { localAddress } = end;
    const where = { host, address, ...(localAddress !== undefined && { localAddress }) };
    const { kind, strings, hosts } = policy;
    const result = {
      domain: domain.toLowerCase(),
      policy: { kind, strings: strings.slice(0, STRINGS_MAX), hosts: hosts.slice(0, STRINGS_MAX) },
      ...(flaw !== undefined && { failure: { ...flaw, ...where } }),
    };
    const key = JSON.stringify(result);
    const count = this.#counts.get(key)?.count ?? 0;
    if (count > 0 || this.#counts.size < RESULTS_MAX) {
      this.#counts.set(key, { ...result, count: count + 1 });
    }
  }

  /** Hands over what has been counted. */
  flush(): void {
    if (this.#counts.size === 0) return;
    const results = [...this.#counts.values()];
    this.#counts.clear();
    this.#post(results);
  }
}

const NO_STARTTLS: TlsFlaw = { kind: "starttls-not-supported" };
