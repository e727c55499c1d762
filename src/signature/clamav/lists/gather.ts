// Collects what the files of one import hold beside signatures.
import type { LinkRule, ListedAs, SetLists } from "../../../gwdb/lists/lists.ts";
import type { FileReader } from "../report.ts";
import { readPasswordLine } from "./passwords.ts";
import { readAddressLine, readAllowedLine, readPosedLine } from "./phishing.ts";

const PASSWORDS_MAX = 1000;
const RULES_MAX = 100_000;
const ADDRESSES_MAX = 2_000_000;

/** Extensions of files with lists. */
export const LIST_FILES: ReadonlySet<string> = new Set([".pdb", ".wdb", ".gdb", ".pwdb"]);

/** The lists of all files. */
export class ListGatherer {
  readonly #passwords = new Set<string>();
  readonly #posed: LinkRule[] = [];
  readonly #allowed: LinkRule[] = [];
  readonly #addresses = new Map<string, ListedAs>();

  /** Takes one line of a file with that extension. Throws what the line's reader throws. */
  take(extension: string, line: string, about: { number: number; reader: FileReader }): void {
    const { number, reader } = about;
    const full = this.#put(extension, line, number);
    if (full === "") reader.use();
    else reader.skip(full);
  }

  /** Puts a line's entry down; why not, if there are too many. */
  #put(extension: string, line: string, number: number): string {
    switch (extension) {
      case ".pwdb": {
        const { password } = readPasswordLine(line, number);
        if (this.#passwords.size >= PASSWORDS_MAX) return "too many passwords";
        this.#passwords.add(password);
        return "";
      }
      case ".gdb": {
        const found = readAddressLine(line, number);
        if (this.#addresses.size >= ADDRESSES_MAX) return "too many addresses";
        // What one list allows no other list forbids.
        if (found !== null && this.#addresses.get(found.digest) !== "allowed") {
          this.#addresses.set(found.digest, found.as);
        }
        return "";
      }
      default: {
        const rules = extension === ".pdb" ? this.#posed : this.#allowed;
        const rule = (extension === ".pdb" ? readPosedLine : readAllowedLine)(line, number);
        if (rules.length >= RULES_MAX) return "too many rules on links";
        rules.push(rule);
        return "";
      }
    }
  }

  get lists(): SetLists {
    return {
      passwords: [...this.#passwords],
      posed: this.#posed,
      allowed: this.#allowed,
      addresses: Object.fromEntries(this.#addresses),
    };
  }
}
