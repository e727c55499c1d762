// One message (or file) in, one verdict out: explode -> scan, object by object, depth first, within
// one budget. Runs inside a worker. Whatever goes wrong with an object makes it "unscanned", never
// "clean", and never an exception.

import { createHash } from "node:crypto";
import { Budget, type Limits } from "../base/budget.ts";
import type { GarbagePacer } from "../base/garbage.ts";
import { describeError } from "../base/log.ts";
import { Passwords } from "../base/password/passwords.ts";
import {
  type ClosedEntry,
  type Explosion,
  type Extract,
  type Finding,
  type ScannedObject,
  type Status,
  type StoredEntry,
  type Verdict,
  worseStatus,
} from "../message.ts";
import { explodeMail } from "../mime/explode.ts";
import { plainText, readableTexts } from "../mime/texts.ts";
import { type FileType, fileType, secondType } from "../scan/file-type.ts";
import { type Unpacker, unpackerFor } from "../unpack/registry.ts";

/** How an object lies in what it was taken out of. */
interface EntryPlace extends Partial<StoredEntry> {
  readonly containerSize: number;
  readonly position: number;
  /** There for an entry that could not be opened: its size, -1 if nobody tells. */
  readonly closedSize?: number;
}

/** The engine as inspection needs it. */
export interface ObjectScanner {
  readonly identity: string;
  scan(object: {
    readonly bytes: Uint8Array;
    readonly name: string;
    readonly type: string;
    readonly containerType: string;
    readonly containers: readonly string[];
    readonly entry?: EntryPlace;
    readonly depth: number;
  }): {
    readonly findings: readonly Finding[];
    readonly scanned: number;
    readonly isComplete: boolean;
    readonly isTrusted?: boolean;
    /** Types that signatures say the object is of; a finding if it is looked at as that already. */
    readonly handlers?: readonly { readonly type: string; readonly finding: Finding }[];
  };
  /** What is found in an entry's name and how it lies in its container. */
  scanClosed?(entry: {
    readonly name: string;
    readonly containerType: string;
    readonly containers: readonly string[];
    readonly entry: EntryPlace;
    readonly depth: number;
  }): readonly Finding[];
}

/** Sees nothing: for whoever wants objects taken out, not scanned. */
export const BLIND: ObjectScanner = {
  identity: "",
  scan: ({ bytes }) => ({ findings: [], scanned: bytes.length, isComplete: true }),
};

type Draft = { -readonly [Key in keyof ScannedObject]: ScannedObject[Key] };

/** Where an object that is scanned lies. */
type ScanPlace = Pick<Parameters<ObjectScanner["scan"]>[0], "containers" | "depth" | "entry">;

/** An object that is being taken apart. */
interface Frame {
  readonly parent: Frame | undefined;
  readonly bytes: Uint8Array;
  readonly node: Draft;
  readonly depth: number;
  readonly children: Generator<Extract, Explosion>;
  /** Children that have been looked at. */
  childCount: number;
}

const PATH_SEPARATOR = " › ";
const NAME_LENGTH_MAX = 300;
/** Types that signatures may say one object is of. */
const HANDLERS_MAX = 4;
// What is kept for the sake of passwords in it.
const TEXTS_MAX = 16;
const TEXT_SIZE_MAX = 65_536;
const NAMES_MAX = 100;
const TEXTS_TOLD_MAX = 2;
const TEXT_TOLD_MAX = 4096;
// Types whose readers never hand on what they were given: one that lies in itself was made to.
const QUINES = new Set<string>([
  "zip",
  "gzip",
  "bzip2",
  "xz",
  "zstd",
  "tar",
  "7z",
  "rar",
  "iso9660",
]);

/** Declared type of what is read as a message whatever its bytes look like. RFC 2046 §5.2.1. */
export const MESSAGE = "message/rfc822";

