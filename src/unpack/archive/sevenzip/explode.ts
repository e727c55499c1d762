// 7z archives. The library opens most; those that are encrypted, or packed by methods that it does not
// have, are opened here.

import { crc32 } from "node:zlib";
import type { Budget } from "../../../base/budget.ts";
import { asBuffer } from "../../../base/bytes.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { Giver } from "../giver.ts";
import { explodeForeign } from "../library/foreign.ts";
import { OutputFullError } from "../stream/output.ts";
import { AES, type CoderProblem, KeyRing, OWN_METHODS, undo } from "./coders.ts";
import { type Archive, type Folder, FormatError, readHeader, readStart } from "./header.ts";

const HEADERS_MAX = 4;
/** Folders in a row that no password opened: the others will not open either. */
const CLOSED_MAX = 2;

/** Yields the files of a 7z archive. */
export function* explode7z(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const opening = new Opening(asBuffer(bytes), budget);
  const archive = opening.read();
  if (archive === undefined) return yield* explodeForeign(bytes, budget);
  return yield* opening.give(archive);
}

class Opening {
  readonly #bytes: Buffer;
  readonly #budget: Budget;
  readonly #giver: Giver;
  readonly #keys = new KeyRing();
  #isNeeded = false;
  #isLocked = false;
  #closed = 0;

  constructor(bytes: Buffer, budget: Budget) {
    this.#bytes = bytes;
    this.#budget = budget;
    this.#giver = new Giver(budget);
  }

  /** What the archive holds; undefined if the library can open it as well, or nobody can. */
  read(): Archive | undefined {
    const start = readStart(this.#bytes);
    if (start === undefined) return;
    try {
      let header = this.#bytes.subarray(start.offset, start.offset + start.size);
      for (let count = 0; count < HEADERS_MAX; count++) {
        const found = readHeader(header, this.#bytes);
        if ("folders" in found) return this.#isWanted(found) ? found : undefined;
        if (isOwn(found)) this.#isNeeded = true;
        const content = this.#unpack(found);
        this.#isLocked = content === "broken" && isEncrypted(found);
        if (this.#isLocked) return { folders: [], names: [] };
        if (typeof content === "string") return;
        header = content;
      }
    } catch (error) {
      // The library tells what is wrong with it.
      if (!(error instanceof FormatError || error instanceof OutputFullError)) throw error;
    }
    return;
  }

  #isWanted({ folders }: Archive): boolean {
    return this.#isNeeded || folders.some(isOwn);
  }

  *give({ folders, names }: Archive): Generator<Extract, Explosion> {
    if (this.#isLocked) this.#giver.note("protected", "encrypted, with all names");
    let next = 0;
    for (const folder of folders) {
      const own = names.slice(next, next + folder.streams.length);
      next += folder.streams.length;
      if (!this.#giver.goesOn()) break;
      yield* this.#giveFolder(folder, own);
    }
    const start = readStart(this.#bytes);
    if (start !== undefined) yield* this.#giver.giveRest(this.#bytes, start.offset + start.size);
    return this.#giver.outcome;
  }

  *#giveFolder(folder: Folder, names: readonly string[]): Generator<Extract> {
    const label = names[0] ?? "";
    if (folder.size > this.#giver.room) {
      this.#giver.refuse(label);
      return;
    }
    let content: Buffer | CoderProblem;
    try {
      content = this.#unpack(folder);
    } catch (error) {
      if (!(error instanceof OutputFullError)) throw error;
      this.#giver.refuse(label);
      return;
    }
    if (content === "broken" && isEncrypted(folder)) {
      for (const name of names) this.#giver.note("protected", "encrypted", name);
    } else if (content === "broken") this.#giver.note("damaged", "broken data", label);
    else if (content === "unsupported") {
      const ids = folder.coders.map(({ id }) => id).join(", ");
      this.#giver.note("unscanned", `a compression method is not supported (${ids})`, label);
    } else yield* this.#giveFiles(folder, content, names);
  }

  *#giveFiles(folder: Folder, content: Buffer, names: readonly string[]): Generator<Extract> {
    let at = 0;
    for (const [index, { size, crc }] of folder.streams.entries()) {
      if (!this.#giver.enter()) return;
      const file = content.subarray(at, at + size);
      const name = names[index] ?? "";
      at += size;
      if (file.length < size) this.#giver.note("damaged", "cut short", name);
      else if (crc !== undefined && crc32(file) !== crc) {
        this.#giver.note("damaged", "checksum does not match", name);
      }
      yield* this.#giver.give(name, file);
    }
  }

  /** A folder's content; with the first candidate password for which its checksums fit. */
  #unpack(folder: Folder): Buffer | CoderProblem {
    if (!isEncrypted(folder)) return this.#decode(folder, "");
    if (folder.coders.some(({ isSimple }) => !isSimple)) return "unsupported";
    if (this.#closed >= CLOSED_MAX) return "broken";
    const found = this.#budget.passwords.find((password) => {
      const content = this.#decode(folder, password);
      return typeof content !== "string" && isRight(folder, content) ? content : undefined;
    });
    if (found === undefined) {
      this.#closed++;
      return "broken";
    }
    this.#closed = 0;
    this.#giver.notePassword(found.password);
    return found.opened;
  }

  #decode(folder: Folder, password: string): Buffer | CoderProblem {
    const goesOn = () => this.#giver.goesOn();
    const means = { password, keys: this.#keys, sizeMax: this.#giver.room, goesOn };
    let content: Buffer | CoderProblem = folder.packed;
    for (const coder of folder.coders) {
      content = undo(coder, content, means);
      if (typeof content === "string") return content;
    }
    return content;
  }
}

function isOwn({ coders }: Folder): boolean {
  return coders.some(({ id }) => OWN_METHODS.includes(id));
}

function isEncrypted({ coders }: Folder): boolean {
  return coders.some(({ id }) => id === AES);
}

// Without any checksum nothing tells a right password from a wrong one.
function isRight({ streams }: Folder, content: Buffer): boolean {
  let at = 0;
  let isProven = false;
  for (const { size, crc } of streams) {
    const file = content.subarray(at, at + size);
    at += size;
    if (file.length < size) return false;
    if (crc === undefined) continue;
    if (crc32(file) !== crc) return false;
    isProven = true;
  }
  return isProven;
}
