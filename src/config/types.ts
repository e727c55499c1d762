// The kinds of values that settings can have. Each says what it expects in words that stand in
// errors and in the documentation.

import { isIP } from "node:net";
import { isAbsolute } from "node:path";
import { isDomain, isDomainMask, parseEndpoint, parseListenPlace } from "../base/endpoint.ts";
import { IpRanges } from "../base/ip-range.ts";
import { isSinkPlace, SINK_FORMS } from "../base/output/sink.ts";
import { parsePlace, parseRouteMask } from "../text/mail-route.ts";
import { formatDuration, formatSize, parseDuration, parseSize } from "../text/units.ts";
import { type Reading, type Type, toToml } from "./field.ts";

/** A range, both ends included. `Of` is how its ends are written. */
interface Range<Of> {
  readonly min: Of;
  readonly max: Of;
}

/** Longest text that is taken for a value. */
const TEXT_LENGTH_MAX = 4096;
/** Longest list that is taken for a value. */
const LIST_LENGTH_MAX = 10_000;
/** Longest mask of addresses or names: RFC 5321 §4.5.3.1 allows no longer address. */
const MASK_LENGTH_MAX = 320;

// Makes a type of a reader that gives undefined for what is wrong.
function typeOf<T>(
  name: string,
  expected: string,
  parse: (raw: unknown) => T | undefined,
  write: (value: T) => string = toToml,
): Type<T> {
  return {
    name,
    expected,
    write,
    read(raw): Reading<T> {
      const value = parse(raw);
      return value === undefined ? { kind: "wrong", expected } : { kind: "value", value };
    },
  };
}

function isText(raw: unknown): raw is string {
  // NUL and other control characters have no place in names, paths and addresses.
  return typeof raw === "string" && raw.length <= TEXT_LENGTH_MAX && !/\p{Cc}/u.test(raw);
}

/** A text that passes a check; "" passes if `orEmpty` says what it stands for. */
export function word(
  name: string,
  expected: string,
  isValid: (text: string) => boolean,
  orEmpty = false,
) {
  const isTaken = (text: string) => (text === "" && orEmpty) || isValid(text);
  return typeOf(name, expected, (raw) => (isText(raw) && isTaken(raw) ? raw : undefined));
}

function amount(
  name: "size" | "duration",
  range: Range<string>,
  parse: (text: string) => number | undefined,
  format: (value: number) => string,
): Type<number> {
  const min = parse(range.min) ?? 0;
  const max = parse(range.max) ?? 0;
  const such = name === "size" ? '"256KB" or "50MB"' : '"30s" or "5m"';
  const expected = `a ${name} from ${range.min} to ${range.max}, such as ${such}`;
  const read = (raw: unknown) => {
    const value = typeof raw === "string" ? parse(raw) : undefined;
    return value === undefined || value < min || value > max ? undefined : value;
  };
  return typeOf(name, expected, read, (value) => toToml(format(value)));
}

/** True or false. */
export function flag(): Type<boolean> {
  return typeOf("boolean", "true or false", (raw) => (typeof raw === "boolean" ? raw : undefined));
}

/** A whole number. */
export function integer({ min, max }: Range<number>): Type<number> {
  return typeOf("integer", `a whole number from ${min} to ${max}`, (raw) =>
    typeof raw === "number" && Number.isInteger(raw) && raw >= min && raw <= max ? raw : undefined,
  );
}

/** Bytes, written "256KB" or "50MB". */
export function size(range: Range<string>): Type<number> {
  return amount("size", range, parseSize, formatSize);
}

/** Milliseconds, written "30s", "5m", "2h" or "5d". */
export function duration(range: Range<string>): Type<number> {
  return amount("duration", range, parseDuration, formatDuration);
}

/** One of a few words. */
export function oneOf<const W extends string>(words: readonly W[]): Type<W> {
  const quoted = words.map((each) => JSON.stringify(each)).join(", ");
  return typeOf("word", `one of ${quoted}`, (raw) => words.find((each) => each === raw));
}

/** A path from the root; "" stands for none if `orEmpty`. */
export function path({ orEmpty = false } = {}): Type<string> {
  const expected = `a path that starts with /, such as "/var/lib/gw"${orEmpty ? ', or ""' : ""}`;
  return word("path", expected, isAbsolute, orEmpty);
}

