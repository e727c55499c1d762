// Addresses as names: RFC 1035 §3.5 and RFC 3596 §2.5 turn them round for reverse look-ups, and DNS
// lists are asked in the same way (RFC 5782 §2.1, §2.4).
import { isIPv4, isIPv6 } from "node:net";

const GROUPS = 8;

/** An IPv4 address that is written as an IPv6 one (`::ffff:192.0.2.1`) in its own form. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, "");
  const four = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? "";
  return isIPv4(four) ? four : bare;
}

/** The eight groups of an IPv6 address as numbers; undefined if it is none. */
export function groupsOf(address: string): readonly number[] | undefined {
  if (!isIPv6(address)) return undefined;
  const four = /[\d.]+$/.exec(address)?.[0] ?? "";
  const [a = 0, b = 0, c = 0, d = 0] = four.split(".").map(Number);
  const tail = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  const text = four.includes(".") ? address.slice(0, -four.length) + tail : address;
  const [head = "", rest] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = rest === undefined || rest === "" ? [] : rest.split(":");
  const zeros = new Array<string>(GROUPS - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
}

/** An address turned round, `1.2.0.192` or 32 digits of an IPv6 one; undefined if it is none. */
export function reversed(address: string): string | undefined {
  const plain = plainAddress(address);
  if (isIPv4(plain)) return plain.split(".").reverse().join(".");
  const digits = groupsOf(plain)?.map((group) => group.toString(16).padStart(4, "0"));
  return digits === undefined ? undefined : [...digits.join("")].reverse().join(".");
}

/** The name that an address's PTR records have; undefined if it is no address. */
export function reverseName(address: string): string | undefined {
  const name = reversed(address);
  if (name === undefined) return undefined;
  return isIPv4(plainAddress(address)) ? `${name}.in-addr.arpa` : `${name}.ip6.arpa`;
}