// All ways to take such an object apart: bytes that are two things at once are read as both.
// `handlers` are further types that signatures say it is of.
function explodersFor(type: string, bytes: Uint8Array, handlers: readonly string[]): Unpacker[] {
  const second = type === "mail" ? undefined : secondType(bytes, type as FileType);
  const types = [type, ...(second === undefined ? [] : [second]), ...handlers];
  const exploders = types.map((one) => (one === "mail" ? explodeMail : unpackerFor(one)));
  return [...new Set(exploders.filter((one) => one !== undefined))];
}

// The same bytes read again in the same way bring forth the same children, down to the depth limit.
function isInside(bytes: Uint8Array, type: string, parent: Frame | undefined): boolean {
  for (let frame = parent; frame !== undefined; frame = frame.parent) {
    if (frame.node.type === type && Buffer.compare(frame.bytes, bytes) === 0) return true;
  }
  return false;
}

/** File types of what an object lies in, from the outside in. */
function containersOf(parent: Frame | undefined): string[] {
  const types: string[] = [];
  for (let frame = parent; frame !== undefined; frame = frame.parent) types.push(frame.node.type);
  return types.reverse();
}

// How the next child lies in its parent.
function entryOf(parent: Frame | undefined, stored: StoredEntry | undefined) {
  if (parent === undefined) return {};
  const containerSize = parent.bytes.length;
  return { entry: { containerSize, position: ++parent.childCount, ...stored } };
}

function* explodeAll(
  exploders: readonly Unpacker[],
  bytes: Uint8Array,
  budget: Budget,
): Generator<Extract, Explosion> {
  let status: Explosion["status"] = "clean";
  const notes: string[] = [];
  const findings: Finding[] = [];
  const closed: ClosedEntry[] = [];
  for (const explode of exploders) {
    const end = yield* explode(bytes, budget);
    status = worseStatus(status, end.status) as Explosion["status"];
    if (end.note !== "") notes.push(end.note);
    findings.push(...(end.findings ?? []));
    closed.push(...(end.closed ?? []));
  }
  return { status, note: notes.join("; "), findings, closed };
}

class Inspection {
  readonly #engine: ObjectScanner;
  readonly #budget: Budget;
  readonly #limits: Limits;
  readonly #isHashed: boolean;
  readonly #onObject: InspectOptions["onObject"];
  readonly #garbage: GarbagePacer | undefined;
  readonly #frames: Frame[] = [];
  readonly #recentTexts: Uint8Array[] = [];
  readonly #onText: InspectOptions["onText"];
  #textsTold = 0;
  readonly nodes: Draft[] = [];

  constructor(engine: ObjectScanner, limits: Limits, options: InspectOptions) {
    const { steady = () => performance.now(), passwords: listed = [] } = options;
    this.#engine = engine;
    this.#onObject = options.onObject;
    this.#onText = options.onText;
    this.#garbage = options.garbage;
    this.#limits = limits;
    this.#isHashed = options.isHashed === true;
    const texts = () => this.#texts(steady, options.texts ?? []);
    this.#budget = new Budget(limits, steady, new Passwords({ listed, texts }, limits, steady));
  }

