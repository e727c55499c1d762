// What encryption a session with one host needs: what the settings say, and more where the
// recipient's domain asks for it. DANE comes before MTA-STS. RFC 7672, RFC 8461 §2.
import type { Resolver } from "../../dns/resolver.ts";
import type { Outcome } from "../../message.ts";
import type { Target } from "../mail-hosts.ts";
import { TROUBLE, troubleOutcome } from "../response.ts";
import type { SessionTerms } from "../settings.ts";
import { danePlan } from "./dane.ts";
import type { Sts } from "./sts.ts";
import { policyNames } from "./sts-policy.ts";

/** The terms for one host, or why it must not be used now. */
export type Agreed =
  | { readonly kind: "terms"; readonly terms: SessionTerms }
  | { readonly kind: "refused"; readonly outcome: Outcome };

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
    if (asked === "dane") {
      const plan = await danePlan(this.#resolver, target);
      switch (plan.kind) {
        case "trouble":
          return refused(TROUBLE.dnsTrouble, host, plan.reason);
        case "encrypted":
          return { kind: "terms", terms: { ...terms, tls: "encrypted" } };
        case "checked":
          return { kind: "terms", terms: { ...terms, tls: "encrypted", tlsa: plan.records } };
        case "none":
          break;
        default:
          return plan satisfies never;
      }
    }
    const { domain } = target;
    const policy = domain === undefined ? undefined : await this.#sts?.policyOf(domain);
    if (policy?.mode !== "enforce")
      return { kind: "terms", terms: { ...terms, tls: "opportunistic" } };
    if (!policyNames(policy, target.host)) {
      return refused(TROUBLE.tls, host, "its domain's MTA-STS policy does not name it");
    }
    return { kind: "terms", terms: { ...terms, tls: "required" } };
  }
}

function refused(trouble: string, host: string, detail: string): Agreed {
  return { kind: "refused", outcome: troubleOutcome(trouble, host, detail) };
}
