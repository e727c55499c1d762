// Envelope addresses as clients write them. An address is kept byte for byte as it was sent, so
// that it goes on as it came; only a source route is taken off.
import { isIPv4, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";

/** A mailbox. RFC 5321 §4.1.2. */
export interface Mailbox {
  /** `local@domain`, as sent. */
  readonly address: string;
  /** As sent, with its quotes if it has them. */
  readonly local: string;
  /** As sent; "" only for the `postmaster` of RFC 5321 §4.1.1.3. */
  readonly domain: string;
}

/** RFC 5321 §4.5.3.1, in octets. */
export const LOCAL_PART_MAX = 64;
const DOMAIN_MAX = 255;
const PATH_MAX = 256;
const LABEL_MAX = 63;
// Source routes may stand before the path proper; what is longer than this is no address.
const PATH_TEXT_MAX = 1024;

// Control characters forge lines; characters without a shape make two addresses look the same;
// U+FFFD stands where bytes were no UTF-8.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b\u2060\ufeff\ufffd]/;
// Dot-string with the dots anywhere: `a..b@` and `a.@` exist, and the next hop knows its own.
const DOT_STRING = /^[\w.!#$%&'*+/=?^`{|}~\u0080-\u{10ffff}-]+$/u;
const QUOTED_STRING = /^"(?:[^"\\]|\\[ -~])*"$/;
// RFC 5321 §4.1.1.3 and appendix C: "must be accepted, should be ignored".
const SOURCE_ROUTE = /^@[^\s,:@<>"]+(?:,@[^\s,:@<>"]+)*:/;
// Letters of every script, with the marks and joiners that some of them need (RFC 5892).
const LABEL = /^[\p{L}\p{N}_](?:(?:[\p{L}\p{M}\p{N}_-]|\u200c|\u200d)*[\p{L}\p{M}\p{N}_])?$/u;
const NON_ASCII = /[^ -~]/;

/** Bytes of the text in UTF-8. */
function octets(text: string): number {
  return Buffer.byteLength(text);
}

/** True if the text needs SMTPUTF8 (RFC 6531). */
export function isNonAscii(text: string): boolean {
  return NON_ASCII.test(text);
}

/** Domain for comparing: lower case, Unicode as xn--; literals in lower case. RFC 5890 §2.3.2.1. */
export function comparableDomain(domain: string): string {
  return (domain.startsWith("[") ? "" : domainToASCII(domain)) || domain.toLowerCase();
}

// RFC 5321 §4.1.3; literals of other kinds exist only on paper.
function isAddressLiteral(domain: string): boolean {
  const [, six, four = ""] = /^\[(?:IPv6:([^%]+)|([\d.]+))\]$/i.exec(domain) ?? [];
  return six === undefined ? isIPv4(four) : isIPv6(six);
}

function isDomainName(domain: string): boolean {
  if (octets(domain) > DOMAIN_MAX) return false;
  const ascii = isNonAscii(domain) ? domainToASCII(domain) : domain;
  if (ascii === "" || ascii.length > DOMAIN_MAX) return false;
  const areShort = ascii.split(".").every((label) => label.length <= LABEL_MAX);
  return areShort && domain.split(".").every((label) => LABEL.test(label));
}

/**
 * Splits `<path> parameters`, the argument of MAIL and RCPT. Undefined if there are no brackets, or
 * if something other than a space follows them.
 */
export function splitPath(text: string): { path: string; parameters: string } | undefined {
  // Spaces before the path are wrong (RFC 5321 §3.3), and common.
  const start = text.length - text.trimStart().length;
  if (text[start] !== "<") return undefined;
  const end = Math.min(text.length, start + PATH_TEXT_MAX);
  let isQuoted = false;
  for (let at = start + 1; at < end; at++) {
    const character = text[at];
    if (character === "\\" && isQuoted) at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === ">" && !isQuoted) {
      const rest = text.slice(at + 1);
      if (rest !== "" && !rest.startsWith(" ")) return undefined;
      return { path: text.slice(start + 1, at), parameters: rest.trim() };
    }
  }
  return undefined;
}

/**
 * The mailbox of a path, without its source route; undefined if it is none. `localPartMax` is in
 * octets; domain and path have the limits of RFC 5321 §4.5.3.1.
 */
export function parseMailbox(path: string, localPartMax = LOCAL_PART_MAX): Mailbox | undefined {
  const address = path.replace(SOURCE_ROUTE, "");
  if (octets(address) > PATH_MAX - "<>".length || UNSAFE.test(address)) return undefined;
  // A domain holds no "@", so that the last one is the one, in quoted local parts as well.
  const at = address.lastIndexOf("@");
  const local = address.slice(0, Math.max(at, 0));
  const domain = address.slice(at + 1);
  const isLocalPart = local.startsWith('"') ? QUOTED_STRING.test(local) : DOT_STRING.test(local);
  if (!isLocalPart || octets(local) > localPartMax) return undefined;
  if (!isDomainName(domain) && !isAddressLiteral(domain)) return undefined;
  return { address, local, domain };
}