  // Where a password for what is being taken apart may stand: in the messages around it, in small
  // texts that came before it, in names, and in what the sender wrote before.
  *#texts(steady: () => number, earlier: readonly string[]): Generator<string> {
    for (const frame of this.#frames.toReversed()) {
      if (frame.node.type === "mail") yield* readableTexts(frame.bytes, this.#limits, steady);
    }
    for (const bytes of this.#recentTexts) yield plainText(bytes, "");
    for (const { name } of this.nodes.slice(-NAMES_MAX)) yield name.replace(/[_.-]/g, " ");
    yield* earlier;
  }

  run(subject: Extract): void {
    const frames = this.#frames;
    const root = this.#look(subject, undefined);
    if (root !== undefined) frames.push(root);
    for (let top = frames.at(-1); top !== undefined; top = frames.at(-1)) {
      const child = this.#nextChild(top);
      if (child === undefined) {
        frames.pop();
        continue;
      }
      const frame = this.#look(child, top);
      if (frame !== undefined) frames.push(frame);
    }
  }

  /** The frame's next extract; undefined at its end, with the outcome noted on its object. */
  #nextChild(frame: Frame): Extract | undefined {
    try {
      if (this.#budget.isExpired) {
        this.#mark(frame.node, "unscanned", "time limit reached");
        frame.children.return({ status: "unscanned", note: "" });
        return undefined;
      }
      const step = frame.children.next();
      if (step.done !== true) return step.value;
      const { status, note, findings = [], closed = [] } = step.value;
      for (const entry of closed) this.#lookAtClosed(entry, frame);
      // Text that only looks like a message may have a header that leads nowhere.
      const isGuess = frame.node.type === "mail" && frame.node.declaredType !== MESSAGE;
      if ((status !== "clean" || note !== "") && !(isGuess && status === "damaged")) {
        this.#mark(frame.node, status, note);
      }
      if (!isGuess) this.#addFindings(frame.node, findings);
    } catch (error) {
      // An exploder's own bug: the object was not wholly seen, which is all that may be said of it.
      this.#mark(frame.node, "unscanned", `could not be taken apart: ${describeError(error)}`);
    }
    return undefined;
  }

  /** Holds an entry that stayed closed against signatures on names and sizes of entries. */
  #lookAtClosed({ name, size = -1, packedSize = size }: ClosedEntry, frame: Frame): void {
    const containers = [...containersOf(frame.parent), frame.node.type];
    const place = { containerSize: frame.bytes.length, position: 0, isEncrypted: true };
    const found = this.#engine.scanClosed?.({
      ...{ name: name.slice(0, NAME_LENGTH_MAX), containers, containerType: frame.node.type },
      ...{ depth: frame.depth + 1, entry: { ...place, packedSize, closedSize: size } },
    });
    this.#addFindings(frame.node, found ?? []);
  }

  /** Scans one object; the frame to take it apart with, if there is a way. */
  #look(extract: Extract, parent: Frame | undefined): Frame | undefined {
    const { bytes } = extract;
    const name = extract.name.slice(0, NAME_LENGTH_MAX);
    const depth = parent === undefined ? 0 : parent.depth + 1;
    // A part that was declared (or found) to be a message is read as one, however odd its header.
    const type = extract.declaredType === MESSAGE ? "mail" : fileType(bytes);
    const node: Draft = {
      id: this.nodes.length,
      parent: parent === undefined ? null : parent.node.id,
      path: parent === undefined ? name : `${parent.node.path}${PATH_SEPARATOR}${name}`,
      name,
      declaredType: extract.declaredType,
      type,
      size: bytes.length,
      ...(extract.place === undefined ? {} : { place: extract.place }),
      scanned: 0,
      status: "clean",
      findings: [],
      notes: [],
    };
    if (this.#isHashed) node.hash = createHash("sha256").update(bytes).digest("hex");
    this.nodes.push(node);
    this.#onObject?.(node.id, name, bytes);
    this.#garbage?.passed(bytes.length);
    const handlers = this.#scan(node, bytes, {
      containers: containersOf(parent),
      depth,
      ...entryOf(parent, extract.stored),
    });
    const exploders = explodersFor(type, bytes, handlers);
    if (type === "text" && bytes.length <= TEXT_SIZE_MAX && this.#recentTexts.length < TEXTS_MAX) {
      this.#recentTexts.push(bytes);
    }
    this.#tellText(type, bytes);
    if (exploders.length === 0) return undefined;
    if (isInside(bytes, type, parent)) {
      if (QUINES.has(type)) this.#mark(node, "unscanned", "an archive that holds itself");
      return undefined;
    }
    if (depth >= this.#limits.depthMax) {
      this.#mark(node, "unscanned", `nested deeper than ${this.#limits.depthMax}`);
      return undefined;
    }
    const children = explodeAll(exploders, bytes, this.#budget);
    return { parent, bytes, node, depth, children, childCount: 0 };
  }

  // A mail's first texts, which is where people write passwords.
  #tellText(type: string, bytes: Uint8Array): void {
    if (this.#onText === undefined || this.#textsTold >= TEXTS_TOLD_MAX) return;
    if (type !== "text" && type !== "html") return;
    this.#textsTold++;
    const declaredType = type === "html" ? "text/html" : "text/plain";
    this.#onText(plainText(bytes.subarray(0, TEXT_TOLD_MAX), declaredType));
  }

  /** Has an object scanned; the types that it is said to be of beside its own. */
  #scan(node: Draft, bytes: Uint8Array, place: ScanPlace): readonly string[] {
    if (bytes.length > this.#limits.objectSizeMax) {
      this.#mark(node, "unscanned", `larger than ${this.#limits.objectSizeMax} bytes`);
      return [];
    }
    try {
      const { handlers = [], scanned } = this.#scanAs(node.type, node, { bytes, ...place });
      node.scanned = scanned;
      const types = new Set(handlers.map(({ type }) => type).filter((type) => type !== node.type));
      const others = [...types].slice(0, HANDLERS_MAX);
      for (const type of others) this.#scanAs(type, node, { bytes, ...place });
      return others;
    } catch (error) {
      this.#mark(node, "unscanned", `scan failed: ${describeError(error)}`);
      return [];
    }
  }

  #scanAs(type: string, node: Draft, object: ScanPlace & { readonly bytes: Uint8Array }) {
    const { name } = node;
    const containerType = object.containers.at(-1) ?? "";
    const seen = this.#engine.scan({ name, type, containerType, ...object });
    const handled = (seen.handlers ?? []).filter((handler) => handler.type === type);
    const found = [...seen.findings, ...handled.map(({ finding }) => finding)];
    const known = new Set(node.findings.map(({ signature }) => signature));
    this.#addFindings(
      node,
      found.filter(({ signature }) => !known.has(signature)),
    );
    if (seen.isTrusted === true) this.#mark(node, "clean", "trusted by its hash");
    if (!seen.isComplete) this.#mark(node, "unscanned", "the scan could not be completed");
    return seen;
  }

  #addFindings(node: Draft, findings: readonly Finding[]): void {
    if (findings.length === 0) return;
    node.findings = [...node.findings, ...findings];
    for (const { severity } of findings) {
      if (severity === "unwanted") continue;
      node.plainStatus ??= node.status;
      node.status = worseStatus(node.status, severity);
    }
  }

  #mark(node: Draft, status: Status, note: string): void {
    node.status = worseStatus(node.status, status);
    if (node.plainStatus !== undefined) node.plainStatus = worseStatus(node.plainStatus, status);
    if (note !== "") node.notes = [...node.notes, note];
  }
}

