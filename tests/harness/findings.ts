// What a script found: figures for the table, and complaints that make it fail.
import { describeError } from "../../src/base/log.ts";

const COMPLAINTS_SHOWN_MAX = 10;

/** Collects rows and complaints and prints them at the end. */
export class Findings {
  readonly #rows: (readonly [string, string])[] = [];
  readonly #complaints: string[] = [];

  row(name: string, value: string | number): void {
    this.#rows.push([name, String(value)]);
  }

  /** A row that must be empty: each item of the list is a complaint. */
  mustBeNone(name: string, items: readonly string[]): void {
    this.row(name, items.length);
    for (const item of items.slice(0, COMPLAINTS_SHOWN_MAX)) {
      this.#complaints.push(`${name}: ${item}`);
    }
    const left = items.length - COMPLAINTS_SHOWN_MAX;
    if (left > 0) this.#complaints.push(`${name}: and ${left} more`);
  }

  /** A row that must hold. */
  must(name: string, isTrue: boolean, otherwise = ""): void {
    this.row(name, isTrue ? "yes" : "NO");
    if (!isTrue) this.#complaints.push(otherwise === "" ? name : `${name}: ${otherwise}`);
  }

  /** Prints the table and the complaints; the exit code is 1 if there are any. */
  print(title: string): number {
    const width = Math.max(...this.#rows.map(([name]) => name.length));
    const lines = this.#rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
    const complaints = this.#complaints.map((one) => `  FAILED ${one}`);
    const verdict = complaints.length === 0 ? "passed" : "FAILED";
    process.stdout.write(
      `${[title, ...lines, ...complaints, `${title}: ${verdict}`].join("\n")}\n`,
    );
    return complaints.length === 0 ? 0 : 1;
  }
}

/** How often each text came, most frequent first, in one line. */
export function tally(texts: readonly string[]): string {
  const counts = [...Map.groupBy(texts, (text) => text)].map(
    ([text, all]) => [text, all.length] as const,
  );
  counts.sort((a, b) => b[1] - a[1]);
  return counts.map(([text, count]) => `${count} × ${text}`).join("; ") || "none";
}

const EXIT_INTERRUPTED = 130;

/**
 * Runs a script to its exit code; an Error is shown as one message, and the exit code is 2. An
 * interrupted script ends by way of its "exit" listeners, which clean up.
 */
export async function runScript(main: () => Promise<number>): Promise<never> {
  let code = 2;
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => process.exit(EXIT_INTERRUPTED));
  try {
    code = await main();
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
  }
  process.exit(code);
}
