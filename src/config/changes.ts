// What differs between two configurations, and which of it can be taken while gw runs.

import type { Schema } from "./field.ts";
import { type Config, SCHEMA } from "./schema.ts";
import { TABLES, type Table, type Tables } from "./tables.ts";

/** Keys of settings, and names of tables, whose values differ. */
export interface Changes {
  /** Can be taken at once. */
  readonly ready: readonly string[];
  /** Need a restart. */
  readonly waiting: readonly string[];
  /**
   * The new configuration, but for what waits: that stays as it is until then, or a second reload would
   * not tell of it.
   */
  readonly taken: Config;
}

/** The changes from one configuration to another. */
export function changesBetween(before: Config, after: Config): Changes {
  const schema: Schema = SCHEMA;
  const shownValue = (config: Config, key: string) =>
    JSON.stringify((config as unknown as Readonly<Record<string, unknown>>)[key]);
  const changed = [...Object.keys(schema), ...Object.keys(TABLES)].filter(
    (key) => shownValue(before, key) !== shownValue(after, key),
  );
  const tables: Tables = TABLES;
  const needsRestart = (key: string) => (schema[key] ?? tables[key])?.needsRestart === true;
  const waiting = changed.filter(needsRestart);
  const kept = Object.fromEntries(waiting.map((key) => [key, before[key as keyof Config]]));
  const ready = changed.filter((key) => !needsRestart(key));
  return { ready, waiting, taken: { ...after, ...kept } };
}

/** One setting that differs; values as they would stand in a file, "" where there is none. */
export interface Difference {
  /** `scan.workers`, `group "sales" infected`, or `group "sales"` for a whole table. */
  readonly key: string;
  readonly before: string;
  readonly after: string;
  readonly needsRestart: boolean;
}

type RowValues = Readonly<Record<string, unknown>>;

const CHANGED_SECRET = '"(set, another one)"';

function settingsBetween(before: RowValues, after: RowValues, fields: Schema): Difference[] {
  return Object.entries(fields).flatMap(([key, field]) => {
    const [old, now] = [before[key], after[key]];
    if (JSON.stringify(old) === JSON.stringify(now)) return [];
    const text = (value: unknown) => (value === undefined ? "" : field.type.write(value));
    const isHidden = text(old) === text(now);
    const difference = { before: text(old), after: isHidden ? CHANGED_SECRET : text(now) };
    return [{ key, ...difference, needsRestart: field.needsRestart === true }];
  });
}

// Tables of one kind are told apart by their names, or by whom or where they are for; a change of
// their order alone counts as well.
function labelOf(row: RowValues): string {
  const { name, to, listen, certificate } = row;
  const lists = [to, listen].find(Array.isArray);
  return [name, lists?.join(" "), certificate].find((each) => typeof each === "string") ?? "";
}

function tablesBetween(kind: string, before: readonly RowValues[], after: readonly RowValues[]) {
  const { fields, optional, ...table }: Table = TABLES[kind as keyof typeof TABLES];
  const named = (rows: readonly RowValues[]) => new Map(rows.map((row) => [labelOf(row), row]));
  const [old, now] = [named(before), named(after)];
  const whole = { needsRestart: table.needsRestart === true };
  const found: Difference[] = [];
  for (const [name, row] of new Map([...old, ...now])) {
    const key = `${kind} "${name}"`;
    const was = old.get(name);
    const is = now.get(name);
    if (was === undefined) found.push({ key, before: "", after: "added", ...whole });
    else if (is === undefined) found.push({ key, before: "removed", after: "", ...whole });
    else {
      const inside = settingsBetween(was, row, { ...fields, ...optional });
      found.push(...inside.map((each) => ({ ...each, ...whole, key: `${key} ${each.key}` })));
    }
  }
  const order = (rows: readonly RowValues[]) => rows.map(labelOf).join(", ");
  if (found.length === 0 && order(before) !== order(after)) {
    found.push({ key: `order of ${kind}s`, before: order(before), after: order(after), ...whole });
  }
  return found;
}

/** What differs between two configurations, setting by setting. */
export function differencesBetween(before: Config, after: Config): readonly Difference[] {
  const [old, now] = [before as unknown as RowValues, after as unknown as RowValues];
  const rows = (config: RowValues, kind: string) => config[kind] as readonly RowValues[];
  return [
    ...settingsBetween(old, now, SCHEMA),
    ...Object.keys(TABLES).flatMap((kind) => tablesBetween(kind, rows(old, kind), rows(now, kind))),
  ];
}
