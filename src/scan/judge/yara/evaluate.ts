// YARA's conditions, evaluated. The compiler has checked types; what can still be missing (a field of
// a damaged file, a match that is not there) is undefined and handed on.
import type { YaraNode, YaraPlace, YaraRegex } from "../../../gwdb/yara-judgement.ts";
import type { JudgeContext } from "../context.ts";
import { externalOf } from "./external.ts";
import { evaluateLoop, evaluateOf } from "./loop.ts";
import { OutOfWork, type Regexes, type StringMatches } from "./matches.ts";
import { apply, combine, truth } from "./value.ts";

/** Parts of a condition between two reports of work done. */
const STEPS_PER_REPORT = 64;

/** A module's struct, or undefined if there is none. */
export type Modules = (name: string) => unknown;

/** What one evaluation works with. */
export interface Setting {
  readonly context: JudgeContext;
  readonly matches: StringMatches;
  readonly regexes: Regexes;
  readonly modules: Modules;
}

type NodeOf<Op extends YaraNode["op"]> = Extract<YaraNode, { op: Op }>;

/** Evaluates one rule over one object. */
export class Evaluation {
  readonly setting: Setting;
  /** Values of loop variables by slot. */
  readonly variables: unknown[] = [];
  #steps = 0;

  constructor(setting: Setting) {
    this.setting = setting;
  }

  /** Whether a condition holds; undefined does not. */
  holds(node: YaraNode): boolean {
    return truth(this.value(node)) === true;
  }

  /** Accounts for one step. */
  step(): void {
    if (++this.#steps % STEPS_PER_REPORT !== 0) return;
    if (!this.setting.context.spend(STEPS_PER_REPORT)) throw new OutOfWork();
  }

  /** An integer that is a place in the object or a count; undefined if it is none. */
  place(node: YaraNode): number | undefined {
    const value = this.value(node);
    if (typeof value === "bigint") return Number(value);
    return typeof value === "number" ? value : undefined;
  }

  value(node: YaraNode): unknown {
    this.step();
    switch (node.op) {
      case "number":
      case "text":
      case "boolean":
        return node.value;
      case "big":
        return BigInt(node.value);
      case "filesize":
        return this.setting.context.subject.bytes.length;
      case "entrypoint":
        return this.#entryPoint();
      case "external":
        return externalOf(node.name, this.setting.context);
      case "variable":
        return this.variables[node.slot];
      case "module":
      case "field":
      case "index":
      case "call":
      case "regex":
        return this.#member(node);
      case "matches":
        return this.#matches(node);
      case "unary":
        return apply(node.operator, this.value(node.of));
      case "binary":
        return combine(node.operator, this.value(node.left), this.value(node.right));
      case "and":
        return node.nodes.every((part) => this.holds(part));
      case "or":
        return node.nodes.some((part) => this.holds(part));
      case "read":
        return this.#read(node);
      case "found":
      case "count":
      case "offset":
      case "length":
        return this.#string(node);
      case "of":
      case "of-nodes":
        return evaluateOf(this, node);
      case "for-of":
      case "for-in":
        return evaluateLoop(this, node);
      default:
        return node satisfies never;
    }
  }

  #entryPoint(): number | undefined {
    const entry = this.setting.context.executable()?.entryPoint ?? -1;
    return entry < 0 ? undefined : entry;
  }

  #member(node: NodeOf<"module" | "field" | "index" | "call" | "regex">): unknown {
    switch (node.op) {
      case "module":
        return this.setting.modules(node.name);
      case "field": {
        const of = this.value(node.of);
        if (typeof of !== "object" || of === null || !Object.hasOwn(of, node.name)) return;
        return plain((of as Readonly<Record<string, unknown>>)[node.name]);
      }
      case "index":
        return this.#index(node);
      case "regex":
        return { test: (bytes: Uint8Array) => this.#test(node.regex, bytes) };
      case "call": {
        const called = this.value(node.of);
        if (typeof called !== "function") return;
        return plain(called(...node.given.map((argument) => this.value(argument))));
      }
      default:
        return node satisfies never;
    }
  }

  #index(node: NodeOf<"index">): unknown {
    const of = this.value(node.of);
    const at = this.value(node.at);
    if (of instanceof Map) return plain(of.get(at));
    return Array.isArray(of) && typeof at === "number" ? plain(of[at]) : undefined;
  }

  #test(regex: YaraRegex, bytes: Uint8Array): boolean {
    const spend = (steps: number) => this.setting.context.spend(steps);
    const match = this.setting.regexes.compile(regex, "ascii").exec(bytes, 0, { spend });
    if (match === "unfinished") throw new OutOfWork();
    return match !== null;
  }

  #matches(node: NodeOf<"matches">): boolean | undefined {
    const text = this.value(node.of);
    if (typeof text !== "string") return;
    return this.#test(node.regex, Buffer.from(text, "latin1"));
  }

  #read({ at, size, isSigned, isBigEndian }: NodeOf<"read">): number | undefined {
    const { bytes } = this.setting.context.subject;
    const offset = this.place(at);
    if (offset === undefined || offset < 0 || offset + size > bytes.length) return;
    let value = 0;
    for (let i = 0; i < size; i++) {
      const byte = bytes[offset + (isBigEndian ? i : size - 1 - i)] ?? 0;
      value = value * 256 + byte;
    }
    const sign = 2 ** (8 * size - 1);
    return isSigned && value >= sign ? value - 2 * sign : value;
  }

  #string(node: NodeOf<"found" | "count" | "offset" | "length">): unknown {
    const { matches } = this.setting;
    switch (node.op) {
      case "found":
        if (node.place === undefined) return matches.isFound(node.string);
        return this.#isFoundIn(node.string, node.place);
      case "count":
        if (node.place === undefined) return matches.places(node.string).length;
        return this.countIn(node.string, node.place);
      case "offset":
      case "length": {
        const nth = this.place(node.nth);
        const match = nth === undefined ? undefined : matches.places(node.string)[nth - 1];
        return node.op === "offset" ? match?.start : match?.length;
      }
      default:
        return node satisfies never;
    }
  }

  // At an undefined place there is nothing; of an undefined range nothing is known.
  #isFoundIn(string: NodeOf<"found">["string"], place: YaraPlace): boolean | undefined {
    const count = this.countIn(string, place);
    if (count === undefined) return place.high === undefined ? false : undefined;
    return count > 0;
  }

  /** How many matches of a string start in a place; undefined if the place is. */
  countIn(string: NodeOf<"found">["string"], place: YaraPlace): number | undefined {
    const low = this.place(place.low);
    const high = place.high === undefined ? low : this.place(place.high);
    if (low === undefined || high === undefined) return;
    const places = this.setting.matches.places(string);
    return lowerBound(places, high + 1) - lowerBound(places, low);
  }
}

/** How many matches start before `at`. */
function lowerBound(places: readonly { readonly start: number }[], at: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.start ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Modules may hand out texts as bytes.
function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value;
}
