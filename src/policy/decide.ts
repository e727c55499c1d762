// From what was seen to what is done: the rule for each status, the worst status decides. Pure: a
// verdict and the rules in, a disposition out.

import type { Config } from "../config/schema.ts";
import type { Disposition, Status, Verdict } from "../message.ts";

/** What may be said for a status in the configuration. */
export type Action = Config["policy.infected"];

/** The rule for each status that is not simply delivered. */
export type Policy = Readonly<
  Record<"infected" | "suspicious" | "protected" | "damaged" | "unscanned", Action>
>;

/** The rules of a configuration. */
export function policyOf(config: Config): Policy {
  return {
    infected: config["policy.infected"],
    suspicious: config["policy.suspicious"],
    protected: config["policy.protected"],
    damaged: config["policy.damaged"],
    unscanned: config["policy.unscanned"],
  };
}

// Gravest wish last: of several statuses in one message the strictest action wins, so that an
// archive that is merely protected can't soften what is done about a virus beside it.
const STRICTNESS: readonly Action[] = ["deliver", "defer", "quarantine", "reject"];

function actionFor(status: Status, policy: Policy): Action {
  switch (status) {
    case "clean":
    case "disinfected":
    case "filtered":
      return "deliver";
    case "protected":
    case "damaged":
    case "unscanned":
    case "suspicious":
    case "infected":
      return policy[status];
    default: {
      const unknown: never = status;
      throw new Error(`unknown status ${String(unknown)}`);
    }
  }
}

function reasonFor(verdict: Verdict, status: Status): string {
  const names = new Set<string>();
  for (const object of verdict.objects) {
    if (object.status !== status) continue;
    for (const finding of object.findings) names.add(finding.signature);
    if (object.findings.length === 0 && object.notes[0]) names.add(object.notes[0]);
    if (names.size >= 3) break;
  }
  return names.size === 0 ? status : `${status}: ${[...names].join(", ")}`;
}

/** What is to be done with a message that was seen as `verdict`. */
export function decide(verdict: Verdict, policy: Policy): Disposition {
  const statuses = new Set<Status>([verdict.status, ...verdict.objects.map((one) => one.status)]);
  let action: Action = "deliver";
  let cause: Status = "clean";
  for (const status of statuses) {
    const wish = actionFor(status, policy);
    if (STRICTNESS.indexOf(wish) > STRICTNESS.indexOf(action)) {
      action = wish;
      cause = status;
    }
  }
  if (action === "deliver") return { kind: "deliver" };
  return { kind: action, reason: reasonFor(verdict, cause) };
}
