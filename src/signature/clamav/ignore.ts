// Ignore lists: .ign and .ign2 name signatures of other files that are not to be used, for ever or
// as long as their line is unchanged.
import { createHash } from "node:crypto";
import type { FileReader } from "./report.ts";
import { fieldsOf, nameOf } from "./report.ts";

/** ClamAV's mark on the names of what it did not sign. */
const UNOFFICIAL = ".UNOFFICIAL";

const plain = (name: string) =>
  name.endsWith(UNOFFICIAL) ? name.slice(0, -UNOFFICIAL.length) : name;

/** The names that are to be left out. */
export class IgnoreList {
  /** By name: MD5 of the lines that are ignored, null for all lines. */
  readonly #names = new Map<string, Set<string> | null>();

  /** Takes a file's lines: `name`, `name:md5` or `database:line:name`. */
  read(text: string, reader: FileReader): void {
    reader.lines(text, (line, number) => {
      const fields = fieldsOf(line, number, { separator: ":", min: 1, max: 3 });
      const field = fields.length === 3 ? fields[2] : fields[0];
      if (field === undefined) return;
      const name = plain(nameOf(field));
      const digest = fields.length === 2 ? (fields[1]?.text.toLowerCase() ?? "") : "";
      const known = this.#names.get(name);
      if (digest === "") this.#names.set(name, null);
      else if (known !== null) this.#names.set(name, (known ?? new Set()).add(digest));
      reader.use();
    });
  }

  /** Whether the signature of that name, written in that line, is to be left out. */
  has(name: string, line: string): boolean {
    if (this.#names.size === 0) return false;
    const digests = this.#names.get(plain(name));
    if (digests === undefined || digests === null) return digests === null;
    return digests.has(createHash("md5").update(line, "latin1").digest("hex"));
  }
}
