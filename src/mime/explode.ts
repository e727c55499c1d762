// Takes one message apart into its leaves. gw has to see what ANY mail program would see, so the
// message is read as a union: every boundary, type and encoding it declares is followed, and where
// strict and lenient readers part ways both readings are given. Nested messages are given whole;
// the caller takes them apart in turn.
//
// The main reading may branch into alternate ones at each entity, but alternate readings do not
// branch again, so the work grows with depth times size and not exponentially.

import type { Budget } from "../base/budget.ts";
import { asBuffer, isBlank } from "../base/bytes.ts";
import {
  type ClaimedType,
  type Description,
  describeEntity,
  isMessageType,
  looksLikeMessage,
} from "../entity/entity.ts";
import { readHeader } from "../entity/header.ts";
import {
  type Delimiters,
  findDelimiters,
  guessBoundary,
  type Range,
  splitAt,
} from "../entity/multipart.ts";
import { type Reading, readings, type TransferEncoding } from "../entity/transfer.ts";
import { type Explosion, type Extract, type Stretch, worseStatus } from "../message.ts";
import { joinNames } from "../text/object-name.ts";
import {
  type Ambiguity,
  ambiguityFindings,
  hasOddLine,
  headerAmbiguities,
  isInterrupted,
  isRival,
} from "./ambiguity.ts";
import { findOrphans } from "./orphan.ts";

/** A stretch of the message that is still to be looked at. */
interface Entity extends Range {
  /** Multiparts around it. */
  readonly depth: number;
  /** Not what the main reading saw. */
  readonly isAlternate: boolean;
  /** Text that stands outside parts and has no header. */
  readonly isOutside: boolean;
  /** Its type if it names none. */
  readonly fallbackType: string;
}

/** An entity's bytes with what its header says. */
interface Leaf extends Range {
  readonly type: string;
  readonly encoding: TransferEncoding;
  readonly name: string;
  readonly isAlternate: boolean;
}

const ENTITIES_MAX = 5000;
const DEPTH_MAX = 100;
const LEADING_BLANK_MAX = 1024;
const CHECK_EVERY = 64;

/** Yields the leaves of a message; what it returns is the message's own status. */
export function* explodeMail(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return yield* new Walk(asBuffer(bytes), budget).run();
}

class Walk {
  readonly #bytes: Buffer;
  readonly #budget: Budget;
  readonly #stack: Entity[] = [];
  /** Found in the entity at hand, in order. */
  #children: Entity[] = [];
  /** What has been given, so that readings that agree give it once. */
  readonly #given = new Set<string>();
  #outcome: Explosion = { status: "clean", note: "" };
  readonly #ambiguities = new Set<Ambiguity>();
  #count = 0;
  #isExhausted = false;

  constructor(bytes: Buffer, budget: Budget) {
    this.#bytes = bytes;
    this.#budget = budget;
  }

