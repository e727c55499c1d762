// What encryption a session with one host needs: what the settings say, and more where the
// recipient's domain asks for it. DANE comes before MTA-STS. RFC 7672, RFC 8461 §2.
import type { TlsAssociation } from "../../dns/records.ts";
import type { Resolver } from "../../dns/resolver.ts";
import type { Outcome } from "../../message.ts";
import type { Target } from "../mail-hosts.ts";
import { TROUBLE, troubleOutcome } from "../response.ts";
import type { SessionTerms } from "../settings.ts";
import { danePlan } from "./dane.ts";
import type { Sts } from "./sts.ts";
import { policyNames, policyText } from "./sts-policy.ts";
import type { AppliedPolicy, TlsFlaw } from "./tls-results.ts";

/**
 * The terms for one host, or why it must not be used now; `policy` is what the recipient's domain
 * says, left out where nobody asked it.
 */
export type Agreed =
  | { readonly kind: "terms"; readonly terms: SessionTerms; readonly policy?: AppliedPolicy }
  | { readonly kind: "refused"; readonly outcome: Outcome; readonly policy: AppliedPolicy };

const NO_POLICY: AppliedPolicy = { kind: "no-policy-found", strings: [], hosts: [] };
const NOT_NAMED: TlsFlaw = {
  kind: "validation-failure",
  reason: "the policy does not name the host",
};

/** Finds the terms for hosts. */
export class TlsPolicy {
  readonly #resolver: Resolver;
  /** Left out: MTA-STS is not asked for. */
  readonly #sts: Sts | undefined;

  constructor(resolver: Resolver, sts?: Sts) {
    this.#resolver = resolver;
    this.#sts = sts;
  }

  /** Never rejects. `host` is how the target is called in an outcome. */
  async agree(target: Target, terms: SessionTerms, host: string): Promise<Agreed> {
    const asked = terms.tls;
    if (asked === "off" || asked === "required" || target.isSocket === true) {
      return { kind: "terms", terms };
    }
    if (asked === "lenient") return { kind: "terms", terms: { ...terms, tls: "opportunistic" } };
    if (asked === "dane") {
      const agreed = await this.#byDane(target, terms, host);
      if (agreed !== undefined) return agreed;
    }
    return this.#bySts(target, terms, host);
  }

  async #byDane(target: Target, terms: SessionTerms, host: string): Promise<Agreed | undefined> {
    const plan = await danePlan(this.#resolver, target);
    const policy = { kind: "tlsa", strings: [], hosts: [target.host] } as const;
    switch (plan.kind) {
      case "trouble": {
        const flaw = { kind: "dnssec-invalid", reason: plan.reason } as const;
        return refused(TROUBLE.dnsTrouble, host, plan.reason, { ...policy, flaw });
      }
      case "encrypted": {
        const flaw = { kind: "tlsa-invalid", reason: "no record can be used" } as const;
        const found = { ...policy, flaw };
        return { kind: "terms", terms: { ...terms, tls: "encrypted" }, policy: found };
      }
      case "checked": {
        const { records } = plan;
        const found = { ...policy, strings: records.map(recordText) };
        return {
          kind: "terms",
          terms: { ...terms, tls: "encrypted", tlsa: records },
          policy: found,
        };
      }
      case "none":
        return undefined;
      default:
        return plan satisfies never;
    }
  }

  async #bySts(target: Target, terms: SessionTerms, host: string): Promise<Agreed> {
    const { domain } = target;
    const open: SessionTerms = { ...terms, tls: "opportunistic" };
    const found = domain === undefined ? undefined : await this.#sts?.policyOf(domain);
    if (found === undefined || found.mode === "none") {
      const flaw = domain === undefined ? undefined : this.#sts?.failureOf(domain);
      const policy = flaw === undefined ? NO_POLICY : { ...NO_POLICY, kind: "sts" as const, flaw };
      return { kind: "terms", terms: open, policy };
    }
    const isNamed = policyNames(found, target.host);
    const policy: AppliedPolicy = {
      ...{ kind: "sts", strings: policyText(found), hosts: found.mx },
      ...(!isNamed && { flaw: NOT_NAMED }),
    };
    if (found.mode === "testing") {
      return { kind: "terms", terms: open, policy: { ...policy, isTesting: true } };
    }
    if (isNamed) return { kind: "terms", terms: { ...terms, tls: "required" }, policy };
    const why = "its domain's MTA-STS policy does not name it";
    return refused(TROUBLE.tls, host, why, policy);
  }
}

function refused(trouble: string, host: string, detail: string, policy: AppliedPolicy): Agreed {
  return { kind: "refused", outcome: troubleOutcome(trouble, host, detail), policy };
}

// As a zone file has it. RFC 6698 §2.2.
function recordText({ usage, selector, matchingType, data }: TlsAssociation): string {
  return `${usage} ${selector} ${matchingType} ${Buffer.from(data).toString("hex")}`;
}
