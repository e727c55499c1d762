// Sets one value in the text of a configuration file. Comments, order and layout of everything else
// stay as they are; the result is held against the old text before anybody gets it.
import { isDeepStrictEqual } from "node:util";
import { parse } from "smol-toml";
import { locate, type Place } from "./locate.ts";

type Tree = Record<string, unknown>;

/** Where a setting belongs: `scan` + `workers`, or `group[1]` + `infected`. */
export interface Spot {
  readonly container: string;
  readonly name: string;
}

/** The text with the setting in place, or undefined if there is no room that is surely right. */
export function withSetting(text: string, spot: Spot, raw: unknown, toml: string) {
  const edited = edit(text, spot, toml);
  return edited !== undefined && changesOnly(text, edited, spot, raw) ? edited : undefined;
}

function edit(text: string, { container, name }: Spot, toml: string): string | undefined {
  const places = locate(text);
  const own = places.get(`${container}.${name}`);
  if (own !== undefined) {
    const old = text.slice(own.value, own.end).trimEnd();
    return text.slice(0, own.value) + toml + text.slice(own.value + old.length);
  }
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const line = `${name} = ${toml}`;
  const head = places.get(container);
  const isHeader = head !== undefined && /\[[ \t]*$/.test(text.slice(0, head.key));
  if (head !== undefined && isHeader) {
    const at = placeBelow(text, { container, name }, head, places);
    return `${withEnd(text.slice(0, at), newline)}${line}${newline}${text.slice(at)}`;
  }
  if (head !== undefined || container.includes("[")) return undefined;
  const blank = text.trim() === "" ? "" : newline;
  return `${withEnd(text, newline)}${blank}[${container}]${newline}${line}${newline}`;
}

function withEnd(text: string, newline: string): string {
  return text === "" || text.endsWith("\n") ? text : text + newline;
}

function lineEndAfter(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end + 1;
}

// Below the comment that shows its default, as `gw config sample` writes it; else below the last
// setting of the section; else below the header.
function placeBelow(
  text: string,
  { container, name }: Spot,
  head: Place,
  places: ReadonlyMap<string, Place>,
): number {
  const next = [...places.values()]
    .filter(({ key }) => key > head.key && /(^|\n)[ \t]*\[+[ \t]*$/.test(text.slice(0, key)))
    .reduce((least, { key }) => Math.min(least, key), text.length);
  const body = text.slice(head.key, next);
  const shown = new RegExp(`^[ \\t]*#[ \\t]*${name}[ \\t]*=.*$`, "m").exec(body);
  if (shown !== null) return lineEndAfter(text, head.key + shown.index);
  const ends = [...places]
    .filter(([path]) => path.startsWith(`${container}.`))
    .map(([, { end }]) => end);
  return lineEndAfter(text, Math.max(head.key, ...ends));
}

// `group[1]` of a tree.
function containerIn(tree: Tree, container: string): Tree | undefined {
  const [, table = container, index] = /^(.*)\[(\d+)\]$/.exec(container) ?? [];
  const found = tree[table];
  return (index === undefined ? found : (found as Tree[] | undefined)?.[Number(index)]) as
    | Tree
    | undefined;
}

// True if the new text differs from the old one in that setting and in nothing else.
function changesOnly(before: string, after: string, { container, name }: Spot, raw: unknown) {
  try {
    const old = parse(before) as Tree;
    const edited = parse(after) as Tree;
    const place = containerIn(edited, container);
    if (!isDeepStrictEqual(place?.[name], raw)) return false;
    delete place?.[name];
    delete containerIn(old, container)?.[name];
    if (place !== undefined && Object.keys(place).length === 0 && !(container in old)) {
      delete edited[container];
    }
    return isDeepStrictEqual(old, edited);
  } catch {
    return false; // The text was no TOML before, or is none now: there is no room for it.
  }
}
