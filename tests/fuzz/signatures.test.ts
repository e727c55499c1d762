// Damaged signature files and images, the same ones on every run; see signatures.ts for long runs.
import { expect, test } from "bun:test";
import { random } from "./mutate.ts";
import { KINDS, SignatureRounds } from "./signature-round.ts";

/** Other numbers of rounds than 40. */
const ROUNDS: Readonly<Record<string, number>> = { matcher: 8 };

test.each(KINDS)(
  "damaged input of kind %s is reported or refused, never more",
  async (kind) => {
    const rounds = await SignatureRounds.begin();
    const next = random(KINDS.indexOf(kind) + 1);
    const outcomes = new Set<string>();
    for (let i = 0; i < (ROUNDS[kind] ?? 40); i++) outcomes.add(await rounds.round(kind, next));
    // Whole signatures match nearly always.
    expect(outcomes.size).toBeGreaterThan(kind === "matcher" ? 0 : 1);
  },
  120_000,
);
