// What a YARA module hands out: fields, arrays, dictionaries and functions, as YARA's conditions see
// them.

import { asBuffer } from "../../../base/bytes.ts";

/** A regular expression given to a module's function. */
export interface ModulePattern {
  /** Whether it matches anywhere in `bytes`. */
  test(bytes: Uint8Array): boolean;
}

/** What a function may be given; text is one character a byte. */
export type ModuleArgument = number | bigint | boolean | string | Uint8Array | ModulePattern;

/** A function of a module; what it can't answer is undefined. */
export type ModuleFunction = (...values: readonly (ModuleArgument | undefined)[]) => ModuleValue;

/** A field whose keys are data: `pe.version_info["CompanyName"]`. */
export type ModuleDictionary = ReadonlyMap<string, ModuleValue>;

/** A structure; its fields may be getters that compute on first use. */
export interface ModuleStruct {
  readonly [field: string]: ModuleValue;
}

/**
 * A value of a module. undefined is YARA's undefined; text is one character a byte; numbers beyond
 * 2^53 are bigints. Which members are floats says `isFloat`.
 */
export type ModuleValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | undefined
  | readonly ModuleValue[]
  | ModuleDictionary
  | ModuleFunction
  | ModuleStruct;

/** What modules need from the scan. */
export interface ModuleTools {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Takes `steps` of work; false once there is none left. */
  spend(steps: number): boolean;
}

/** Bytes that one step of work looks at. */
const BYTES_PER_STEP = 64;
const SIGN = 1n << 63n;

/** An unsigned 64-bit number as YARA has it, signed, and as a number where that is exact. */
export function signed(value: bigint): number | bigint {
  const wrapped = value >= SIGN ? value - (SIGN << 1n) : value;
  const short = Number(wrapped);
  return Number.isSafeInteger(short) ? short : wrapped;
}

/** A struct of `fixed` fields and of those that are computed once, when they are first asked for. */
export function structOf(
  fixed: ModuleStruct,
  computed: Readonly<Record<string, () => ModuleValue>>,
): ModuleStruct {
  const struct: Record<string, ModuleValue> = { ...fixed };
  for (const [name, compute] of Object.entries(computed)) {
    const get = (): ModuleValue => {
      const value = compute();
      Object.defineProperty(struct, name, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(struct, name, { get, enumerable: true, configurable: true });
  }
  return struct;
}

/** An argument as a whole number; undefined if it is none. */
export function integer(value: ModuleArgument | undefined): number | undefined {
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" ? Math.trunc(value) : undefined;
}

/** An argument as bytes, if it is text. */
export function textBytes(value: ModuleArgument | undefined): Buffer | undefined {
  if (typeof value === "string") return Buffer.from(value, "latin1");
  return value instanceof Uint8Array ? asBuffer(value) : undefined;
}

/** An argument as text, one character a byte. */
export function text(value: ModuleArgument | undefined): string | undefined {
  return typeof value === "string" ? value : textBytes(value)?.toString("latin1");
}

/** An argument as a regular expression. */
export function pattern(value: ModuleArgument | undefined): ModulePattern | undefined {
  return typeof value === "object" && "test" in value ? value : undefined;
}

/** What every function over a range of the object or a text looks at. */
export class ModuleBytes {
  readonly #bytes: Uint8Array;
  readonly #tools: ModuleTools;

  constructor(bytes: Uint8Array, tools: ModuleTools) {
    this.#bytes = bytes;
    this.#tools = tools;
  }

  get size(): number {
    return this.#bytes.length;
  }

  /**
   * The bytes of (text) or (offset, size), cut at the object's end; undefined where YARA knows no
   * answer, and when no work is left.
   */
  range(
    first: ModuleArgument | undefined,
    second?: ModuleArgument | undefined,
  ): Buffer | undefined {
    const given = textBytes(first) ?? this.#cut(integer(first), integer(second));
    if (given === undefined) return;
    return this.#tools.spend(1 + Math.ceil(given.length / BYTES_PER_STEP)) ? given : undefined;
  }

  #cut(offset: number | undefined, size: number | undefined): Buffer | undefined {
    if (offset === undefined || size === undefined) return;
    if (offset < 0 || size < 0 || offset >= this.#bytes.length) return;
    return asBuffer(this.#bytes).subarray(offset, Math.min(this.#bytes.length, offset + size));
  }
}
