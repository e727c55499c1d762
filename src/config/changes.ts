// What differs between two configurations, and which of it can be taken while gw runs.

import type { Schema } from "./field.ts";
import { type Config, SCHEMA } from "./schema.ts";
import { TABLES } from "./tables.ts";

/** Keys of settings, and names of tables, whose values differ. */
export interface Changes {
  /** Can be taken at once. */
  readonly ready: readonly string[];
  /** Need a restart. */
  readonly waiting: readonly string[];
}

/** The changes from one configuration to another. */
export function changesBetween(before: Config, after: Config): Changes {
  const schema: Schema = SCHEMA;
  const shownValue = (config: Config, key: string) =>
    JSON.stringify((config as unknown as Readonly<Record<string, unknown>>)[key]);
  const changed = [...Object.keys(schema), ...Object.keys(TABLES)].filter(
    (key) => shownValue(before, key) !== shownValue(after, key),
  );
  const needsRestart = (key: string) => schema[key]?.needsRestart === true;
  return {
    ready: changed.filter((key) => !needsRestart(key)),
    waiting: changed.filter(needsRestart),
  };
}
