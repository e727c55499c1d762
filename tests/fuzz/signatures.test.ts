// Damaged signature files and images, the same ones on every run; see signatures.ts for long runs.
import { expect, test } from "bun:test";
import { random } from "./mutate.ts";
import { KINDS, SignatureRounds } from "./signature-round.ts";

const ROUNDS = 40;

test.each(KINDS)(
  "damaged input of kind %s is reported or refused, never more",
  async (kind) => {
    const rounds = await SignatureRounds.begin();
    const next = random(KINDS.indexOf(kind) + 1);
    const outcomes = new Set<string>();
    for (let i = 0; i < ROUNDS; i++) outcomes.add(await rounds.round(kind, next));
    expect(outcomes.size).toBeGreaterThan(1);
  },
  120_000,
);
