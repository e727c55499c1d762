// Rules about groups and filters: what can never take effect is refused, because whoever wrote it
// believes that it does.
import { nearest } from "../text/nearest.ts";
import { coversWildcard } from "../text/wildcard.ts";
import type { Conflict } from "./conflict.ts";
import { RULE_FIELDS, RULED_STATUSES } from "./fields/policy.ts";
import type { Config } from "./schema.ts";
import type { FilterSettings, GroupSettings } from "./tables.ts";

/** Name of the group that [policy] is. */
export const DEFAULT_GROUP = "default";

type Side = "from" | "to";

/** What is looked at of a group to tell whether its masks can match. */
export type MaskedGroup = Pick<GroupSettings, "name" | Side>;

// Files are read anew while gw runs: what they will hold is not known here.
function covers(outer: string, inner: string): boolean {
  if (outer.startsWith("file:") || inner.startsWith("file:")) return outer === inner;
  if (inner === "<>") return outer === "<>" || outer === "*";
  return outer !== "<>" && coversWildcard(outer.toLowerCase(), inner.toLowerCase());
}

function findCover(masks: readonly string[], inner: string): string | undefined {
  return masks.find((outer) => covers(outer, inner));
}

/** A mask of a group that can't take effect. */
export interface IdleMask {
  readonly group: number;
  readonly side: Side;
  readonly position: number;
  readonly message: string;
}

/** Masks that never match, or that say again what one before them in their list says. */
export function* idleMasks(groups: readonly MaskedGroup[]): Generator<IdleMask> {
  for (const [index, group] of groups.entries()) {
    for (const [side, other] of [
      ["from", "to"],
      ["to", "from"],
    ] as const satisfies readonly (readonly [Side, Side])[]) {
      for (const [position, mask] of group[side].entries()) {
        const cover = coverOf(groups.slice(0, index), { side, other, group, mask });
        if (cover === undefined) continue;
        const message =
          `"${mask}" never matches: group "${cover.group}" above has "${cover.mask}"; ` +
          `move group "${group.name}" up`;
        yield { group: index, side, position, message };
      }
      for (const [position, mask] of group[side].entries()) {
        const cover = findCover(group[side].slice(0, position), mask);
        if (cover === undefined) continue;
        const message = `"${mask}" is needless: "${cover}" before it matches the same`;
        yield { group: index, side, position, message };
      }
    }
  }
}

function* coveredMasks(groups: readonly GroupSettings[]): Generator<Conflict> {
  for (const { group, side, position, message } of idleMasks(groups)) {
    yield { keys: [`group[${group}].${side}[${position}]`, `group[${group}]`], message };
  }
}

// The group in front whose masks take all that `mask` could match, and the mask that does.
function coverOf(
  groups: readonly MaskedGroup[],
  { side, other, group, mask }: { side: Side; other: Side; group: MaskedGroup; mask: string },
): { readonly group: string; readonly mask: string } | undefined {
  for (const earlier of groups) {
    const cover = findCover(earlier[side], mask);
    const isWhole = group[other].every((each) => findCover(earlier[other], each) !== undefined);
    if (cover !== undefined && isWhole) return { group: earlier.name, mask: cover };
  }
  return undefined;
}

function* sameNames(kind: "group" | "filter", rows: readonly { name: string }[]) {
  const seen = new Set<string>(kind === "group" ? [DEFAULT_GROUP] : []);
  for (const [index, { name }] of rows.entries()) {
    if (seen.has(name)) {
      const message =
        kind === "group" && name === DEFAULT_GROUP
          ? `"${DEFAULT_GROUP}" is the name of [policy]: give the group another one`
          : `there are two of [[${kind}]] with the name "${name}"`;
      yield { keys: [`${kind}[${index}].name`], message };
    }
    seen.add(name);
  }
}

// What a group without a scan can still have.
const WITHOUT_CHECK = ["check", "archive"];

function* needlessRules(groups: readonly GroupSettings[]): Generator<Conflict> {
  for (const [index, group] of groups.entries()) {
    if (group.from.length === 0 || group.to.length === 0) {
      const side = group.from.length === 0 ? "from" : "to";
      const keys = [`group[${index}].${side}`];
      yield { keys, message: `group "${group.name}" never matches: its ${side} is empty` };
    }
    if (group.check !== false) continue;
    for (const name of Object.keys(RULE_FIELDS)) {
      if (!Object.hasOwn(group, name) || WITHOUT_CHECK.includes(name)) continue;
      const keys = [`group[${index}].${name}`];
      yield { keys, message: `${name} has no effect: check = false passes everything on` };
    }
  }
}

// An object is only changed in a message that is delivered.
function* idleObjectRules(config: Config): Generator<Conflict> {
  const shared = Object.fromEntries(
    Object.keys(RULE_FIELDS).map((name) => [name, config[`policy.${name}` as keyof Config]]),
  );
  const groups = config.group.map((group, index) => ({ own: group, key: `group[${index}].` }));
  for (const { own, key } of [{ own: shared, key: "policy." }, ...groups]) {
    const rules: Readonly<Record<string, unknown>> = { ...shared, ...own };
    for (const status of RULED_STATUSES) {
      const name = `${status}_object`;
      if (!Object.hasOwn(own, name) || rules[name] === "pass" || rules[name] === undefined)
        continue;
      if (rules[status] === "deliver") continue;
      yield {
        keys: [`${key}${name}`],
        message: `${name} has no effect while ${status} is "${rules[status]}": set ${status} = "deliver"`,
      };
    }
  }
  for (const [index, { action, object = "pass" }] of config.filter.entries()) {
    if (object === "pass" || action === undefined || action === "deliver") continue;
    const message = `object has no effect while action is "${action}": leave action out`;
    yield { keys: [`filter[${index}].object`], message };
  }
}

const CRITERIA = ["names", "declared_types", "types"] as const;

function* filterConflicts(config: Config): Generator<Conflict> {
  const groups = [DEFAULT_GROUP, ...config.group.map(({ name }) => name)];
  for (const [index, filter] of config.filter.entries()) {
    const key = `filter[${index}]`;
    for (const [position, name] of filter.groups.entries()) {
      if (groups.includes(name)) continue;
      const near = nearest(name, groups);
      const hint = near === undefined ? "" : `; did you mean "${near}"?`;
      yield { keys: [`${key}.groups[${position}]`], message: `no group is named "${name}"${hint}` };
    }
    if (!saysSomething(filter)) {
      const message = `filter "${filter.name}" is about nothing: set names, types or the like`;
      yield { keys: [`${key}.name`], message };
    }
    for (const side of ["names", "declared_types", "types"] as const) {
      for (const [position, mask] of filter[side].entries()) {
        const cover = findCover(filter[`${side}_except`], mask);
        if (cover === undefined) continue;
        const keys = [`${key}.${side}[${position}]`];
        yield { keys, message: `"${mask}" never matches: ${side}_except has "${cover}"` };
      }
    }
  }
}

function saysSomething(filter: FilterSettings): boolean {
  const isListed = CRITERIA.some((name) => filter[name].length > 0);
  return isListed || filter.larger_than > 0 || filter.more_than > 0;
}

/** What is wrong with groups, filters and rules; empty if nothing is. */
export function findRuleConflicts(config: Config): readonly Conflict[] {
  return [
    ...sameNames("group", config.group),
    ...sameNames("filter", config.filter),
    ...needlessRules(config.group),
    ...idleObjectRules(config),
    ...coveredMasks(config.group),
    ...filterConflicts(config),
  ];
}