/** A text that is never shown (a password, a key), or where it stands. */
export function secret(): Type<string> {
  const expected =
    'a text without control characters, or "file:/path" or "env:NAME" to read it from';
  const type = word("secret", expected, () => true, true);
  return { ...type, isSecret: true, write: (value) => (value === "" ? '""' : '"(set)"') };
}

/** The name of a host; "" stands for the machine's own. */
export function hostname(): Type<string> {
  return word("host name", 'a host name such as "mx1.example.org", or ""', isDomain, true);
}

/** A user of this host; "" for none. */
export function userName(): Type<string> {
  const isUser = (text: string) => /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(text);
  return word("user", 'the name of a user such as "gw", or ""', isUser, true);
}

/** A mail address; "" stands for a default that the field's text explains. */
export function mailbox(): Type<string> {
  const expected = 'an address such as "postmaster@example.org", or ""';
  const isMailbox = (text: string) => {
    const at = text.lastIndexOf("@");
    return at > 0 && at <= 64 && !/[\s<>]/.test(text) && isDomain(text.slice(at + 1));
  };
  return word("mail address", expected, isMailbox, true);
}

/** A place that takes lines: a file, or a host of logs. */
export function linePlace(): Type<string> {
  return word("place for lines", `one of ${SINK_FORMS}, or ""`, isSinkPlace, true);
}

/** An IP address and a port to listen on. */
export function endpoint({ orEmpty = false } = {}): Type<string> {
  const expected = `an IP address and port such as "0.0.0.0:25" or "[::]:25"${orEmpty ? ', or ""' : ""}`;
  return word("endpoint", expected, (text) => parseEndpoint(text) !== undefined, orEmpty);
}

/** Where to wait for clients. */
export function listenPlace(): Type<string> {
  const expected =
    'an IP address and port such as "0.0.0.0:25" or "[::]:25", "unix:/run/gw/smtp.sock", ' +
    'or "systemd:NAME" for a socket that systemd opens';
  return word("listen address", expected, (text) => parseListenPlace(text) !== undefined);
}

/** Where an LDAP directory is; "" for none. */
export function ldapUrl(): Type<string> {
  const expected = 'a URL such as "ldaps://ldap.example.org" or "ldap://127.0.0.1:3389", or ""';
  const isUrl = (text: string) =>
    /^ldaps?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?\/?$/i.test(text);
  return word("LDAP URL", expected, isUrl, true);
}

/** Permissions of a file, in octal digits. */
export function fileMode(): Type<string> {
  return word("file mode", 'permissions in octal such as "0660"', (text) =>
    /^0?[0-7]{3}$/.test(text),
  );
}

/** An IP address of a DNS server, with a port if it is not 53. */
export function resolver(): Type<string> {
  const expected = 'an IP address such as "192.0.2.53", or with a port "192.0.2.53:5353"';
  return word("DNS server", expected, (text) => parseEndpoint(text, 53) !== undefined);
}

function isNetwork(text: string): boolean {
  try {
    return new IpRanges([text]) !== undefined;
  } catch {
    // It says what is wrong; the expectation that stands in our error says it better.
    return false;
  }
}

/** A range of IP addresses. */
export function network(): Type<string> {
  return word("network", 'a network such as "192.0.2.0/24" or "2001:db8::/32"', isNetwork);
}

/** Domains: one, all below one, or all. */
export function domainMask(): Type<string> {
  return word("domain mask", 'a domain such as "example.org" or "*.example.org"', isDomainMask);
}

/** Recipients of a route: domains as in all masks, one address, or `*@example.org`. */
export function routeMask(): Type<string> {
  const expected = 'a domain, a mask such as "*.example.org" or "*", or an address';
  return word("route mask", expected, (text) => parseRouteMask(text) !== undefined);
}

/** A place that mail is handed over at. */
export function nextHop(): Type<string> {
  const expected =
    'a next hop such as "[192.0.2.1]", "mail.example.org:2525", "example.org" or "unix:/run/lmtp"';
  return word("next hop", expected, (text) => parsePlace(text) !== undefined);
}

/** One IP address. */
export function ipAddress(): Type<string> {
  const expected = 'an IP address such as "192.0.2.1" or "2001:db8::1"';
  return word("IP address", expected, (text) => isIP(text) !== 0);
}

/** `MASK NEXT-HOP`: where mail for the domains of a mask goes. */
export function route(): Type<string> {
  const expected =
    'a domain mask and a next hop such as "*.example.org [192.0.2.1]:25" or "* relay.example.net"';
  return word("route", expected, (text) => {
    const [mask = "", hop = "", ...rest] = text.trim().split(/\s+/);
    return rest.length === 0 && parseRouteMask(mask) !== undefined && parsePlace(hop) !== undefined;
  });
}

