// `gw why`: what was decided about a message, or why something was refused, and what came of it.
import { type TrailRecord, trailWord } from "../../../pipeline/trail.ts";
import type { FoundDecision } from "../../../store/rows/decision-rows.ts";
import type { Store } from "../../../store/store.ts";
import { printable } from "../../../text/printable.ts";
import { command, EXIT, OPTIONS } from "../../command.ts";
import { countOf, PLACE, withStore } from "../../place.ts";
import { type Explained, explain, type PartState } from "../../view/why.ts";

const ANSWERS_DEFAULT = 10;

/** `gw why` */
export const why = command(
  {
    limit: {
      type: "string",
      valueHint: "N",
      description: "at most so many answers; 10 if not said",
    },
    json: OPTIONS.json,
    ...PLACE,
  },
  (args, terminal) =>
    withStore(args, (store) => {
      const word = args._[0] ?? "";
      const limit = args.limit === undefined ? ANSWERS_DEFAULT : countOf(args.limit);
      const found = store.decisions.find([trailWord(word)], limit);
      for (const decision of found.toReversed()) {
        const explained = explainedOf(store, decision);
        if (args.json === true) terminal.out(`${JSON.stringify(explained)}\n`);
        else terminal.out(`${explain(terminal, explained)}\n`);
      }
      if (found.length > 0) return EXIT.good;
      terminal.err(
        `gw: nothing is known of ${printable(word)}: ask for a Message-ID, a queue id, ` +
          "a sender, a recipient or a client's address, as it was in the session\n",
      );
      return EXIT.found;
    }),
);

function explainedOf(store: Store, { at, decision }: FoundDecision): Explained {
  const record = JSON.parse(decision) as TrailRecord;
  if (record.kind === "refusal") return { at, record, parts: [] };
  const ids = [...record.shares.map((share) => share.id), ...record.copies.map((copy) => copy.id)];
  const parts = [...new Set(ids)].filter((id) => id !== "").map((id) => partOf(store, id));
  return { at, record, parts };
}

function partOf(store: Store, id: string): PartState {
  const outcomes = store.decisions.outcomes(id);
  const queued = store.queue.show(id);
  if (queued !== undefined) {
    const waiting = queued.recipients.map(({ address }) => address).join(", ");
    return { id, outcomes, now: `waits in the queue for ${printable(waiting)}` };
  }
  const kept = store.vault.show(id);
  if (kept === undefined) return { id, outcomes, now: "" };
  const releases = store.releases.of(id).map(({ id: released, who, recipients, state }) => {
    return `; ${printable(who)} released it as ${released} to ${recipients.map(printable).join(", ")}: ${state}`;
  });
  return { id, outcomes, now: `is in the ${kept.place} still${releases.join("")}` };
}
