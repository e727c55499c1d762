// PDF documents, ISO 32000-1 and -2: every stream decoded, scripts and attached files as objects of
// their own, and a text that tells what the document does. Small streams that are neither are
// given together, since an engine looks at one large object faster than at many small ones.

import type { Budget } from "../../base/budget.ts";
import { asBuffer, isBlank } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { joinNames } from "../../text/object-name.ts";
import { Tally } from "../tally.ts";
import { Actions, type Role, WATCHED } from "./actions.ts";
import { Basket } from "./basket.ts";
import { type Decoded, nameOf, StreamDecoder, type Use } from "./decode.ts";
import { nowhere, Objects, type Range, type Stream } from "./objects.ts";
import { isPicture, isPlainPicture, looksLikeFile } from "./picture.ts";
import { Security } from "./security.ts";
import { utf8Of } from "./strings.ts";
import { type Dict, Parser } from "./syntax.ts";
import { followStream, followTables, isXref, trailersOf } from "./xref.ts";

const OBJECT_STREAMS_MAX = 50_000;
const PACKED_MAX = 1_000_000;
/** Scripts that become objects of their own; the rest are given together. */
const SCRIPTS_APART = 100;
/** Streams too large to take before we stop trying: each costs as much as a large object. */
const REFUSALS_MAX = 8;
const INNER_HEADER = 1024;
/** A picture up to this size is shown to the engine even if the file's own bytes were it. */
const SMALL_PICTURE = 4096;

/** Yields what a PDF document holds; what it returns is the document's own status. */
export function* explodePdf(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return yield* new PdfWalk(asBuffer(bytes), budget).run();
}

class PdfWalk {
  readonly #bytes: Buffer;
  readonly #budget: Budget;
  readonly #tally = new Tally();
  readonly #objects: Objects;
  readonly #basket: Basket;
  #scripts = 0;
  #files = 0;
  #refusals = 0;
  #isStopped = false;

  constructor(bytes: Buffer, budget: Budget) {
    this.#bytes = bytes;
    this.#budget = budget;
    this.#objects = new Objects(bytes, budget, this.#tally, WATCHED);
    this.#basket = new Basket();
  }

