// RTF documents: the objects embedded in them, data that only programs read, and a text that says
// in plain words which objects, links, templates and fields there are (what signatures look for,
// however the document was written).

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";
import { readOleObject, readPackage } from "./ole-object.ts";
import { type RtfItem, RtfReader } from "./rtf-reader.ts";

const ITEMS_MAX = 2000;
const LINES_MAX = 2000;
const LINE_MAX = 2000;
/** A picture beyond this size is looked at as well. */
const PICTURE_MAX = 1 << 20;
const STORAGE_MAGIC = Buffer.from("d0cf11e0a1b11ae1", "hex");
// PNG, JPEG, EMF, WMF (with and without a placeable header), bitmap without file header, GIF.
const PICTURE =
  /^(?:89504e47|ffd8ff|01000000[0-9a-f]{8}|d7cdc69a|0[12]0009000[01]03|28000000|47494638)/;

/** Yields the objects and data of an RTF document, and a text about them. */
export function* explodeRtf(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return yield* new RtfWalk(asBuffer(bytes), budget).run();
}

class RtfWalk {
  readonly #reader: RtfReader;
  readonly #budget: Budget;
  readonly #tally = new Tally();
  /** Lines of the text about objects. */
  readonly #lines = new Set<string>();
  #count = 0;

  constructor(input: Buffer, budget: Budget) {
    this.#reader = new RtfReader(input);
    this.#budget = budget;
  }

  *run(): Generator<Extract, Explosion> {
    for (const item of this.#reader.items()) {
      if (++this.#count > ITEMS_MAX || this.#budget.isExpired) {
        this.#tally.add("unscanned", "too many objects");
        break;
      }
      if (item.kind === "text") this.#note(item.word, item.text);
      else yield* this.#data(item);
    }
    const flags = [...this.#reader.flags];
    const lines = [...this.#lines];
    if (flags.length > 0) lines.unshift(`controls: ${flags.join(" ")}`);
    if (lines.length > 0) yield* this.#give("objects", Buffer.from(`${lines.join("\n")}\n`));
    return this.#tally.outcome;
  }

  *#data(item: RtfItem & { kind: "data" }): Generator<Extract> {
    if (item.isCut) this.#tally.add("damaged", "the document ends within an object");
    if (item.word === "pict") {
      const isPicture = PICTURE.test(item.bytes.toString("hex", 0, 12));
      if (!isPicture || item.bytes.length > PICTURE_MAX) yield* this.#give("picture", item.bytes);
      return;
    }
    if (item.word !== "objdata") {
      yield* this.#give(item.word, item.bytes);
      return;
    }
    yield* this.#object(item.bytes);
    // The other reading counts if an object or a storage shows in it.
    const { other } = item;
    if (other !== undefined && (readOleObject(other) ?? other.includes(STORAGE_MAGIC))) {
      yield* this.#object(other);
    }
  }

  *#object(bytes: Buffer): Generator<Extract> {
    const object = readOleObject(bytes);
    if (object === undefined) {
      yield* this.#give("object data", bytes);
      return yield* this.#storage(bytes);
    }
    const { className, topic, item, data } = object;
    this.#note("class", className);
    this.#note("topic", topic);
    this.#note("item", item);
    if (object.isCut) this.#tally.add("damaged", "an object is cut short", cleanName(className));
    const packaged = readPackage(data);
    if (packaged !== undefined) {
      this.#note("package", packaged.name);
      yield* this.#give(packaged.name || "packaged file", packaged.bytes);
      if (packaged.isCut) this.#tally.add("damaged", "an object is cut short", packaged.name);
    } else {
      yield* this.#give(cleanName(className) || "object", data);
      yield* this.#storage(data);
    }
    if (object.rest.length > 0) yield* this.#give("data behind an object", object.rest);
  }

  // Readers that look for a storage find it behind anything.
  *#storage(data: Buffer): Generator<Extract> {
    const at = data.indexOf(STORAGE_MAGIC);
    if (at > 0) yield* this.#give("object storage", data.subarray(at));
  }

  #note(word: string, text: string): void {
    if (text === "" || this.#lines.size >= LINES_MAX) return;
    // One blank between words, one kind of line end: what the eye reads, not what was written.
    // A tag in a name must not turn the text into a page.
    const plain = text.replace(/\s+/g, " ").replaceAll("<", "< ").slice(0, LINE_MAX);
    const label = word === "objclass" ? "class" : word === "fldinst" ? "field" : word;
    this.#lines.add(`${label}: ${plain}`);
  }

  *#give(name: string, bytes: Uint8Array): Generator<Extract> {
    if (bytes.length === 0) return;
    if (this.#budget.takeObject(bytes.length)) yield { name, declaredType: "", bytes };
    else this.#tally.add("unscanned", "more than may still be extracted", name);
  }
}
