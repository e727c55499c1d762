// Filters by name and by declared type, of all mail and of single groups.
import { coversWildcard } from "../../../text/wildcard.ts";
import type { Entry } from "../entry.ts";
import { wordsOf } from "./ini.ts";
import { entriesOf, type Work } from "./work.ts";

/** Names of the parameters of filters. */
export const FILTER_NAMES = ["IncludeByName", "ExcludeByName", "IncludeByMime", "ExcludeByMime"];

const KINDS = [
  { what: "Name", key: "names", title: "by name" },
  { what: "Mime", key: "declared_types", title: "by declared type" },
] as const;

type Kind = (typeof KINDS)[number];

function listOf(entries: readonly Entry[]): readonly (readonly [string, Entry])[] {
  return entries.flatMap((entry) => wordsOf(entry.value).map((word) => [word, entry] as const));
}

/** A section with the group that it is about. */
interface Place {
  readonly section: string;
  readonly group: string;
}

// `groups` are those the filter is for; none stands for all.
function convertOne(work: Work, kind: Kind, place: Place, groups: readonly string[]): void {
  const { what, key, title } = kind;
  const { draft, report } = work;
  const { section, group } = place;
  const [included, excluded] = [`IncludeBy${what}`, `ExcludeBy${what}`].map((name) => {
    const own = entriesOf(work, section, name);
    // What a group leaves out it has from the policy.
    return own.length > 0 ? own : entriesOf(work, "smtpgw.policy", name);
  }) as [readonly Entry[], readonly Entry[]];
  const masks = listOf(included);
  const excepted = listOf(excluded);
  if (masks.length === 0) {
    for (const entry of [...included, ...excluded]) {
      const isEmpty = wordsOf(entry.value).length === 0;
      const note = isEmpty ? "empty" : `has no effect without IncludeBy${what}`;
      report.note(entry, isEmpty ? "taken" : "needless", [], note);
    }
    return;
  }
  const first = masks[0]?.[1] as Entry;
  const settings = draft.row("filter", first);
  settings.set("name", groups.length === 1 ? `${title} for ${group}` : title, first);
  if (groups.length > 0) for (const each of groups) settings.add("groups", each, first);
  for (const [mask, entry] of masks) {
    const cover = excepted.find(([except]) =>
      coversWildcard(except.toLowerCase(), mask.toLowerCase()),
    );
    if (cover === undefined) {
      settings.add(key, mask, entry);
      report.note(entry, "taken", [`filter.${key}`]);
    } else report.note(entry, "changed", [], `left out: ExcludeBy${what} has "${cover[0]}"`);
  }
  for (const [mask, entry] of excepted) {
    settings.add(`${key}_except`, mask, entry);
    report.note(entry, "taken", [`filter.${key}_except`]);
  }
  for (const entry of [...included, ...excluded]) {
    if (!report.has(entry)) report.note(entry, "taken", [], "empty");
  }
  // All that it named was excepted.
  if (!settings.has(key))
    draft.rows.splice(
      draft.rows.findIndex((row) => row.settings === settings),
      1,
    );
}

/** Converts the filters of [smtpgw.policy] and of the groups; `names` has each section's group. */
export function convertFilters(work: Work, names: ReadonlyMap<string, string>): void {
  const alive = new Set(work.draft.rowsOf("group").map(({ settings }) => settings.get("name")));
  for (const kind of KINDS) {
    const isOwn = (section: string) =>
      FILTER_NAMES.some(
        (name) => name.endsWith(kind.what) && entriesOf(work, section, name).length > 0,
      );
    const groups = [...names].filter(([section]) => section !== "smtpgw.policy");
    const inheriting = groups.filter(([section]) => !isOwn(section)).map(([, group]) => group);
    const all = inheriting.length === groups.length;
    const shared = all ? [] : ["default", ...inheriting.filter((group) => alive.has(group))];
    convertOne(work, kind, { section: "smtpgw.policy", group: "default" }, shared);
    for (const [section, group] of groups) {
      // A group whose masks never matched has gone, and its filters with it.
      if (!isOwn(section)) continue;
      if (alive.has(group)) convertOne(work, kind, { section, group }, [group]);
      else noteGone(work, section);
    }
  }
}

function noteGone({ entries, report }: Work, section: string): void {
  for (const entry of entries) {
    if (entry.section !== section || !FILTER_NAMES.includes(entry.name)) continue;
    report.note(entry, "needless", [], "its group never matched");
  }
}
