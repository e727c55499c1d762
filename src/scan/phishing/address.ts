// Addresses as links have them: what is read as one, and how two are compared.

/** An address as phishing checks see it. */
export interface Address {
  /** Lower case, "" if it is not written. */
  readonly scheme: string;
  /** What stands before an `@`, "" if nothing does. */
  readonly user: string;
  /** Lower case, escapes decoded, without NULs. */
  readonly host: string;
  /** From the `/` on, "" if there is none. */
  readonly path: string;
  /** The host was written with a NUL in it, where some programs stop reading. */
  readonly hasNull: boolean;
}

const HOST_MAX = 255;

const unescaped = (text: string) =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Reads an address that is a web page's (or a file's); undefined if it is of another kind. */
export function readAddress(text: string): Address | undefined {
  // Programs drop such characters wherever they stand, and take \ for /.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const plain = text.replace(/[\x01-\x20\x7f]+/g, "").replaceAll("\\", "/");
  const [, scheme = "", rest = ""] = /^(?:(https?|ftp):)?\/\/+(.*)$/is.exec(plain) ?? [];
  const bare = scheme === "" && rest === "" ? /^www\.[^/]/i.test(plain) && plain : rest;
  if (bare === false || bare === "") return undefined;
  const [authority = ""] = /^[^/?#]*/.exec(bare) ?? [];
  const at = authority.lastIndexOf("@");
  const named = unescaped(authority.slice(at + 1).replace(/:\d*$/, ""));
  const host = named.replaceAll("\0", "").toLowerCase().replace(/\.+$/, "");
  if (host === "" || host.length > HOST_MAX) return undefined;
  return {
    scheme: scheme.toLowerCase(),
    user: at < 0 ? "" : authority.slice(0, at),
    host,
    path: bare.slice(authority.length),
    hasNull: named.includes("\0"),
  };
}

const SHOWN =
  /(?:(https?|ftp):\/\/|(?<![@a-z0-9_.-]))((?:[a-z0-9_-]{1,63}\.){1,10}[a-z]{2,24})(?=[/:?#\s.,;)\]]|$)/i;
/** Characters of what a link shows that are searched for an address. */
const SHOWN_MAX = 1000;

/** The addresses that a text shows: in it as it is, and in it without its spaces. */
export function shownAddresses(display: string): Address[] {
  const found = new Map<string, Address>();
  const text = display.slice(0, SHOWN_MAX);
  for (const one of [text, text.replace(/\s+/g, "")]) {
    const [whole, scheme = "", host = ""] = SHOWN.exec(one) ?? [];
    if (whole === undefined) continue;
    const address = { scheme: scheme.toLowerCase(), user: "", host: host.toLowerCase() };
    found.set(`${scheme}:${host}`, { ...address, path: "", hasNull: false });
  }
  return [...found.values()];
}

/** Whether a host is that one or lies below it. */
export function isBelow(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

/** The part of a host that somebody registers, as far as its form tells. */
export function domainOf(host: string): string {
  const labels = host.split(".");
  const [second = "", top = ""] = labels.slice(-2);
  const isShared = top.length === 2 && /^(?:com?|org|net|edu|gov|ac|gob|or|ne|go)$/.test(second);
  return labels.slice(isShared ? -3 : -2).join(".");
}

/** An address as rules are written about it. */
export function textOf({ scheme, host, path }: Address, hasPath: boolean): string {
  const start = scheme === "" ? "" : `${scheme}://`;
  return `${start}${host}${hasPath ? path : ""}`;
}

const PATHS_MAX = 5;
const HOSTS_MAX = 5;

/**
 * The texts that lists have hashes of: the host and up to four domains above it, each with the path,
 * the path without its query, and up to four folders above it.
 */
export function listedForms({ host, path }: Address): string[] {
  const [plain = ""] = /^[^?#]*/.exec(path) ?? [];
  const [full = ""] = /^[^#]*/.exec(path) ?? [];
  const paths = new Set([full === "" ? "/" : full, plain === "" ? "/" : plain, "/"]);
  let at = 0;
  for (let count = 0; count < PATHS_MAX - 2; count++) {
    at = plain.indexOf("/", at + 1);
    if (at < 0) break;
    paths.add(plain.slice(0, at + 1));
  }
  const labels = host.split(".");
  const isNumber = /^[\d.]+$/.test(host);
  const hosts = new Set([host]);
  for (let n = Math.min(labels.length - 1, HOSTS_MAX); n >= 2 && !isNumber; n--) {
    hosts.add(labels.slice(-n).join("."));
  }
  return [...hosts].flatMap((one) => [...paths].map((each) => one + each));
}
