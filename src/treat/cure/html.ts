// HTML pages: scripts, event handlers, frames, plug-ins and forms that send elsewhere are taken out;
// text, pictures and ordinary links stay. Tags are read as browsers do: quotes, odd spaces, entities.

import { asBuffer } from "../../base/bytes.ts";

const SIZE_MAX = 16 << 20;
const TAGS_MAX = 500_000;
const ATTRIBUTES_MAX = 1000;

// With all that is in them, up to the closing tag.
const WITH_CONTENT = new Set([
  "script",
  "object",
  "applet",
  "iframe",
  "frameset",
  "noembed",
  "xml",
]);
const ALONE = new Set(["embed", "frame", "base", "portal", "param", "bgsound"]);
const ADDRESSES = new Set([
  "href",
  "src",
  "action",
  "formaction",
  "xlink:href",
  "background",
  "data",
  "poster",
  "lowsrc",
  "dynsrc",
  "to",
  "from",
  "values",
]);
const TAG = /<(\/?)([a-z][^\s/>]*)/giy;
const ATTRIBUTE = /[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'][^\s>]*)))?/y;

/** The page without what is active; undefined if nothing is, or it can't be read as text. */
export function cleanHtml(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length > SIZE_MAX || bytes.includes(0)) return undefined;
  const page = asBuffer(bytes).toString("latin1");
  const cleaned = new Page(page).clean();
  if (cleaned === undefined || cleaned === page) return undefined;
  return Buffer.from(cleaned, "latin1");
}

class Page {
  readonly #page: string;
  readonly #out: string[] = [];
  #at = 0;

  constructor(page: string) {
    this.#page = page;
  }

  clean(): string | undefined {
    for (let count = 0; count < TAGS_MAX; count++) {
      const next = this.#page.indexOf("<", this.#at);
      this.#out.push(this.#page.slice(this.#at, next < 0 ? undefined : next));
      if (next < 0) return this.#out.join("");
      this.#at = next;
      if (this.#page.startsWith("<!--", next)) this.#comment();
      else this.#tag();
    }
    return undefined;
  }

  // Comments with conditions are pages of their own for some readers, and nobody misses the others.
  #comment(): void {
    const end = this.#page.indexOf("-->", this.#at + 4);
    const quick = /^<!--(?:-?>)/.exec(this.#page.slice(this.#at, this.#at + 6));
    if (quick !== null) this.#at += quick[0].length;
    else this.#at = end < 0 ? this.#page.length : end + 3;
  }

  #tag(): void {
    TAG.lastIndex = this.#at;
    const found = TAG.exec(this.#page);
    if (found === null) {
      this.#out.push("<");
      this.#at++;
      return;
    }
    const [head, slash = "", written = ""] = found;
    const name = written.toLowerCase().replace(/^[a-z0-9]*:(?=script|iframe|object)/, "");
    this.#at += head.length;
    const { text, isRefresh } = this.#attributes();
    if (slash === "" && WITH_CONTENT.has(name)) {
      this.#skipTo(written);
      return;
    }
    if (WITH_CONTENT.has(name) || ALONE.has(name) || isRefresh) return;
    this.#out.push(`${head}${text}`);
  }

  // The rest of the tag: its attributes, as they stand, without those that are active.
  #attributes(): { readonly text: string; readonly isRefresh: boolean } {
    let text = "";
    let isRefresh = false;
    for (let count = 0; count < ATTRIBUTES_MAX && this.#at < this.#page.length; count++) {
      ATTRIBUTE.lastIndex = this.#at;
      const found = ATTRIBUTE.exec(this.#page);
      if (found === null) break;
      this.#at += found[0].length;
      const [whole, name = "", quoted, single, bare] = found;
      const value = quoted ?? single ?? bare ?? "";
      if (/^http-equiv$/i.test(name) && /refresh/i.test(decoded(value))) isRefresh = true;
      if (!isActive(name.toLowerCase(), value)) text += whole;
    }
    const end = this.#page.indexOf(">", this.#at);
    const rest = this.#page.slice(this.#at, end < 0 ? this.#page.length : end + 1);
    this.#at += rest.length;
    // What stands between is no attribute that a browser would see.
    return { text: text + (/\/\s*>$/.test(rest) ? " />" : ">"), isRefresh };
  }

  #skipTo(name: string): void {
    const close = new RegExp(`</${name.replace(/[^a-z0-9:]/gi, ".")}[^>]*>`, "gi");
    close.lastIndex = this.#at;
    const found = close.exec(this.#page);
    this.#at = found === null ? this.#page.length : found.index + found[0].length;
  }
}

function isActive(name: string, value: string): boolean {
  if (/^on/.test(name) || name === "srcdoc" || name === "formaction" || name === "ping")
    return true;
  const address = decoded(value)
    .replace(/[\0-\x20]+/g, "")
    .toLowerCase();
  if (name === "action") return /^(?:[a-z][a-z0-9+.-]*:|\/\/)/.test(address);
  if (name === "style") return /expression|javascript:|behavio[u]?r|-moz-binding/.test(address);
  if (!ADDRESSES.has(name)) return false;
  if (/^(?:java|vb|live)script:|^(?:mhtml|ms-[a-z-]+|search-ms|file|jar):/.test(address))
    return true;
  return (
    address.startsWith("data:") && !/^data:image\/(?:png|gif|jpe?g|webp|bmp)[;,]/.test(address)
  );
}

const NAMED: Readonly<Record<string, string>> = {
  ...{ colon: ":", tab: "\t", newline: "\n", lpar: "(", rpar: ")", sol: "/", period: "." },
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " },
};

function decoded(value: string): string {
  return value.replace(/&(?:#x([0-9a-f]{1,8})|#(\d{1,8})|([a-z]{2,10}));?/gi, (whole, ...found) => {
    const [hex, decimal, name] = found as (string | undefined)[];
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code < 0x110000 ? String.fromCodePoint(code) : "";
  });
}
