// The links of a page: where each leads and what it shows. Read leniently, in one pass; whatever is
// not HTML is passed over.

/** A link; `display` is what a reader sees, "" for nothing. */
export interface Link {
  readonly real: string;
  readonly display: string;
}

/** Links of one page. */
const LINKS_MAX = 5000;
/** Bytes of a page that are looked at. */
const PAGE_SIZE_MAX = 4 * 1024 * 1024;
/** Characters of what a link shows. */
const DISPLAY_MAX = 2048;
const ADDRESS_MAX = 4096;
const ATTRIBUTES_MAX = 50;

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  colon: ":",
  sol: "/",
  period: ".",
};

/** A text with its references decoded; those beyond Latin-1 are gone. */
function decoded(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,6}));?/gi,
    (whole: string, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code < 256 ? String.fromCharCode(code) : "";
    },
  );
}

interface Tag {
  readonly name: string;
  readonly isEnd: boolean;
  readonly attributes: ReadonlyMap<string, string>;
  /** Behind its `>`. */
  readonly end: number;
}

const ATTRIBUTE = /[\s/]*([^\s=>/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?/y;
const TAG = /<(\/?)([a-z][a-z0-9]*)/iy;

/** The tag at `at`, where a `<` stands; undefined if it is none. */
function tagAt(page: string, at: number): Tag | undefined {
  TAG.lastIndex = at;
  const [start, slash, name = ""] = TAG.exec(page) ?? [];
  if (start === undefined) return undefined;
  const attributes = new Map<string, string>();
  let next = at + start.length;
  for (let count = 0; count < ATTRIBUTES_MAX; count++) {
    ATTRIBUTE.lastIndex = next;
    const found = ATTRIBUTE.exec(page);
    if (found === null) break;
    const [whole, key = "", double, single, bare] = found;
    next += whole.length;
    const value = (double ?? single ?? bare ?? "").slice(0, ADDRESS_MAX);
    if (!attributes.has(key.toLowerCase())) attributes.set(key.toLowerCase(), decoded(value));
  }
  const close = page.indexOf(">", next);
  const end = close < 0 ? page.length : close + 1;
  return { name: name.toLowerCase(), isEnd: slash !== "", attributes, end };
}

/** What is read of a link until it ends. */
interface Open {
  readonly real: string;
  /** Other addresses that it shows: of pictures in it, and its title. */
  readonly shown: string[];
  text: string;
}

class LinkReader {
  readonly #page: string;
  readonly #links: Link[] = [];
  #open: Open | undefined;

  constructor(page: string) {
    this.#page = page;
  }

  read(): Link[] {
    const page = this.#page;
    for (let at = 0; at < page.length && this.#links.length < LINKS_MAX; ) {
      const lt = page.indexOf("<", at);
      const end = lt < 0 ? page.length : lt;
      if (end > at) this.#text(page.slice(at, Math.min(end, at + DISPLAY_MAX)));
      if (lt < 0) break;
      at = this.#markup(lt);
    }
    this.#close();
    return this.#links;
  }

  #text(text: string): void {
    const open = this.#open;
    if (open !== undefined && open.text.length < DISPLAY_MAX) open.text += text;
  }

  /** Takes what begins with `<`; where to go on. */
  #markup(at: number): number {
    if (this.#page.startsWith("<!--", at)) {
      const end = this.#page.indexOf("-->", at + 4);
      return end < 0 ? this.#page.length : end + 3;
    }
    const tag = tagAt(this.#page, at);
    if (tag === undefined) {
      this.#text("<");
      return at + 1;
    }
    if (tag.name === "a" || tag.name === "area") this.#anchor(tag);
    else if (!tag.isEnd) this.#other(tag);
    return tag.end;
  }

  #anchor({ attributes, isEnd, name }: Tag): void {
    this.#close();
    const real = attributes.get("href");
    if (isEnd || real === undefined) return;
    const title = attributes.get(name === "area" ? "alt" : "title");
    this.#open = { real, shown: title === undefined ? [] : [title], text: "" };
    if (name === "area") this.#close();
  }

  #other({ name, attributes }: Tag): void {
    const source = attributes.get("src");
    if (name === "img" && source !== undefined) this.#open?.shown.push(source);
    if (/^(?:br|p|div|td|tr|li)$/.test(name)) this.#text(" ");
    const address = name === "form" ? attributes.get("action") : undefined;
    const real = address ?? (/^i?frame$/.test(name) ? source : undefined);
    if (real !== undefined) this.#links.push({ real, display: "" });
  }

  #close(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const { real, shown } = open;
    const displays = [decoded(open.text), ...shown].filter((display) => display.trim() !== "");
    if (displays.length === 0) displays.push("");
    for (const display of displays) this.#links.push({ real, display });
  }
}

/** The links of a page, in their order. */
export function linksOfPage(bytes: Uint8Array): Link[] {
  return new LinkReader(Buffer.from(bytes.subarray(0, PAGE_SIZE_MAX)).toString("latin1")).read();
}

/** The addresses in a text, each a link that shows nothing else. */
export function linksOfText(bytes: Uint8Array): Link[] {
  const text = Buffer.from(bytes.subarray(0, PAGE_SIZE_MAX)).toString("latin1");
  const links: Link[] = [];
  for (const [real] of text.matchAll(/\b(?:https?|ftp):\/\/[^\s<>"']{1,2000}/gi)) {
    links.push({ real, display: "" });
    if (links.length >= LINKS_MAX) break;
  }
  return links;
}