  *run(): Generator<Extract, Explosion> {
    const objects = this.#objects;
    objects.scan();
    // Nothing can be decoded before it is known what opens it, and nothing can be named before
    // every object is known that may refer to it.
    const trailers = trailersOf(objects);
    const security = this.#security(trailers);
    const decoder = new StreamDecoder(objects, this.#budget, security);
    followTables(objects);
    for (const stream of objects.streams) {
      if (!isXref(stream.dict)) continue;
      followStream(objects, stream, decoder.decode(stream, "other").bytes);
    }
    if (security === undefined) this.#leaveInner(decoder);
    this.#checkShape(trailers.length);
    yield* this.#outside();
    const packed = new Set<Stream>();
    yield* this.#objectStreams(decoder, packed);
    const actions = new Actions(objects, security);
    actions.read();
    if (security?.isOpen === false || actions.hasLockedStrings) {
      this.#tally.add("protected", "encrypted");
    }
    yield* this.#stringScripts(actions);
    for (const stream of objects.streams) {
      if (this.#isStopped || objects.isExhausted) break;
      if (this.#budget.isExpired) this.#stop("time limit reached");
      else if (!packed.has(stream)) yield* this.#stream(decoder, actions, stream);
    }
    for (const piece of this.#basket.empty()) yield* this.#give(piece);
    if (actions.lines.length > 0) {
      const text = `PDF actions\n${actions.lines.join("\n")}\n`;
      yield* this.#give({ name: "actions", bytes: Buffer.from(text), declaredType: "text/plain" });
    }
    return this.#tally.outcome;
  }

  // A file may be updated, and each update repeats the trailer; all should name one /Encrypt.
  #security(trailers: readonly Dict[]): Security | undefined {
    const objects = this.#objects;
    const anywhere = nowhere(this.#bytes);
    const seen = new Set<string>();
    const locked: Security[] = [];
    for (const trailer of trailers.toReversed()) {
      const encrypt = trailer.get("Encrypt");
      if (encrypt === undefined || encrypt === null) continue;
      const id = objects.resolve(trailer.get("ID") ?? null, anywhere)[0]?.value;
      const first = Array.isArray(id) ? objects.resolve(id[0] ?? null, anywhere)[0]?.value : null;
      for (const { value } of objects.resolve(encrypt, anywhere)) {
        if (!(value instanceof Map)) continue;
        const lookup = (key: string) =>
          objects.resolve(value.get(key) ?? null, anywhere)[0]?.value ?? null;
        const idBytes = Buffer.isBuffer(first) ? first : Buffer.alloc(0);
        const mark = `${String(lookup("U"))} ${idBytes.toString("hex")}`;
        if (seen.has(mark) || seen.size >= 16) continue;
        seen.add(mark);
        const security = new Security(lookup, idBytes);
        if (security.open(Buffer.alloc(0))) return security;
        locked.push(security);
      }
    }
    return locked.find((security) => this.#unlock(security)) ?? locked[0];
  }

  // Old revisions take passwords as PDFDocEncoding, new ones as UTF-8.
  #unlock(security: Security): boolean {
    const found = this.#budget.passwords.find((password) => {
      const isOpen =
        security.open(Buffer.from(password)) || security.open(Buffer.from(password, "latin1"));
      return isOpen ? true : undefined;
    });
    if (found !== undefined) this.#tally.remarkPassword(found.password);
    return found !== undefined;
  }

  // A document attached as it is: its objects are found when it is taken apart itself.
  #leaveInner(decoder: StreamDecoder): void {
    const inner: Range[] = [];
    let free = 0;
    for (const stream of this.#objects.streams) {
      const { dict, dataStart } = stream;
      if (dataStart < free || dict.has("Filter")) continue;
      const head = this.#bytes.toString("latin1", dataStart, dataStart + INNER_HEADER);
      if (!head.includes("%PDF-")) continue;
      const { data } = decoder.extent(stream);
      if (!looksLikeFile(data)) continue;
      free = dataStart + data.length;
      inner.push({ start: dataStart, end: free });
    }
    this.#objects.leave(inner);
  }

  #checkShape(trailers: number): void {
    if (this.#objects.count === 0) this.#tally.add("damaged", "no objects");
    else if (trailers === 0 && !this.#bytes.includes("startxref")) {
      this.#tally.add("damaged", "no end: the file is cut short");
    }
  }

  // What stands before %PDF and behind the last %%EOF, where other programs may look.
  *#outside(): Generator<Extract> {
    const bytes = this.#bytes;
    const start = bytes.indexOf("%PDF-");
    if (start > 0 && !isBlank(bytes, 0, start)) {
      const name = "data before the document";
      yield* this.#give({ name, bytes: bytes.subarray(0, start), declaredType: "" });
    }
    const end = bytes.lastIndexOf("%%EOF");
    if (end >= 0 && !isBlank(bytes, end + 5) && bytes.indexOf("startxref", end) < 0) {
      const name = "data behind the document";
      yield* this.#give({ name, bytes: bytes.subarray(end + 5), declaredType: "" });
    }
  }

