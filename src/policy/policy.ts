// The rules of a configuration, ready to be asked: who is in which group, and what is done with a
// message for each.
import type { Config } from "../config/schema.ts";
import type { Envelope, Verdict } from "../message.ts";
import type { Exemption } from "../store/rows/exemption-rows.ts";
import { type Decision, decide } from "./decide.ts";
import { type ExemptionUse, exempt, exemptionsFor } from "./exemption.ts";
import { Filters } from "./filter.ts";
import { Groups, type Share } from "./groups.ts";
import type { MaskParts } from "./mask.ts";

/** A decision and the recipients it is for. */
export interface ShareDecision extends Decision {
  readonly recipients: Share["recipients"];
  readonly exempted: readonly ExemptionUse[];
}

/** What is to be decided on. */
export interface Case {
  readonly verdict: Verdict;
  readonly sender: string;
  readonly shares: readonly Share[];
  /** Exemptions that hold now; asked for only if something was seen. */
  readonly exemptions: () => readonly Exemption[];
}

/** Groups, filters and rules of a configuration. */
export class Policy {
  readonly #groups: Groups;
  readonly #filters: Filters;

  /** Throws for a list file that can't be read. */
  constructor(config: Config, parts: MaskParts) {
    this.#groups = new Groups(config, parts);
    this.#filters = new Filters(config.filter);
  }

  /** The recipients of an envelope by group. */
  split(envelope: Pick<Envelope, "sender" | "recipients">): readonly Share[] {
    return this.#groups.split(envelope);
  }

  /** What is to be done for each share. */
  decide(matter: Case): readonly ShareDecision[] {
    return matter.shares.map((share) => this.#decideShare(matter, share));
  }

  #decideShare(matter: Case, { group, recipients }: Share): ShareDecision {
    const { sender } = matter;
    if (!group.rules.check) return { ...bypassed(group), recipients, exempted: [] };
    const hits = this.#filters.hits(matter.verdict, group.name);
    if (matter.verdict.status === "clean" && hits.length === 0) {
      return { ...decide(matter.verdict, group, hits), recipients, exempted: [] };
    }
    const mine = exemptionsFor(matter.exemptions(), { sender, group: group.name });
    const filtered = new Set(hits.map(({ object }) => object));
    const { verdict, uses, passed } = exempt(matter.verdict, mine, filtered);
    const left = hits.filter(({ object }) => !passed.has(object));
    return { ...decide(verdict, group, left), recipients, exempted: uses };
  }
}

function bypassed(group: Share["group"]): Decision {
  return {
    group,
    disposition: { kind: "deliver" },
    rule: "check = false",
    status: "unscanned",
    filtered: [],
    treatments: [],
    isBackedUp: false,
  };
}
