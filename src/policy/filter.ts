// Filters: objects that are not wanted, whatever the scan says, at every depth of a message. Names
// are compared in a plain form, so that none of the ways to write `a.exe` for people or for Windows
// gets it past a filter for `*.exe`.
import type { FilterSettings } from "../config/tables.ts";
import type { ScannedObject, Verdict } from "../message.ts";
import { matchesWildcard } from "../text/wildcard.ts";

/** An object that a filter is about. */
export interface FilterHit {
  /** Id of the object. */
  readonly object: number;
  readonly path: string;
  readonly filter: FilterSettings;
}

/** Spellings that one name is compared in, at most. */
const FORMS_MAX = 64;

/**
 * The forms in which a name is compared, in lower case. Unicode's compatibility form makes wide and
 * styled letters plain; direction marks (`cod.exe` shown from the right), what shows nothing and
 * control characters go. An object that goes by several names has all of them (`a | b`). Of a path
 * the last step counts, and of `a.exe:b`, Windows' way to write a stream of a file, both sides: it
 * drops the stream, and others drop the drive.
 */
export function plainNames(name: string): readonly string[] {
  const forms = new Set<string>();
  for (const each of name.split(" | ")) {
    const whole = folded(each);
    const steps = whole.split(/[/\\]/).filter((step) => trimmed(step) !== "");
    const last = steps.at(-1) ?? "";
    for (const form of [whole, last, ...last.split(":")].map(trimmed)) {
      if (form !== "" && forms.size < FORMS_MAX) forms.add(form);
    }
  }
  return [...forms];
}

function folded(name: string): string {
  const plain = name
    .normalize("NFKC")
    .replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "");
  // Letters whose capitals are alike are alike: the long s, the dotless i, the Kelvin sign.
  return plain.toUpperCase().toLowerCase().normalize("NFC");
}

// Windows drops dots and spaces at the end of a name; quotes come from careless senders.
function trimmed(name: string): string {
  return name.replace(/^[\s"'<]+/u, "").replace(/[\s."'>]+$/u, "");
}

function matchesAny(masks: readonly string[], forms: readonly string[]): boolean {
  return masks.some((mask) => forms.some((form) => matchesWildcard(mask, form)));
}

interface Masks {
  readonly only: readonly string[];
  readonly except: readonly string[];
}

function isWithin({ only, except }: Masks, forms: readonly string[]): boolean {
  return (only.length === 0 || matchesAny(only, forms)) && !matchesAny(except, forms);
}

function lowered(masks: readonly string[]): readonly string[] {
  return masks.map(folded);
}

/** One `[[filter]]`, ready to be asked. */
class Filter {
  readonly settings: FilterSettings;
  readonly #names: Masks;
  readonly #declared: Masks;
  readonly #types: Masks;

  constructor(settings: FilterSettings) {
    this.settings = settings;
    const { names, names_except, declared_types, declared_types_except } = settings;
    this.#names = { only: lowered(names), except: lowered(names_except) };
    this.#declared = { only: lowered(declared_types), except: lowered(declared_types_except) };
    this.#types = { only: lowered(settings.types), except: lowered(settings.types_except) };
  }

  isFor(group: string): boolean {
    const { groups } = this.settings;
    return groups.length === 0 || groups.includes(group);
  }

  /** `forms` gives the object's names in their plain forms. */
  matches(object: ScannedObject, forms: () => readonly string[]): boolean {
    if (object.size <= this.settings.larger_than && this.settings.larger_than > 0) return false;
    if (!isWithin(this.#types, [object.type])) return false;
    if (!isWithin(this.#declared, [object.declaredType])) return false;
    const isNamed = this.#names.only.length + this.#names.except.length > 0;
    return !isNamed || isWithin(this.#names, forms());
  }
}

/** All filters of a configuration. */
export class Filters {
  readonly #filters: readonly Filter[];

  constructor(settings: readonly FilterSettings[]) {
    this.#filters = settings.map((each) => new Filter(each));
  }

  /** Which objects of a message are filtered for a group. The message itself never is. */
  hits(verdict: Verdict, group: string): readonly FilterHit[] {
    const filters = this.#filters.filter((filter) => filter.isFor(group));
    if (filters.length === 0) return [];
    const hits: FilterHit[] = [];
    const counts = new Map<Filter, ScannedObject[]>();
    for (const object of verdict.objects) {
      if (object.parent === null) continue;
      let kept: readonly string[] | undefined;
      const forms = () => {
        kept ??= plainNames(object.name);
        return kept;
      };
      for (const filter of filters) {
        if (!filter.matches(object, forms)) continue;
        if (filter.settings.more_than === 0) {
          hits.push(hitOf(object, filter.settings));
        } else {
          const counted = counts.get(filter);
          if (counted === undefined) counts.set(filter, [object]);
          else counted.push(object);
        }
      }
    }
    for (const [{ settings }, objects] of counts) {
      if (objects.length <= settings.more_than) continue;
      for (const object of objects) hits.push(hitOf(object, settings));
    }
    return hits;
  }
}

function hitOf({ id, path }: ScannedObject, filter: FilterSettings): FilterHit {
  return { object: id, path, filter };
}
