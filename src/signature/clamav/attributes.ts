// The attributes of a logical signature, `Engine:81-255,Target:1,FileSize:1-4096,Container:CL_TYPE_ZIP`:
// what they ask of an object, as far as the scan core or the judgement can tell.
import type { NumberRange } from "../../gwdb/clamav-judgement.ts";
import { type Expression, SourceError } from "../source.ts";
import { UnsupportedError } from "./pattern/units.ts";
import { ENGINE_LEVEL, type Field, OTHER_ENGINE } from "./report.ts";
import { EXECUTABLE_TARGETS, type Target, targetOf, typesNamed } from "./types.ts";

const COUNT_MAX = 10;
const INTERMEDIATES_MAX = 16;
const NUMBER_MAX = 0x7fffffff;

/** What the attributes say. */
export interface Attributes {
  readonly number: number;
  readonly target: Target;
  /** What the core can check beside the patterns; null if nothing. */
  readonly limits: Expression | null;
  readonly entryPoint?: NumberRange;
  readonly sectionCount?: NumberRange;
  readonly intermediates?: readonly (readonly string[])[];
  /** The type that an object is to be looked at as. */
  readonly handler?: string;
}

/** Both, or the one that is there. */
export function allOf(...parts: readonly (Expression | null)[]): Expression | null {
  let all: Expression | null = null;
  for (const part of parts) {
    if (part !== null) all = all === null ? part : { kind: "and", left: all, right: part };
  }
  return all;
}

/** One of them; null without any. */
export function oneOf(parts: readonly Expression[]): Expression | null {
  let one: Expression | null = null;
  for (const part of parts) one = one === null ? part : { kind: "or", left: one, right: part };
  return one;
}

/** The condition that an object is for the target, where its type alone does not tell. */
export function targetCondition({ types, containers }: Target): Expression | null {
  if (containers === undefined) return null;
  return oneOf([
    ...types.map((type) => ({ kind: "type", type }) as const),
    ...containers.map((type) => ({ kind: "container", type }) as const),
  ]);
}

function rangeOf(text: string, at: Field): NumberRange {
  const [, low, high = low] = /^(\d{1,12})(?:-(\d{1,12}))?$/.exec(text) ?? [];
  if (low === undefined) throw new SourceError(`bad range ${text}`, at, "n-m");
  return { min: Number(low), max: Number(high) };
}

function named(name: string, at: Field): readonly string[] {
  const types = typesNamed(name);
  if (types === undefined) throw new UnsupportedError(`file type ${name}`, at);
  return types;
}

/** A condition on the container. ClamAV's "any" is none at all: the object lies in nothing. */
export function containerCondition(name: string, at: Field): Expression | null {
  const types = named(name, at);
  if (types.length === 0) return { kind: "compare", left: "depth", operator: "==", right: 0 };
  return oneOf(types.map((type) => ({ kind: "container", type })));
}

/** A condition on the object's size. */
export function sizeCondition({ min, max }: NumberRange): Expression | null {
  const bound = (operator: ">=" | "<=", value: number) =>
    ({ kind: "compare", left: "size", operator, right: Math.min(value, NUMBER_MAX) }) as const;
  return allOf(bound(">=", min), bound("<=", max));
}

function checkEngine(text: string, at: Field): void {
  const { min, max } = rangeOf(text, at);
  if (min > ENGINE_LEVEL || max < ENGINE_LEVEL) throw new UnsupportedError(OTHER_ENGINE, at);
}

class AttributeReader {
  readonly #at: Field;
  #number: number | undefined;
  readonly #limits: (Expression | null)[] = [];
  readonly #rest: { -readonly [Key in keyof Attributes]?: Attributes[Key] } = {};

  constructor(at: Field) {
    this.#at = at;
  }

  take(key: string, value: string, place: number): void {
    const at = this.#at;
    switch (key) {
      case "Engine":
        if (place > 0) throw new SourceError("Engine must come first", at);
        checkEngine(value, at);
        return;
      case "Target":
        if (!/^\d{1,4}$/.test(value)) throw new SourceError(`bad target ${value}`, at, "a number");
        this.#number = Number(value);
        return;
      case "FileSize":
        this.#limits.push(sizeCondition(rangeOf(value, at)));
        return;
      case "EntryPoint":
        this.#rest.entryPoint = rangeOf(value, at);
        return;
      case "NumberOfSections":
        this.#rest.sectionCount = rangeOf(value, at);
        return;
      case "Container":
        this.#limits.push(containerCondition(value, at));
        return;
      case "Intermediates":
        this.#rest.intermediates = this.#intermediates(value);
        return;
      case "HandlerType": {
        const [type] = named(value, at);
        if (type === undefined) throw new UnsupportedError(`handler type ${value}`, at);
        this.#rest.handler = type;
        return;
      }
      case "IconGroup1":
      case "IconGroup2":
        throw new UnsupportedError("icons are not compared", at);
      default:
        throw new UnsupportedError(`attribute ${key.slice(0, 40)}`, at);
    }
  }

  #intermediates(value: string): (readonly string[])[] {
    const names = value.split(">");
    if (names.length > INTERMEDIATES_MAX) throw new SourceError("too many intermediates", this.#at);
    return names.map((name) => named(name, this.#at));
  }

  end(): Attributes {
    const number = this.#number;
    if (number === undefined) throw new SourceError("there is no Target", this.#at, "Target:n");
    const target = targetOf(number);
    if (target === undefined) throw new UnsupportedError(`target ${number}`, this.#at);
    const { entryPoint, sectionCount } = this.#rest;
    if ((entryPoint ?? sectionCount) !== undefined && !EXECUTABLE_TARGETS.has(number)) {
      throw new SourceError("EntryPoint and NumberOfSections are for executables only", this.#at);
    }
    return { ...this.#rest, number, target, limits: allOf(...this.#limits) };
  }
}

/** Reads the attributes; throws SourceError, or UnsupportedError for what gw does not check. */
export function parseAttributes(field: Field): Attributes {
  const parts = field.text.split(",");
  if (parts.length > COUNT_MAX) throw new SourceError("too many attributes", field);
  const reader = new AttributeReader(field);
  parts.forEach((part, place) => {
    const colon = part.indexOf(":");
    if (colon <= 0) throw new SourceError(`bad attribute ${part.slice(0, 40)}`, field, "Key:value");
    reader.take(part.slice(0, colon), part.slice(colon + 1), place);
  });
  return reader.end();
}
