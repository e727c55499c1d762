// What a PDF document does and carries: scripts, programs it starts, addresses, attached files.
// ISO 32000-2 §12.6. Told in plain lines, so that signatures need not know how it was written.

import { joinNames } from "../../text/object-name.ts";
import { nameOf } from "./decode.ts";
import { type Definition, isStream, type Located, type Objects, type Stream } from "./objects.ts";
import type { Security } from "./security.ts";
import { lineOf } from "./strings.ts";
import { type Dict, Ref, type Value } from "./syntax.ts";

/** Names that make an object worth a closer look. */
export const WATCHED: ReadonlySet<string> = new Set([
  ...["JS", "JavaScript", "OpenAction", "AA", "Launch", "URI", "SubmitForm", "ImportData"],
  ...["GoToR", "GoToE", "Thread", "EF", "RF", "XFA", "RichMedia", "OnInstantiate", "Movie"],
]);

/** What a stream is for, as the objects that refer to it say. */
export type RoleKind = "script" | "form" | "file";

/** Nothing keeps a stream from being a script to one object and a file to another. */
export interface Role {
  readonly kinds: Set<RoleKind>;
  /** What the file is called. */
  readonly names: Set<string>;
}

// Ordinary documents stay far below: a catalogue of links has some thousand.
const LINES_MAX = 5000;
const LINE_LENGTH_MAX = 4096;
const EVENT_LENGTH_MAX = 64;
const LINES_SIZE_MAX = 1 << 20;
const VALUES_MAX = 8_000_000;
const CHECK_EVERY = 4096;
// The name for all systems first, then those for one, which old writers gave alone.
const FILE_NAME_KEYS = ["UF", "F", "DOS", "Unix", "Mac"];
const LAUNCH_KEYS = ["Win", "Mac", "Unix"];

/** Reads the kept values of a document. */
export class Actions {
  readonly #objects: Objects;
  readonly #security: Security | undefined;
  readonly #lines = new Set<string>();
  readonly #scripts = new Set<string>();
  readonly #roles = new Map<number, Role>();
  #linesSize = 0;
  #hasLockedStrings = false;

  constructor(objects: Objects, security: Security | undefined) {
    this.#objects = objects;
    this.#security = security;
  }

