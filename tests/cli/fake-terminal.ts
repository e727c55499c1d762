// A terminal that keeps what commands print.
import type { Terminal } from "../../src/cli/view/terminal.ts";

/** What was printed so far, and the terminal that prints it. */
export interface FakeTerminal extends Terminal {
  readonly printed: { out: string; err: string };
}

/** A terminal without colours; `paint` marks instead what would be painted. */
export function fakeTerminal(options: Partial<Terminal> = {}): FakeTerminal {
  const printed = { out: "", err: "" };
  return {
    printed,
    out(text) {
      printed.out += text;
    },
    err(text) {
      printed.err += text;
    },
    async write(bytes) {
      printed.out += Buffer.from(bytes).toString("latin1");
    },
    isTerminal: false,
    isWatched: false,
    columns: 80,
    paint: (_, text) => text,
    ...options,
  };
}