/** What an inspection may be told beside its bounds. */
export interface InspectOptions {
  /** Milliseconds of a clock that never goes back. */
  readonly steady?: () => number;
  /** The administrator's list of passwords for what is encrypted. */
  readonly passwords?: readonly string[];
  /** Each object gets its SHA-256. */
  readonly isHashed?: boolean;
  /** Told of every object as it is reached. */
  readonly onObject?: (id: number, name: string, bytes: Uint8Array) => void;
  /** Texts from elsewhere in which a password may stand. */
  readonly texts?: readonly string[];
  /** Told how the first texts begin, as they are read. */
  readonly onText?: (text: string) => void;
  /** Told of the bytes of each object, which are soon done with. */
  readonly garbage?: GarbagePacer;
}

/** Takes `subject` apart and scans everything found in it. */
export function inspect(
  subject: Extract,
  engine: ObjectScanner,
  limits: Limits,
  options: InspectOptions = {},
): Verdict {
  const { steady = () => performance.now() } = options;
  const beganAt = steady();
  const inspection = new Inspection(engine, limits, options);
  inspection.run(subject);
  let status: Status = "clean";
  for (const node of inspection.nodes) status = worseStatus(status, node.status);
  return {
    status,
    objects: inspection.nodes,
    elapsedMs: steady() - beganAt,
    signatureSet: engine.identity,
  };
}
