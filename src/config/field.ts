// What a setting is: one record from which the loader, the errors, `gw config describe`, the sample
// file and the table of the documentation are made. Types of values stand in types.ts.

/** A value as TOML gives it, before it is checked. */
export type Raw = string | number | boolean | readonly string[];

/** What reading a raw value gave; `element` is the place of the wrong element in a list. */
export type Reading<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "wrong"; readonly expected: string; readonly element?: number };

/** A kind of value: how it is read from TOML, written back, and spoken of in errors. */
export interface Type<T> {
  /** One word or two for tables: "duration", "list of networks". */
  readonly name: string;
  /** What is expected, to follow that word: `a duration from 1s to 1h, such as "5m"`. */
  readonly expected: string;
  read(raw: unknown): Reading<T>;
  /** The value as TOML. */
  write(value: T): string;
  /** Its values are never shown. */
  readonly isSecret?: boolean;
  /** Of a list: the type of its elements, which may stand in a file: `file:/path`. */
  readonly element?: Type<string>;
}

/** One setting. Its key is the name it has in the schema: `inbound.message_size_max`. */
export interface Field<T = unknown> {
  readonly type: Type<T>;
  /** As it would stand in the file. */
  readonly default: Raw;
  /** What it does, in whole sentences; plain text. */
  readonly doc: string;
  /** A value that shows what can be written, as it would stand in the file. */
  readonly example: Raw;
  /** Names of the same thing elsewhere, so that someone who moves here finds it. */
  readonly knownAs?: readonly string[];
  /** A change is not taken when the configuration is read again, only at the next start. */
  readonly needsRestart?: true;
}

/** Settings by key. */
export type Schema = Readonly<Record<string, Field>>;

/** The type of the values of a field. */
export type ValueOf<F> = F extends { readonly type: Type<infer T> } ? T : never;

/** What a schema's file gives: a value for every key. */
export type Values<S extends Schema> = { readonly [K in keyof S]: ValueOf<S[K]> };

/** A raw value as TOML: strings in quotes, lists in brackets. */
export function toToml(raw: unknown): string {
  if (Array.isArray(raw)) return `[${raw.map(toToml).join(", ")}]`;
  // The one control character that JSON leaves as it is and TOML does not take.
  return JSON.stringify(raw).replaceAll("\u007f", "\\u007f");
}

/** The section a key stands in: "inbound" of `inbound.listen`. */
export function sectionOf(key: string): string {
  return key.slice(0, key.indexOf("."));
}

/** The key inside its section: "listen" of `inbound.listen`. */
export function nameOf(key: string): string {
  return key.slice(key.indexOf(".") + 1);
}
