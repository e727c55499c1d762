// The types of YARA's values, and what is known of its modules: names and types of fields, so that a
// rule that misspells one is told so. scan/judge/modules/ computes the values.

/** The type of an expression. */
export type ValueType = "integer" | "float" | "boolean" | "text" | "regex" | Structured;

/** A type that only modules have. */
export type Structured =
  | { readonly kind: "struct"; readonly fields: Fields }
  | { readonly kind: "array" | "dictionary"; readonly of: Shape }
  /** Kinds of arguments, one letter each: i f t r; a choice of them. */
  | { readonly kind: "function"; readonly result: Shape; readonly forms: readonly string[] };

/**
 * A field's shape in short: `i` integer, `f` float, `t` text, `i(tt|r)` a function of that result
 * and these forms; a list is an array of what it holds; `{"*": …}` a dictionary; else a structure.
 */
export type Shape = string | readonly [Shape] | Fields;

/** The fields of a structure. */
export interface Fields {
  readonly [name: string]: Shape;
}

const LETTERS: Readonly<Record<string, ValueType>> = {
  i: "integer",
  f: "float",
  t: "text",
  r: "regex",
};

/** The type that a shape stands for. */
export function typeOf(shape: Shape): ValueType {
  if (typeof shape === "string") {
    const [, result = "i", forms] = /^([ift])(?:\((.*)\))?$/.exec(shape) ?? [];
    if (forms === undefined) return LETTERS[result] ?? "integer";
    return { kind: "function", result, forms: forms.split("|") };
  }
  if (isList(shape)) return { kind: "array", of: shape[0] };
  const any = shape["*"];
  return any === undefined ? { kind: "struct", fields: shape } : { kind: "dictionary", of: any };
}

function isList(shape: readonly [Shape] | Fields): shape is readonly [Shape] {
  return Array.isArray(shape);
}

/** The letter that an argument of this type has in a function's forms. */
export function letterOf(type: ValueType): string {
  return Object.entries(LETTERS).find(([, value]) => value === type)?.[0] ?? "?";
}

/** A type as it is named to people. */
export function nameOf(type: ValueType): string {
  return typeof type === "string" ? type : type.kind;
}

/** Variables that are set for each object, all of them texts. */
export const EXTERNALS = ["filename", "filepath", "extension", "filetype", "owner"] as const;
