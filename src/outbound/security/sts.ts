// MTA-STS: a domain says over HTTPS that its mail hosts have valid certificates. What it said holds
// until its time is up, even if it can't be asked any more. RFC 8461.
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Resolver } from "../../dns/resolver.ts";
import { fetchText } from "./https.ts";
import { type KnownPolicy, parsePolicy, policyId, type StsPolicy } from "./sts-policy.ts";
import { flawOf, type TlsFlaw, type TlsFlawKind } from "./tls-results.ts";

/** What policies are found with. */
export interface StsParts {
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly log: Log;
  /** Policies of before. */
  readonly known: readonly KnownPolicy[];
  /** A policy is new. */
  readonly onPolicy: (policy: KnownPolicy) => void;
  readonly port: number;
  readonly ca?: string;
}

/** Policies that are remembered; of more the oldest is forgotten. */
export const POLICIES_MAX = 10_000;
// RFC 8461 §3.3 suggests a minute; mail waits for it.
const FETCH_TIMEOUT_MS = 10_000;
/** A domain whose policy could not be fetched is not asked again for so long. RFC 8461 §3.3. */
const FAILED_MS = 300_000;

/** Knows the policies of domains. */
export class Sts {
  readonly #parts: StsParts;
  readonly #known = new Map<string, KnownPolicy>();
  readonly #failed = new Map<string, { readonly until: number; readonly flaw: TlsFlaw }>();
  readonly #pending = new Map<string, Promise<StsPolicy | undefined>>();

  constructor(parts: StsParts) {
    this.#parts = parts;
    for (const policy of parts.known) this.#remember(policy);
  }

  /** The policy of a domain that is in force, if it has one. Never rejects. */
  policyOf(domain: string): Promise<StsPolicy | undefined> {
    let pending = this.#pending.get(domain);
    if (pending === undefined) {
      pending = this.#find(domain).finally(() => this.#pending.delete(domain));
      this.#pending.set(domain, pending);
    }
    return pending;
  }

  /** Why a domain's policy could not be had of late, if it could not. */
  failureOf(domain: string): TlsFlaw | undefined {
    const failed = this.#failed.get(domain);
    return failed !== undefined && failed.until > this.#parts.clock.steady()
      ? failed.flaw
      : undefined;
  }

  async #find(domain: string): Promise<StsPolicy | undefined> {
    const { resolver, clock } = this.#parts;
    const kept = this.#known.get(domain);
    const known = kept !== undefined && kept.expiresAt > clock.now() ? kept : undefined;
    const lookup = await resolver.texts(`_mta-sts.${domain}`);
    const id = lookup.kind === "found" ? policyId(lookup.values) : undefined;
    if (id === undefined || id === known?.id) return known?.policy;
    if (this.failureOf(domain) !== undefined) return known?.policy;
    return (await this.#fetch(domain, id)) ?? known?.policy;
  }

  async #fetch(domain: string, id: string): Promise<StsPolicy | undefined> {
    const { resolver, clock, log, port, ca, onPolicy } = this.#parts;
    const host = `mta-sts.${domain}`;
    const lookup = await resolver.addresses(host);
    const text = await fetchText({
      addresses: lookup.kind === "found" ? lookup.values : [],
      ...{ host, port, path: "/.well-known/mta-sts.txt", timeoutMs: FETCH_TIMEOUT_MS },
      ...(ca !== undefined && { ca }),
    });
    const policy = typeof text === "string" ? parsePolicy(text) : undefined;
    if (policy === undefined) {
      const cause = typeof text === "string" ? "it is no policy" : text.message;
      log.warn("mta-sts-not-fetched", { domain, cause });
      const flaw = { kind: flawKindOf(text), reason: cause };
      this.#failed.set(domain, { until: clock.steady() + FAILED_MS, flaw });
      forgetOldest(this.#failed);
      return undefined;
    }
    const known = { domain, id, policy, expiresAt: clock.now() + policy.maxAgeMs };
    this.#failed.delete(domain);
    this.#remember(known);
    onPolicy(known);
    log.info("mta-sts-policy", {
      domain,
      mode: policy.mode,
      mx: policy.mx.join(" ").slice(0, 200),
    });
    return policy;
  }

  #remember(known: KnownPolicy): void {
    this.#known.delete(known.domain);
    this.#known.set(known.domain, known);
    forgetOldest(this.#known);
  }
}

// RFC 8460 §4.3.2.2.
function flawKindOf(text: string | Error): TlsFlawKind {
  if (typeof text === "string") return "sts-policy-invalid";
  const { kind } = flawOf(text.message);
  return kind.startsWith("certificate") ? "sts-webpki-invalid" : "sts-policy-fetch-error";
}

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > POLICIES_MAX && oldest !== undefined) map.delete(oldest);
}
