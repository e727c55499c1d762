// What a trusted relay tells of its client with XFORWARD (postfix.org, XFORWARD_README). It is for
// the log, the trail and the checks of mail; what the session may do goes by the relay's own address.
import { isIP } from "node:net";
import { parsePort } from "../../base/endpoint.ts";
import { decodeXtext } from "../parameters.ts";

/** A client as a relay tells of it; what it did not tell is missing. */
export interface Forwarded {
  readonly address?: string;
  readonly port?: number;
  readonly helo?: string;
}

const KEYS = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"];
const HELO_MAX = 255;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Reads the arguments of the command; undefined if one of them is wrong. */
export function parseForwarded(text: string): Forwarded | undefined {
  const words = text.trim().split(/\s+/).slice(1);
  if (words.length === 0 || words.length > KEYS.length) return undefined;
  let found: Forwarded = {};
  for (const word of words) {
    const [, key = "", coded = ""] = /^(\w+)=([!-~]*)$/.exec(word) ?? [];
    const value = decodeXtext(coded);
    if (!KEYS.includes(key.toUpperCase()) || CONTROL.test(value)) return undefined;
    if (value.toUpperCase() === "[UNAVAILABLE]") continue;
    const read = attributeOf(key.toUpperCase(), value);
    if (read === undefined) return undefined;
    found = { ...found, ...read };
  }
  return found;
}

// Those that gw has no use for are empty.
function attributeOf(key: string, value: string): Forwarded | undefined {
  switch (key) {
    case "ADDR": {
      const address = value.replace(/^ipv6:/i, "");
      return isIP(address) === 0 ? undefined : { address };
    }
    case "PORT": {
      const port = parsePort(value);
      return port === undefined ? undefined : { port };
    }
    case "HELO":
      return value.length > HELO_MAX ? undefined : { helo: value };
    default:
      return {};
  }
}
