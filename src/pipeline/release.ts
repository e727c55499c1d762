// A kept-back message's way out: stored message -> re-scan with today's signatures -> queue. What is
// still objected to stays where it is, unless whoever releases it takes that on himself.

import type { Disposition, Verdict } from "../message.ts";
import type { Policy } from "../policy/policy.ts";
import type { Exemption } from "../store/rows/exemption-rows.ts";
import type { Quarantine } from "../vault/quarantine.ts";
import type { Inspector } from "./inspector.ts";

/** What release works with. */
export interface ReleaseParts {
  readonly quarantine: Quarantine;
  readonly inspector: Inspector;
  readonly policy: Policy;
  /** Exemptions that hold now. */
  readonly exemptions: () => readonly Exemption[];
}

/** What is asked for one message. */
export interface ReleaseRequest {
  readonly id: string;
  /** Instead of the message's own recipients. */
  readonly recipients?: readonly string[];
}

/** How a release ended. */
export type Release =
  | { readonly kind: "released"; readonly verdict: Verdict }
  | { readonly kind: "kept"; readonly disposition: Disposition; readonly verdict: Verdict }
  | { readonly kind: "missing" };

/** Scans a quarantined message again and queues it if policy lets it through now for everyone. */
export async function release(parts: ReleaseParts, request: ReleaseRequest): Promise<Release> {
  const { quarantine, inspector, policy, exemptions } = parts;
  const details = quarantine.show(request.id);
  if (details === undefined) return { kind: "missing" };
  const { sender } = details.record.envelope;
  const recipients = (request.recipients ?? details.recipients).map((address) => ({ address }));
  const shares = policy.split({ sender, recipients });
  const { verdict } = await inspector.inspect({
    body: details.body,
    name: "message",
    isMessage: true,
    isHashed: exemptions().some(({ hash }) => hash !== undefined),
  });
  const decisions = policy.decide({ verdict, sender, shares, exemptions });
  for (const { disposition, treatments } of decisions) {
    if (disposition.kind !== "deliver") return { kind: "kept", disposition, verdict };
    // What is stored is the original, and the rule is about a message without these objects.
    if (treatments.length > 0) {
      const reason = `${treatments.length} of its objects are not to be delivered`;
      return { kind: "kept", disposition: { kind: "quarantine", reason }, verdict };
    }
  }
  const { done } = quarantine.release([request.id], request.recipients);
  return done.length === 0 ? { kind: "missing" } : { kind: "released", verdict };
}
