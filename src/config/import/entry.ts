// What every importer works with: parameters as they stand in a file of another product, and what
// became of each.

/** One parameter of the old file. */
export interface Entry {
  /** `smtpgw.limits`; "" where the format has no sections. */
  readonly section: string;
  readonly name: string;
  readonly value: string;
  readonly line: number;
  /** Offset of the name, and of the value, in the file's text. */
  readonly offset: number;
  readonly valueOffset: number;
}

/** What becomes of a parameter. */
export const OUTCOMES = ["taken", "changed", "needless", "wrong", "unknown"] as const;

/** taken: means the same here; changed: not quite; needless: has no use here any more. */
export type Outcome = (typeof OUTCOMES)[number];

/** What became of one parameter. */
export interface ReportItem {
  readonly line: number;
  /** `[smtpgw.limits] IncomingSessions`. */
  readonly parameter: string;
  readonly value: string;
  readonly outcome: Outcome;
  /** Settings that it went to. */
  readonly settings: readonly string[];
  /** What is to be known about it; "" if nothing. */
  readonly note: string;
}

/** Collects what becomes of each parameter. */
export class Report {
  readonly #items = new Map<Entry, ReportItem>();

  /** What is said first of a parameter stays; a later word of the same kind adds to it. */
  note(entry: Entry, outcome: Outcome, settings: readonly string[] = [], note = ""): void {
    const known = this.#items.get(entry);
    const { section, name, value, line } = entry;
    const worst =
      known !== undefined && rank(known.outcome) > rank(outcome) ? known.outcome : outcome;
    this.#items.set(entry, {
      line,
      parameter: section === "" ? name : `[${section}] ${name}`,
      value,
      outcome: worst,
      settings: [...new Set([...(known?.settings ?? []), ...settings])],
      note: [known?.note ?? "", note].filter((each) => each !== "").join("; "),
    });
  }

  has(entry: Entry): boolean {
    return this.#items.has(entry);
  }

  /** In the file's order. */
  get items(): readonly ReportItem[] {
    return [...this.#items.values()].sort((a, b) => a.line - b.line);
  }
}

// `needless` says less than that something was taken elsewhere; mistakes say most.
function rank(outcome: Outcome): number {
  return ["needless", "taken", "changed", "wrong", "unknown"].indexOf(outcome);
}