  // §7.5.7: pairs of number and offset, then the objects.
  *#objectStreams(decoder: StreamDecoder, done: Set<Stream>): Generator<Extract> {
    const objects = this.#objects;
    let count = 0;
    for (const stream of objects.streams) {
      const first = objects.find(stream.dict.get("First"), isCount);
      const size = objects.find(stream.dict.get("N"), isCount);
      if (first === undefined || size === undefined || this.#isStopped) continue;
      if (++count > OBJECT_STREAMS_MAX) return this.#stop("too many object streams");
      if (this.#budget.isExpired) return this.#stop("time limit reached");
      done.add(stream);
      const decoded = decoder.decode(stream, "script");
      this.#note(decoded, stream);
      const { bytes } = decoded;
      const parser = new Parser(bytes);
      for (let n = 0; n < Math.min(size, PACKED_MAX); n++) {
        const num = parser.integer();
        const offset = num < 0 ? -1 : parser.integer();
        if (offset < 0 || objects.isStopped) break;
        objects.unpack(bytes, first + offset, num);
      }
      yield* this.#gather("object streams", bytes);
    }
    for (const piece of this.#basket.empty()) yield* this.#give(piece);
  }

  *#stringScripts(actions: Actions): Generator<Extract> {
    for (const script of actions.scripts) {
      if (this.#isStopped) return;
      yield* this.#script(utf8Of(Buffer.from(script, "latin1")));
    }
  }

  *#script(bytes: Buffer): Generator<Extract> {
    if (isBlank(bytes)) return;
    this.#scripts++;
    const name = `javascript ${this.#scripts}`;
    if (this.#scripts > SCRIPTS_APART) yield* this.#gather("javascript", bytes);
    else yield* this.#give({ name, bytes, declaredType: "text/javascript" });
  }

  *#stream(decoder: StreamDecoder, actions: Actions, stream: Stream): Generator<Extract> {
    const role = actions.roleOf(stream.num);
    const isFile = isNamedFile(role) || nameOf(stream.dict.get("Type")) === "EmbeddedFile";
    const isPicture = nameOf(stream.dict.get("Subtype")) === "Image";
    const use: Use = isFile ? "file" : role ? "script" : isPicture ? "picture" : "other";
    const decoded = decoder.decode(stream, use);
    const { bytes } = decoded;
    actions.external(stream);
    this.#note(decoded, stream);
    if (decoded.image !== "" && role !== undefined && !isNamedFile(role)) {
      // Filters for pictures have been used to hide scripts; nobody else does that.
      actions.add("HiddenByPictureFilter", decoded.image);
      this.#tally.add("unscanned", "a script is stored as a picture");
    }
    if (bytes.length === 0) return;
    if (role?.kinds.has("script")) yield* this.#script(utf8Of(bytes));
    if (role?.kinds.has("form")) yield* this.#gather("XFA form", bytes);
    if (isFile) yield* this.#file(stream, role, bytes);
    else if (role !== undefined) return;
    else if (looksLikeFile(bytes)) {
      yield* this.#give({ name: `stream ${stream.num}`, bytes, declaredType: "" });
    } else if (!this.#isSeen(stream, decoded)) yield* this.#gather("streams", bytes);
  }

  // What the engine has seen in the document itself, or what is nothing but pixels.
  #isSeen(stream: Stream, { bytes, image, isAsStored }: Decoded): boolean {
    if (isAsStored && bytes.length > SMALL_PICTURE && isPicture(image, bytes)) return true;
    return image === "" && isPlainPicture(stream.dict, bytes);
  }

  *#file(stream: Stream, role: Role | undefined, bytes: Buffer): Generator<Extract> {
    this.#files++;
    const name = joinNames(role?.names ?? []) || `embedded file ${this.#files}`;
    const declared = nameOf(stream.dict.get("Subtype")).toLowerCase();
    const declaredType = /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(declared) ? declared : "";
    yield* this.#give({ name, bytes, declaredType });
  }

  *#gather(name: string, bytes: Buffer): Generator<Extract> {
    if (bytes.length === 0) return;
    for (const piece of this.#basket.add(name, bytes)) yield* this.#give(piece);
  }

  #note({ status, reason }: Decoded, { num }: Stream): void {
    if (status === "clean") return;
    this.#tally.add(status, reason, `object ${num}`);
    if (status === "unscanned" && ++this.#refusals >= REFUSALS_MAX) this.#isStopped = true;
  }

  *#give(extract: Extract): Generator<Extract> {
    if (this.#isStopped) return;
    if (this.#budget.takeObject(extract.bytes.length)) yield extract;
    else this.#stop("more than may still be extracted");
  }

  #stop(reason: string): void {
    this.#isStopped = true;
    this.#tally.add("unscanned", reason);
  }
}

function isNamedFile(role: Role | undefined): boolean {
  return role?.kinds.has("file") === true;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}
