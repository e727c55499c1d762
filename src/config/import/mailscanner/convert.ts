// From MailScanner's files: rules about names and types (filename.rules.conf, filetype.rules.conf) become
// filters, lists of addresses (spam.whitelist.rules and the like) a group that filters don't hold up.
// What is filtered is scanned all the same, and nobody is exempted from the scan.
import { coversWildcard } from "../../../text/wildcard.ts";
import { Draft } from "../draft.ts";
import { type Entry, Report } from "../entry.ts";
import { masksOf } from "./masks.ts";

const LINES_MAX = 20_000;

const FILE_RULE = /^(allow|deny\+delete|deny|rename(?:\s+to\s+\S+)?|\S+@\S+)[ \t]+(\S+)[ \t]+/i;
const ADDRESS_RULE = /^(From|To|FromOrTo|FromAndTo|Virus)\s*:\s*(\S+)\s+(.*)$/i;

function entriesOf(text: string): Entry[] {
  let offset = 0;
  return text.split("\n", LINES_MAX).flatMap((raw, index) => {
    const start = offset;
    offset += raw.length + 1;
    const value = raw.trim();
    if (value === "" || value.startsWith("#")) return [];
    const name = value.split(/\s+/, 1)[0] ?? "";
    return [{ section: "", name, value, line: index + 1, offset: start, valueOffset: start }];
  });
}

/** True of rules about names or types of files. */
function isFileRules(entries: readonly Entry[]): boolean {
  return (
    entries.some(({ value }) => FILE_RULE.test(value)) &&
    !entries.some(({ value }) => ADDRESS_RULE.test(value))
  );
}

interface FilterMade {
  readonly object: "placeholder" | "remove" | "rename";
  readonly masks: Map<string, Entry>;
  readonly excepted: ReadonlyMap<string, Entry>;
}

const OBJECTS = { deny: "placeholder", "deny+delete": "remove", rename: "rename" } as const;

function convertFileRules(entries: readonly Entry[], draft: Draft, report: Report): void {
  const allowed = new Map<string, Entry>();
  const filters: FilterMade[] = [];
  for (const entry of entries) {
    const [, word = "", expression = ""] = FILE_RULE.exec(`${entry.value} `) ?? [];
    const verb = word.toLowerCase().split(/\s+/, 1)[0] ?? "";
    const masks = masksOf(expression);
    if (word === "")
      report.note(entry, "unknown", [], "expected allow, deny or rename, and an expression");
    else if (verb !== "allow" && !Object.hasOwn(OBJECTS, verb)) {
      report.note(entry, "changed", [], "not taken: gw sends filtered objects to nobody");
    } else if (masks === undefined) {
      report.note(
        entry,
        "changed",
        [],
        "not taken: masks with * and ? can't say it; see [[filter]] types",
      );
    } else if (verb === "allow") {
      for (const mask of masks) allowed.set(mask, entry);
      report.note(entry, "taken", ["filter.names_except"], "holds against the rules below it");
    } else {
      const object = OBJECTS[verb as keyof typeof OBJECTS];
      const last = filters.at(-1);
      const isSame = last?.object === object && last.excepted.size === allowed.size;
      const filter =
        isSame && last !== undefined
          ? last
          : { object, masks: new Map(), excepted: new Map(allowed) };
      if (!isSame) filters.push(filter);
      for (const mask of masks) filter.masks.set(mask, entry);
      const note = verb === "rename" ? "gets an extension that nothing starts" : "";
      report.note(entry, note === "" ? "taken" : "changed", ["filter.names"], note);
    }
  }
  for (const [index, filter] of filters.entries()) addFilter(filter, index, { draft, report });
}

function addFilter(
  { object, masks, excepted }: FilterMade,
  index: number,
  { draft, report }: { readonly draft: Draft; readonly report: Report },
): void {
  const covered = (mask: string) =>
    [...excepted.keys()].some((except) => coversWildcard(except.toLowerCase(), mask.toLowerCase()));
  const [kept, idle] = [
    [...masks].filter(([mask]) => !covered(mask)),
    [...masks].filter(([mask]) => covered(mask)),
  ];
  for (const [mask, entry] of idle) {
    report.note(entry, "changed", [], `${mask} left out: a rule above allows it`);
  }
  const [first] = kept;
  if (first === undefined) return;
  const settings = draft.row("filter", first[1]);
  settings.set("name", `mailscanner ${index + 1}`, first[1]);
  for (const [mask, entry] of kept) settings.add("names", mask, entry);
  for (const [mask, entry] of excepted) settings.add("names_except", mask, entry);
  settings.set("object", object, first[1]);
}

function addressOf(pattern: string): string | undefined {
  if (/^[\d.*/:a-f-]+$/i.test(pattern) && /\d/.test(pattern)) return undefined;
  if (pattern.startsWith("/") || pattern.includes(":")) return undefined;
  if (pattern === "*" || pattern === "default") return "*";
  const mask = pattern.includes("@") ? pattern : `*@${pattern.replace(/^\*@?/, "")}`;
  return /^[^\s@<>]+@[^\s@<>]+$/.test(mask) ? mask.replace(/@\.(?=[^.])/, "@*.") : undefined;
}

const SIDES = { from: ["from"], to: ["to"], fromorto: ["from", "to"] } as const;

function convertAddressRules(entries: readonly Entry[], draft: Draft, report: Report): void {
  const lists = { from: new Map<string, Entry>(), to: new Map<string, Entry>() };
  for (const entry of entries) {
    const [, direction = "", pattern = "", value = ""] = ADDRESS_RULE.exec(entry.value) ?? [];
    const mask = addressOf(pattern);
    const key = direction.toLowerCase();
    const sides = Object.hasOwn(SIDES, key) ? SIDES[key as keyof typeof SIDES] : undefined;
    const isYes = /^yes$/i.test(value.trim());
    if (direction === "")
      report.note(entry, "unknown", [], "expected From:, To: or FromOrTo: and a pattern");
    else if (/^no$/i.test(value.trim()) && mask === "*")
      report.note(entry, "taken", [], "as gw has it");
    else if (sides === undefined || mask === undefined) {
      report.note(
        entry,
        "changed",
        [],
        "not taken: gw's groups go by envelope addresses and masks of them",
      );
    } else if (!isYes || mask === "*") {
      report.note(entry, "changed", [], "not taken: only yes for some addresses can be said here");
    } else {
      for (const side of sides) lists[side].set(mask, entry);
      report.note(
        entry,
        "changed",
        sides.map((side) => `group.${side}`),
        "filters let it pass; it is scanned",
      );
    }
  }
  for (const [side, name] of [
    ["from", "listed senders"],
    ["to", "listed recipients"],
  ] as const) {
    const [first] = lists[side].values();
    if (first === undefined) continue;
    const settings = draft.row("group", first);
    settings.set("name", name, first);
    for (const [mask, entry] of lists[side]) {
      const others = [...lists[side].keys()].filter((other) => other !== mask);
      const cover = others.find((other) => coversWildcard(other.toLowerCase(), mask.toLowerCase()));
      if (cover === undefined) settings.add(side, mask, entry);
      else report.note(entry, "changed", [], `left out: ${cover} matches the same`);
    }
    settings.set("filtered", "deliver", first);
  }
}

/** Converts one file of MailScanner's; what it is about is told by its rules. */
export function convertMailscanner(text: string): { draft: Draft; report: Report } {
  const entries = entriesOf(text);
  const draft = new Draft();
  const report = new Report();
  if (isFileRules(entries)) convertFileRules(entries, draft, report);
  else convertAddressRules(entries, draft, report);
  return { draft, report };
}
