// MTA-STS: a domain says over HTTPS that its mail hosts have valid certificates. What it said holds
// until its time is up, even if it can't be asked any more. RFC 8461.
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Resolver } from "../../dns/resolver.ts";
import { fetchText } from "./policy-fetch.ts";
import { type KnownPolicy, parsePolicy, policyId, type StsPolicy } from "./sts-policy.ts";

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
  readonly #failed = new Map<string, number>();
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

  async #find(domain: string): Promise<StsPolicy | undefined> {
    const { resolver, clock } = this.#parts;
    const kept = this.#known.get(domain);
    const known = kept !== undefined && kept.expiresAt > clock.now() ? kept : undefined;
    const lookup = await resolver.texts(`_mta-sts.${domain}`);
    const id = lookup.kind === "found" ? policyId(lookup.values) : undefined;
    if (id === undefined || id === known?.id) return known?.policy;
    if ((this.#failed.get(domain) ?? 0) > clock.steady()) return known?.policy;
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
      this.#failed.set(domain, clock.steady() + FAILED_MS);
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

function forgetOldest(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (map.size > POLICIES_MAX && oldest !== undefined) map.delete(oldest);
}
