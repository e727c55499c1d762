// What a signature set holds beside signatures: passwords to try, and lists of addresses that links
// in mail are held against. JSON in a section of the image, which only the host reads.
import { ImageError } from "../image.ts";

/**
 * A rule on where a link leads (`real`) and what it shows (`display`). `hosts` are hosts, with all
 * below them; "" for `real` is any. `both` is an expression (POSIX, extended) that all of
 * `real:display` matches, `real` one that all of the address matches; their bytes as latin1.
 */
export type LinkRule =
  | { readonly kind: "hosts"; readonly real: string; readonly display: string }
  | { readonly kind: "both" | "real"; readonly expression: string };

/** What an address is listed as, by the hash of a part of it. */
export type ListedAs = "malware" | "blocked" | "phishing" | "allowed";

/** All lists of a set. */
export interface SetLists {
  readonly passwords: readonly string[];
  /** What mails pose as being of: only links that show one of these are looked at. */
  readonly posed: readonly LinkRule[];
  /** Links that are what they should be, though they show something else than where they lead. */
  readonly allowed: readonly LinkRule[];
  /** SHA-256, hexadecimal, of `host/path` of addresses. */
  readonly addresses: Readonly<Record<string, ListedAs>>;
}

/** Lists without entries. */
export const NO_LISTS: SetLists = { passwords: [], posed: [], allowed: [], addresses: {} };

/** How many entries there are. */
export function countEntries({ passwords, posed, allowed, addresses }: SetLists): number {
  return passwords.length + posed.length + allowed.length + Object.keys(addresses).length;
}

/** The section's bytes; none without entries. */
export function packLists(lists: SetLists): Uint8Array {
  if (countEntries(lists) === 0) return new Uint8Array(0);
  return Buffer.from(JSON.stringify(lists), "utf8");
}

const isText = (value: unknown): value is string => typeof value === "string";

function isRule(value: unknown): value is LinkRule {
  if (typeof value !== "object" || value === null) return false;
  const { kind, real, display, expression } = value as Record<string, unknown>;
  if (kind === "hosts") return isText(real) && isText(display);
  return (kind === "both" || kind === "real") && isText(expression);
}

const LISTED: ReadonlySet<unknown> = new Set(["malware", "blocked", "phishing", "allowed"]);

function areLists(value: unknown): value is SetLists {
  if (typeof value !== "object" || value === null) return false;
  const { passwords, posed, allowed, addresses } = value as Record<string, unknown>;
  if (!Array.isArray(passwords) || !passwords.every(isText)) return false;
  if (!Array.isArray(posed) || !posed.every(isRule)) return false;
  if (!Array.isArray(allowed) || !allowed.every(isRule)) return false;
  if (typeof addresses !== "object" || addresses === null) return false;
  return Object.values(addresses).every((one) => LISTED.has(one));
}

/** Reads what packLists() made; throws ImageError for anything else. */
export function readLists(bytes: Uint8Array): SetLists {
  if (bytes.length === 0) return NO_LISTS;
  let lists: unknown;
  try {
    // A copy: the bytes may lie in memory that threads share.
    lists = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    // What it says instead does not matter: below, it is no lists.
  }
  if (!areLists(lists)) throw new ImageError("the signature set is damaged: its lists are none");
  return lists;
}