  *run(): Generator<Extract, Explosion> {
    const root = { depth: 0, isAlternate: false, isOutside: false, fallbackType: "" };
    this.#stack.push({ ...root, start: this.#firstLine(), end: this.#bytes.length });
    for (let entity = this.#stack.pop(); entity !== undefined; entity = this.#stack.pop()) {
      if (++this.#count > ENTITIES_MAX) this.#stop(`more than ${ENTITIES_MAX} parts`);
      if (this.#count % CHECK_EVERY === 0 && this.#budget.isExpired)
        this.#stop("time limit reached");
      if (this.#isExhausted) break;
      if (entity.isOutside) yield* this.#outside(entity);
      else yield* this.#entity(entity);
      for (let child = this.#children.pop(); child !== undefined; child = this.#children.pop()) {
        this.#stack.push(child);
      }
    }
    if (this.#ambiguities.size === 0) return this.#outcome;
    return { ...this.#outcome, findings: ambiguityFindings(this.#ambiguities) };
  }

  // Blank lines above a message are skipped by nearly all readers.
  #firstLine(): number {
    let at = 0;
    while (at < LEADING_BLANK_MAX && (this.#bytes[at] === 13 || this.#bytes[at] === 10)) at++;
    return at;
  }

  *#entity(entity: Entity): Generator<Extract> {
    const header = readHeader(this.#bytes, entity.start, entity.end);
    if (header.isCut) this.#mark("unscanned", "a header section is too long");
    const description = describeEntity(header, entity.fallbackType);
    if (!entity.isAlternate) {
      for (const reason of headerAmbiguities(this.#bytes, entity.start, header, description)) {
        this.#ambiguities.add(reason);
      }
    }
    if (description.protection !== "") this.#mark("protected", description.protection);
    if (description.isFragment) this.#mark("unscanned", "one piece of a message sent in several");
    yield* this.#body({ ...entity, start: header.bodyStart }, description);
    if (entity.isAlternate) return;
    for (const start of header.otherStarts) {
      yield* this.#body({ ...entity, start, isAlternate: true }, description);
    }
  }

  *#body(entity: Entity, description: Description): Generator<Extract> {
    let isFollowed = false;
    const leaves: string[] = [];
    for (const claimed of description.types) {
      if (this.#followMultipart(entity, claimed)) {
        isFollowed = true;
        if (claimed.isMultipart) continue;
      } else if (claimed.isMultipart) {
        yield* this.#lostMultipart(entity, claimed, description);
        continue;
      }
      if (!leaves.includes(claimed.type)) leaves.push(claimed.type);
    }
    const { encodings, name } = description;
    for (const type of leaves) {
      for (const encoding of encodings) yield* this.#leaf({ ...entity, type, encoding, name });
    }
    // A body that was followed as a multipart has no text of its own to look for orphans in.
    if (leaves.length > 0 && !isFollowed && !isDecoded(encodings)) this.#addOrphans(entity);
  }

  /** Splits a body at every boundary that occurs in it; false if none does. */
  #followMultipart(entity: Entity, claimed: ClaimedType): boolean {
    let first: Delimiters | undefined;
    for (const boundary of claimed.boundaries) {
      const isAlternate = entity.isAlternate || first !== undefined;
      const found = this.#split(entity, boundary, claimed.type, isAlternate);
      if (found === undefined) continue;
      if (!entity.isAlternate && first !== undefined && isRival(first, found)) {
        this.#ambiguities.add("Boundary");
      }
      first ??= found;
    }
    return first !== undefined;
  }

  #split(
    entity: Entity,
    boundary: string,
    type: string,
    isAlternate: boolean,
  ): Delimiters | undefined {
    const delimiters = findDelimiters(this.#bytes, entity, boundary);
    if (delimiters.isCut) this.#mark("unscanned", "too many delimiter lines");
    if (!delimiters.hasStrict && !delimiters.hasLoose) return undefined;
    if (!isAlternate && hasOddLine(this.#bytes, delimiters, boundary)) {
      this.#ambiguities.add("Delimiter");
    }
    if (entity.depth >= DEPTH_MAX) {
      this.#mark("unscanned", `multiparts nested deeper than ${DEPTH_MAX}`);
      return delimiters;
    }
    // RFC 2046 §5.1.5: the parts of a digest are messages unless they say otherwise.
    const child = { depth: entity.depth + 1, fallbackType: "" };
    if (type === "multipart/digest") child.fallbackType = "message/rfc822";
    for (const isLenient of [false, true]) {
      if (isLenient ? !delimiters.hasLoose : !delimiters.hasStrict) continue;
      // An alternate reading has one variant only: the strict one if there is one.
      if (isLenient && entity.isAlternate && delimiters.hasStrict) continue;
      const split = splitAt(this.#bytes, entity, delimiters, isLenient);
      const kind = { ...child, isAlternate: isAlternate || (isLenient && delimiters.hasStrict) };
      for (const range of split.parts) this.#children.push({ ...kind, ...range, isOutside: false });
      for (const range of split.outside)
        this.#children.push({ ...kind, ...range, isOutside: true });
    }
    return delimiters;
  }

  // A multipart whose boundary does not occur. Its body may be encoded as a whole (forbidden by
  // RFC 2045 §6.4, and done), its boundary may be guessed, or it is text after all.
  *#lostMultipart(
    entity: Entity,
    claimed: ClaimedType,
    description: Description,
  ): Generator<Extract> {
    const body = this.#bytes.subarray(entity.start, entity.end);
    if (isBlank(body)) return;
    const guess = guessBoundary(this.#bytes, entity);
    if (guess !== "" && this.#split(entity, guess, claimed.type, entity.isAlternate)) {
      if (!entity.isAlternate) this.#ambiguities.add("Multipart");
      return;
    }
    let isFound = false;
    for (const encoding of description.encodings) {
      if (encoding === "identity") continue;
      for (const reading of readings(body, encoding)) {
        const inner = reading.bytes;
        const boundary = claimed.boundaries.find((text) =>
          asBuffer(inner).includes(`--${text}`, 0, "latin1"),
        );
        if (boundary === undefined) continue;
        isFound = true;
        if (!entity.isAlternate) this.#ambiguities.add("Multipart");
        yield* this.#give(
          "decoded multipart",
          "message/rfc822",
          rebuilt(claimed.type, boundary, inner),
          { start: entity.start, end: entity.end },
        );
      }
    }
    if (isFound) return;
    const range = { start: entity.start, end: entity.end };
    yield* this.#leaf({
      ...range,
      isAlternate: entity.isAlternate,
      type: claimed.type,
      encoding: "identity",
      name: description.name,
    });
    this.#addOrphans(entity);
    if (/^content-[a-z-]+[ \t]*:/im.test(body.toString("latin1", 0, 1_048_576))) {
      this.#mark("damaged", "a multipart without the boundary it declares");
    }
  }

  *#outside(entity: Entity): Generator<Extract> {
    if (isBlank(this.#bytes, entity.start, entity.end)) return;
    const type = "text/plain";
    yield* this.#leaf({ ...entity, type, encoding: "identity", name: "text outside parts" });
    this.#addOrphans(entity);
  }

  #addOrphans(entity: Entity): void {
    if (entity.isAlternate && !entity.isOutside) return;
    for (const range of findOrphans(this.#bytes, entity)) {
      if (entity.isOutside && !entity.isAlternate) this.#ambiguities.add("HiddenPart");
      this.#children.push({ ...entity, ...range, isAlternate: true, isOutside: false });
    }
  }

  *#leaf(leaf: Leaf): Generator<Extract> {
    const size = leaf.end - leaf.start;
    if (size <= 0 && leaf.name === "") return;
    const key = `${leaf.start} ${leaf.end} ${leaf.encoding} ${leaf.type}`;
    if (this.#given.has(key) || this.#isExhausted) return;
    this.#given.add(key);
    // No encoding makes more of a body than it takes; base64 makes at least half of it, unless
    // it is mostly white space, which is then refused by its true size.
    if (size > this.#budget.bytesLeft * 2) {
      this.#refuse(size);
      return;
    }
    const body = this.#bytes.subarray(leaf.start, leaf.end);
    const all = readings(body, leaf.encoding);
    if (leaf.encoding === "base64" && !leaf.isAlternate && all.length > 1 && isInterrupted(body)) {
      this.#ambiguities.add("Base64");
    }
    for (const reading of all) {
      const place = { start: leaf.start, end: leaf.end };
      yield* this.#give(this.#nameOf(leaf, reading), leaf.type, reading.bytes, place);
      if (this.#isExhausted) return;
    }
  }

  #nameOf(leaf: Leaf, reading: Reading): string {
    if (reading.name !== "") return joinNames([reading.name, leaf.name]);
    if (leaf.name !== "") return leaf.name;
    return isMessageType(leaf.type) ? "message" : `part ${this.#given.size}`;
  }

  *#give(name: string, type: string, bytes: Uint8Array, place: Stretch): Generator<Extract> {
    if (!this.#budget.takeObject(bytes.length)) {
      this.#refuse(bytes.length);
      return;
    }
    const isMessage = isMessageType(type) || looksLikeMessage(asBuffer(bytes));
    yield { name, declaredType: isMessage ? "message/rfc822" : type, bytes, place };
  }

  #refuse(size: number): void {
    // Fits, and yet was refused: it is the number of objects that is used up.
    if (size <= this.#budget.bytesLeft) this.#stop("too many objects");
    else this.#mark("unscanned", "a part is larger than what may still be extracted");
  }

  #stop(note: string): void {
    this.#isExhausted = true;
    this.#mark("unscanned", note);
  }

  #mark(status: Explosion["status"], note: string): void {
    if (worseStatus(status, this.#outcome.status) === this.#outcome.status) return;
    this.#outcome = { status, note };
  }
}

function isDecoded(encodings: readonly TransferEncoding[]): boolean {
  return !encodings.includes("identity");
}

// A multipart that was encoded as a whole, as a message that can be taken apart like any other.
function rebuilt(type: string, boundary: string, body: Uint8Array): Uint8Array {
  const safe = boundary.replace(/["\\]/g, "\\$&");
  const header = `MIME-Version: 1.0\r\nContent-Type: ${type}; boundary="${safe}"\r\n\r\n`;
  return Buffer.concat([Buffer.from(header, "latin1"), body]);
}