  /** `Launch cmd.exe /c …`, `URI https://…`, `OpenAction JavaScript`, …: each once. */
  get lines(): readonly string[] {
    return [...this.#lines];
  }

  /** Scripts that are strings; their bytes as latin-1. Those in streams have a role. */
  get scripts(): readonly string[] {
    return [...this.#scripts];
  }

  /** Whether strings were met that no password opens. */
  get hasLockedStrings(): boolean {
    return this.#hasLockedStrings;
  }

  roleOf(num: number): Role | undefined {
    return this.#roles.get(num);
  }

  /** Adds a line of the caller's; one that would have a kind and nothing else is left out. */
  add(kind: string, ...words: readonly string[]): void {
    const line = [kind, ...words.filter((word) => word !== "")].join(" ");
    if (line === kind && words.length > 0) return;
    if (this.#lines.has(line)) return;
    this.#linesSize += line.length;
    if (this.#lines.size >= LINES_MAX || this.#linesSize > LINES_SIZE_MAX) {
      this.#objects.stop("too many actions");
    } else this.#lines.add(line);
  }

  /** Notes the file elsewhere in which a stream's data lies, if its dictionary names one. */
  external(stream: Stream): void {
    this.add("ExternalStream", this.#fileName(stream.dict.get("F") ?? null, stream));
  }

  /** Reads all that was kept. */
  read(): void {
    let count = 0;
    for (const { value, owner } of this.#objects.kept) {
      const open: Value[] = [value];
      for (let one = open.pop(); one !== undefined; one = open.pop()) {
        if (++count > VALUES_MAX) this.#objects.stop("too many values");
        if (count % CHECK_EVERY === 0) this.#objects.checkTime();
        if (this.#objects.isStopped) return;
        if (Array.isArray(one)) for (const item of one) open.push(item);
        else if (one instanceof Map) {
          this.#dict(one, owner);
          for (const item of one.values()) if (typeof item === "object") open.push(item);
        }
      }
    }
  }

  // What a dictionary is follows from its keys: /Type is optional nearly everywhere, and a reader
  // that finds /JS runs it.
  #dict(dict: Dict, owner: Definition): void {
    for (const [key, value] of dict) {
      switch (key) {
        case "JS":
        case "OnInstantiate":
          this.#script(value, owner);
          break;
        case "S":
          this.#action(nameOf(value), dict, owner);
          break;
        case "URI":
          this.add("URI", this.#text(value, owner));
          break;
        case "OpenAction":
          for (const one of this.#dicts(value, owner)) this.#trigger(key, one.value);
          break;
        case "AA":
          this.#additional(value, owner);
          break;
        case "EF":
        case "RF":
          this.#file(dict, value, owner);
          break;
        case "XFA":
          this.#form(value, owner);
          break;
        case "Subtype":
          if (nameOf(value) === "RichMedia" || nameOf(value) === "Movie") this.add(nameOf(value));
          break;
        default:
      }
    }
  }

  // §12.6.4, table 201: the actions that lead out of the document.
  #action(kind: string, dict: Dict, owner: Definition): void {
    const file = dict.get("F") ?? null;
    switch (kind) {
      case "Launch":
        this.add("Launch", this.#fileName(file, owner));
        for (const key of LAUNCH_KEYS) this.#command(dict.get(key), owner);
        break;
      case "SubmitForm":
      case "ImportData":
      case "GoToR":
      case "GoToE":
      case "Thread":
        this.add(kind, this.#fileName(file, owner));
        break;
      default:
    }
  }

  // Table 208: program, parameters, folder and what to do with it.
  #command(value: Value | undefined, owner: Definition): void {
    if (value === undefined) return;
    for (const one of this.#dicts(value, owner)) {
      const word = (key: string) => this.#fileName(one.value.get(key) ?? null, one.owner);
      this.add("Launch", word("F"), word("P"), word("D"));
    }
  }

  // §12.6.3: actions by the event that triggers them.
  #additional(value: Value, owner: Definition): void {
    for (const one of this.#dicts(value, owner)) {
      for (const [event, action] of one.value) {
        for (const { value: done } of this.#dicts(action, one.owner)) {
          const name = lineOf(Buffer.from(event, "latin1"), EVENT_LENGTH_MAX);
          this.#trigger(`AA ${name}`, done);
        }
      }
    }
  }

  // What happens by itself; going to a page is what most documents do.
  #trigger(event: string, action: Dict): void {
    const kind = nameOf(action.get("S"));
    if (kind !== "GoTo") this.add(event, lineOf(Buffer.from(kind, "latin1"), EVENT_LENGTH_MAX));
  }

  // A string here, or a string or stream elsewhere, in every version there is of it.
  #script(value: Value, owner: Definition): void {
    this.#mark(value, owner, "script");
    for (const one of this.#objects.resolve(value, owner)) {
      if (!Buffer.isBuffer(one.value)) continue;
      for (const text of this.#strings(one)) {
        if (!this.#objects.spend(text.length)) return;
        this.#scripts.add(text.toString("latin1"));
      }
    }
  }

  // §7.11.4: /EF names the streams of a file, /RF the streams of files that belong to it.
  #file(dict: Dict, value: Value, owner: Definition): void {
    const names = FILE_NAME_KEYS.map((key) => this.#text(dict.get(key) ?? null, owner));
    const name = joinNames(names);
    this.add("EmbeddedFile", name);
    for (const one of this.#dicts(value, owner)) {
      for (const item of one.value.values()) {
        this.#mark(item, one.owner, "file", name);
        for (const list of this.#objects.resolve(item, one.owner)) {
          if (Array.isArray(list.value)) this.#related(list.value, list.owner);
        }
      }
    }
  }

  // §7.11.4.3: names and streams in turn.
  #related(list: readonly Value[], owner: Definition): void {
    for (let at = 0; at + 1 < list.length; at += 2) {
      const name = joinNames([this.#text(list[at] ?? null, owner)]);
      this.add("EmbeddedFile", name);
      this.#mark(list[at + 1] ?? null, owner, "file", name);
    }
  }

  // §12.7.8: one stream, or names and streams in turn.
  #form(value: Value, owner: Definition): void {
    this.add("XFA");
    this.#mark(value, owner, "form");
    for (const one of this.#objects.resolve(value, owner)) {
      if (!Array.isArray(one.value)) continue;
      for (const item of one.value) this.#mark(item, one.owner, "form");
    }
  }

  // The streams that `value` refers to, through whatever references there are.
  #mark(value: Value, owner: Definition, kind: RoleKind, name = ""): void {
    if (!(value instanceof Ref)) return;
    for (const { owner: found } of this.#objects.resolve(value, owner)) {
      if (!isStream(found)) continue;
      const role: Role = this.#roles.get(found.num) ?? { kinds: new Set(), names: new Set() };
      this.#roles.set(found.num, role);
      role.kinds.add(kind);
      if (name !== "") role.names.add(name);
    }
  }

  // §7.11.2: a string, or a dictionary that holds it by operating system.
  #fileName(value: Value, owner: Definition): string {
    const direct = this.#text(value, owner);
    if (direct !== "") return direct;
    const names: string[] = [];
    for (const one of this.#dicts(value, owner)) {
      for (const key of FILE_NAME_KEYS) {
        const name = this.#text(one.value.get(key) ?? null, one.owner);
        if (name !== "" && !names.includes(name)) names.push(name);
      }
    }
    return names.join(" | ");
  }

  #dicts(value: Value, owner: Definition): { value: Dict; owner: Definition }[] {
    const found: { value: Dict; owner: Definition }[] = [];
    for (const one of this.#objects.resolve(value, owner)) {
      if (one.value instanceof Map) found.push({ value: one.value, owner: one.owner });
    }
    return found;
  }

  #text(value: Value, owner: Definition): string {
    const texts: string[] = [];
    for (const one of this.#objects.resolve(value, owner)) {
      for (const bytes of this.#strings(one)) {
        const line = lineOf(bytes, LINE_LENGTH_MAX);
        if (line !== "" && !texts.includes(line)) texts.push(line);
      }
    }
    return texts.join(" | ").slice(0, LINE_LENGTH_MAX);
  }

  // A string's plain bytes. One that is text without decryption may be meant as it is, where an
  // /Encrypt is overlooked by viewers: both count.
  #strings({ value, owner }: Located): Buffer[] {
    if (!Buffer.isBuffer(value)) return [];
    if (this.#security === undefined || owner.isPacked) return [value];
    const plain = this.#security.decrypt(value, "string", owner);
    if (plain === undefined) this.#hasLockedStrings = true;
    const found = plain === undefined ? [] : [plain];
    return isText(value) ? [...found, value] : found;
  }
}

function isText(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 64);
  return head.length > 3 && head.every((byte) => byte < 0x7f && (byte > 31 || byte === 10));
}
