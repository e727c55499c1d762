// The outcome of taking a container apart, gathered entry by entry: the gravest status, with the
// names of the first entries that caused it.

import { type ClosedEntry, type Explosion, worseStatus } from "../message.ts";
import { cleanName } from "../text/object-name.ts";

type Trouble = Exclude<Explosion["status"], "clean">;

const NAMES_MAX = 3;
/** Entries told of that stayed closed. */
const CLOSED_MAX = 1000;

/** Gathers what went wrong. */
export class Tally {
  readonly #closed: ClosedEntry[] = [];
  readonly #remarks = new Set<string>();
  readonly #troubles = new Map<string, { status: Trouble; names: string[]; count: number }>();

  /** Notes that `reason` holds for the entry `name` ("" for the container itself). */
  add(status: Trouble, reason: string, name = "", sizes: Omit<ClosedEntry, "name"> = {}): void {
    // What is protected has a name, if nothing else: some signatures are about that.
    if (status === "protected" && name !== "" && this.#closed.length < CLOSED_MAX) {
      this.#closed.push({ name, ...sizes });
    }
    const key = `${status} ${reason}`;
    const trouble = this.#troubles.get(key) ?? { status, names: [], count: 0 };
    trouble.count++;
    if (name !== "" && trouble.names.length < NAMES_MAX) trouble.names.push(name);
    this.#troubles.set(key, trouble);
  }

  /** Notes what is no trouble, and worth knowing. */
  remark(text: string): void {
    this.#remarks.add(text);
  }

  /** Notes which password opened the container, or something in it. */
  remarkPassword(password: string): void {
    this.remark(
      password === ""
        ? "opened without a password"
        : `opened with the password "${cleanName(password)}"`,
    );
  }

  /** The gravest status; its note tells every reason, gravest first. */
  get outcome(): Explosion {
    let status: Explosion["status"] = "clean";
    const notes: string[] = [];
    for (const [key, trouble] of this.#troubles) {
      const reason = key.slice(trouble.status.length + 1);
      const more = trouble.count - trouble.names.length;
      const named = trouble.names.join(", ");
      const list = named !== "" && more > 0 ? `${named} and ${more} more` : named;
      const note = list === "" ? reason : `${reason}: ${list}`;
      if (worseStatus(status, trouble.status) === status) notes.push(note);
      else notes.unshift(note);
      status = worseStatus(status, trouble.status) as Explosion["status"];
    }
    const note = [...notes, ...this.#remarks].join("; ");
    return this.#closed.length === 0 ? { status, note } : { status, note, closed: this.#closed };
  }
}