/** A name that people give to something: letters, digits, inner `-`, `_` and spaces. */
export function label(): Type<string> {
  return word(
    "name",
    'a name such as "sales", of at most 64 letters, digits, "-" and "_"',
    (text) => /^[\p{L}\p{N}](?:[\p{L}\p{N} _-]{0,62}[\p{L}\p{N}])?$/u.test(text),
  );
}

// `<>` stands for the null sender. An `@` in front of the domain tells a mask of addresses from a
// domain, which means another thing in other settings.
function isAddressMask(text: string): boolean {
  if (text.startsWith("file:")) return isAbsolute(text.slice(5));
  if (text === "*" || text === "<>") return true;
  return text.length <= MASK_LENGTH_MAX && /^[^\s@<>]+@[^\s@<>]+$/u.test(text);
}

/** Envelope addresses: one, all that a mask with `*` and `?` matches, or a file of such lines. */
export function addressMask(): Type<string> {
  const expected =
    'an address or a mask such as "*@example.org", "<>" for the null sender, or "file:/etc/gw/list"';
  return word("address mask", expected, isAddressMask);
}

/** A header field that is to be added, as one line. RFC 5322 §2.2. */
export function headerField(): Type<string> {
  return word("header field", 'a header field such as "X-Scanned-By: gw at example.org"', (text) =>
    /^[!-9;-~]{1,60}: \S.{0,800}$/u.test(text),
  );
}

/** The tag of a language, as it stands in names of template files. RFC 5646 §2.1, its beginning. */
export function languageTag(): Type<string> {
  return word("language", 'a language such as "en", "de" or "pt-br"', (text) =>
    /^[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,2}$/.test(text),
  );
}

/** A short text for people; "" stands for none. */
export function phrase(max: number): Type<string> {
  return word("text", `a text of at most ${max} characters`, (text) => text.length <= max, true);
}

/** A mask with `*` and `?` for file names, media types and the like. */
export function nameMask(example: string): Type<string> {
  return word("mask", `a mask such as ${JSON.stringify(example)}`, (text) => {
    return text !== "" && text.length <= MASK_LENGTH_MAX;
  });
}

/** A name that can be a file's: small letters, digits, inner `-` and `_`. */
export function plainName(): Type<string> {
  const expected = 'a name such as "daily", of at most 32 small letters, digits, "-" and "_"';
  return word("name", expected, (text) => /^[a-z0-9](?:[a-z0-9_-]{0,30}[a-z0-9])?$/.test(text));
}

/** A public key of Ed25519 as hexadecimal digits; "" stands for none. */
export function publicKey(): Type<string> {
  const expected = 'a public key of 64 hexadecimal digits, or ""';
  return word("public key", expected, (text) => /^[0-9a-f]{64}$/.test(text), true);
}

/** A URL that files can be fetched from. A login in it would be shown; there are settings for that. */
export function url({ orEmpty = false } = {}): Type<string> {
  const expected = `a URL such as "https://feed.example.org/gw/"${orEmpty ? ', or ""' : ""}`;
  const isUrl = (text: string) => {
    const { protocol, username, password } = URL.canParse(text) ? new URL(text) : new URL("x:");
    return /^(?:https?|file):$/.test(protocol) && username === "" && password === "";
  };
  return word("URL", expected, isUrl, orEmpty);
}

/** The first root document of a signed feed: its hash, or the path of one. */
export function anchor(): Type<string> {
  const expected = '"sha256:" and 64 hexadecimal digits, or a path that starts with /, or ""';
  const isAnchor = (text: string) => /^sha256:[0-9a-fA-F]{64}$/.test(text) || isAbsolute(text);
  return word("root document", expected, isAnchor, true);
}

/** A list of values of one type. */
export function list<T extends string>(element: Type<T>): Type<readonly T[]> {
  const expected = `a list in brackets, each element ${element.expected}`;
  return {
    name: `list of ${element.name}s`,
    expected,
    read(raw): Reading<readonly T[]> {
      if (!Array.isArray(raw) || raw.length > LIST_LENGTH_MAX) return { kind: "wrong", expected };
      for (const [index, each] of raw.entries()) {
        const reading = element.read(each);
        if (reading.kind === "wrong") return { ...reading, element: index };
      }
      return { kind: "value", value: raw as readonly T[] };
    },
    write: toToml,
    element,
  };
}
