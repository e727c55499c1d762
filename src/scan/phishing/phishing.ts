// Links in mail that show one address and lead to another, and links to addresses that are listed,
// by ClamAV's lists (.pdb, .wdb, .gdb). Without such lists no link is looked at.
import { createHash } from "node:crypto";
import type { LinkRule, ListedAs, SetLists } from "../../gwdb/lists/lists.ts";
import { HTML_TYPES, TEXT_TYPES } from "../../gwdb/view-types.ts";
import type { Finding } from "../../message.ts";
import { compileRegex } from "../../regex/regex.ts";
import type { Regex } from "../../regex/types.ts";
import {
  type Address,
  domainOf,
  isBelow,
  listedForms,
  readAddress,
  shownAddresses,
  textOf,
} from "./address.ts";
import { type Link, linksOfPage, linksOfText } from "./links.ts";

/** Steps of about 10 ns that all expressions together may take on one object. */
const STEPS_MAX = 1 << 26;

// The names that ClamAV reports by.
const NAMES: Readonly<Record<Exclude<ListedAs, "allowed">, string>> = {
  malware: "Heuristics.Safebrowsing.Suspected-malware_safebrowsing.clamav.net",
  phishing: "Heuristics.Safebrowsing.Suspected-phishing_safebrowsing.clamav.net",
  blocked: "Heuristics.Phishing.URL.Blocked",
};
const MAIL = "Heuristics.Phishing.Email.";

const PAGES: ReadonlySet<string> = new Set(HTML_TYPES);
const TEXTS: ReadonlySet<string> = new Set(TEXT_TYPES);

/** An object whose links may be looked at. */
export interface LinkedObject {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly containerType: string;
}

/** A rule that can be asked. */
type Rule = (real: Address, display: Address, spend: (steps: number) => boolean) => boolean;

function ruleOf(rule: LinkRule): Rule {
  if (rule.kind === "hosts") {
    return (real, display) =>
      isBelow(display.host, rule.display) && (rule.real === "" || isBelow(real.host, rule.real));
  }
  let regex: Regex | undefined;
  const source = Buffer.from(`^(${rule.expression})$`, "latin1");
  return (real, display, spend) => {
    regex ??= compileRegex(source, { dialect: "posix", flags: "i" });
    const compiled = regex;
    // Rules are written about addresses with and without their paths.
    return [true, false].some((hasPath) => {
      const leads = textOf(real, hasPath);
      const text = rule.kind === "real" ? leads : `${leads}:${textOf(display, hasPath)}`;
      const whole = text.endsWith("/") ? text : `${text}/`;
      return [whole, text].some((one) => {
        const found = compiled.exec(Buffer.from(one, "latin1"), 0, { spend });
        return found !== null && found !== "unfinished";
      });
    });
  };
}

const suspicious = (signature: string, description: string): Finding => ({
  ...{ signature, severity: "suspicious", offset: -1, description },
});

/** The lists of one signature set, ready to be asked. */
export class PhishingLists {
  readonly #posed: readonly Rule[];
  readonly #allowed: readonly Rule[];
  readonly #addresses: ReadonlyMap<string, ListedAs>;

  constructor({ posed, allowed, addresses }: SetLists) {
    this.#posed = posed.map(ruleOf);
    this.#allowed = allowed.map(ruleOf);
    this.#addresses = new Map(Object.entries(addresses));
  }

  /** What the links of an object are, if it is text in a mail. */
  check({ bytes, type, containerType }: LinkedObject): Finding[] {
    if (containerType !== "mail") return [];
    const isPage = PAGES.has(type);
    // Plain text shows where its links lead.
    if (isPage ? this.#isEmpty : !TEXTS.has(type) || this.#addresses.size === 0) return [];
    const links = isPage ? linksOfPage(bytes) : linksOfText(bytes);
    const found = new Map<string, Finding>();
    let left = STEPS_MAX;
    const spend = (steps: number) => {
      left -= steps;
      return left >= 0;
    };
    for (const link of links) {
      for (const finding of this.#checkLink(link, spend)) found.set(finding.signature, finding);
    }
    return [...found.values()];
  }

  get #isEmpty(): boolean {
    return this.#posed.length === 0 && this.#addresses.size === 0;
  }

  *#checkLink(link: Link, spend: (steps: number) => boolean): Generator<Finding> {
    const real = readAddress(link.real);
    if (real === undefined) return;
    const listed = this.#listed(real);
    if (listed === "allowed") return;
    if (listed !== undefined) yield suspicious(NAMES[listed], `A link leads to ${real.host}.`);
    if (this.#posed.length === 0) return;
    for (const display of shownAddresses(link.display)) {
      const word = this.#pose(real, display, spend);
      if (word === "") continue;
      const [shown, leads] = [textOf(display, false), textOf(real, false)];
      const text = `A link shows ${shown} and leads to ${leads}.`;
      yield suspicious(MAIL + word, text);
    }
  }

  #listed(real: Address): ListedAs | undefined {
    if (this.#addresses.size === 0) return undefined;
    let found: ListedAs | undefined;
    for (const form of listedForms(real)) {
      const digest = createHash("sha256").update(form, "latin1").digest("hex");
      const listed = this.#addresses.get(digest);
      if (listed === "allowed") return listed;
      found ??= listed;
    }
    return found;
  }

  /** What is wrong with a link that shows that address; "" if nothing is. */
  #pose(real: Address, display: Address, spend: (steps: number) => boolean): string {
    const holds = (rule: Rule) => rule(real, display, spend);
    if (!this.#posed.some(holds) || this.#allowed.some(holds)) return "";
    if (display.scheme === "https" && real.scheme !== "https") return "SSL-Spoof";
    if (real.hasNull) return "Cloaked.Null";
    if (real.host === display.host) return "";
    return domainOf(real.host) === domainOf(display.host) ? "" : "SpoofedDomain";
  }
}
