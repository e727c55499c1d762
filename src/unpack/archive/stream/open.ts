// What all compressed files have in common: one content, joined from several streams as readers
// join them, and perhaps something behind it that no reader shows.

import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { Output, OutputFullError } from "./output.ts";

/** How the reading of streams ended. */
export interface StreamEnd {
  /** Where the last whole stream ends. */
  readonly at: number;
  readonly status: "clean" | "damaged" | "unscanned";
  /** "" for "clean". */
  readonly problem: string;
}

/** Decodes all streams in `input` into `output`. */
export type StreamReader = (input: Buffer, output: Output, goesOn: () => boolean) => StreamEnd;

/** A good end at `at`. */
export function wholeAt(at: number): StreamEnd {
  return { at, status: "clean", problem: "" };
}

/** An end at what cannot be read on; nothing behind it is looked at. */
export function brokenAt(problem: string): StreamEnd {
  return { at: Infinity, status: "damaged", problem };
}

/** Yields the content of a compressed file. */
export function* explodeStream(
  bytes: Uint8Array,
  budget: Budget,
  read: StreamReader,
): Generator<Extract, Explosion> {
  const giver = new Giver(budget);
  const output = new Output(giver.room);
  try {
    const end = read(asBuffer(bytes), output, () => giver.goesOn());
    if (end.status !== "clean") giver.note(end.status, end.problem);
    if (output.size > 0) yield* giver.give("content", output.made);
    yield* giver.giveRest(bytes, end.at);
  } catch (error) {
    if (!(error instanceof OutputFullError)) throw error;
    giver.refuse("");
  }
  return giver.outcome;
}
