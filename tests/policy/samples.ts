// Verdicts, groups and configurations for tests of policy.
import { silentLog } from "../../src/base/log.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { FilterSettings, GroupSettings, RuleSettings } from "../../src/config/tables.ts";
import type { ScannedObject, Status, Verdict } from "../../src/message.ts";
import { STATUSES, worseStatus } from "../../src/message.ts";
import type { Group } from "../../src/policy/groups.ts";
import { defaultGroup } from "../../src/policy/groups.ts";

/** An object; `signature` is what matched in it. */
export function object(
  status: Status,
  { signature, ...more }: Partial<ScannedObject> & { signature?: string } = {},
): ScannedObject {
  const findings = signature ? [{ signature, severity: "infected" as const, offset: 0 }] : [];
  return {
    ...{ id: 0, parent: null, path: "message", name: "message", declaredType: "" },
    ...{ type: "mail", size: 1, scanned: 1, status, findings, notes: [] },
    ...more,
  };
}

/** A verdict whose first object is the message and the others lie in it, unless they say more. */
export function verdict(...objects: ScannedObject[]): Verdict {
  let status: Status = "clean";
  const placed = objects.map((one, id) => {
    status = worseStatus(status, one.status);
    return { ...one, id, parent: id === 0 ? null : (one.parent ?? 0) };
  });
  return { status, objects: placed, elapsedMs: 1, signatureSet: "test" };
}

/** A group with the shipped rules and those given. */
export function group(rules: Partial<RuleSettings> = {}, name = "default"): Group {
  return { name, rules: { ...defaultGroup(loadConfig(undefined)).rules, ...rules } };
}

/** A filter as a configuration has it. */
export function filter(settings: Partial<FilterSettings>): FilterSettings {
  return {
    ...{ name: "test", groups: [], names: [], names_except: [], types: [], types_except: [] },
    ...{ declared_types: [], declared_types_except: [], larger_than: 0, more_than: 0 },
    ...settings,
  };
}

/** A configuration with groups and filters. */
export function config(
  groups: readonly (Partial<GroupSettings> & { name: string })[],
  filters: readonly Partial<FilterSettings>[] = [],
): Config {
  const whole = groups.map((each) => ({ from: ["*"], to: ["*"], ...each }));
  return loadConfig(undefined, { group: whole, filter: filters.map(filter) });
}

/** A clock that stands still until it is moved, and no log. */
export function maskParts() {
  const clock = { at: 0, now: () => clock.at, steady: () => clock.at };
  return { clock, log: silentLog };
}

/** All statuses from one on, best first. */
export function statusesFrom(status: Status): readonly Status[] {
  return STATUSES.slice(STATUSES.indexOf(status));
}
