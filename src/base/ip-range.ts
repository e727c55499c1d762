// IP addresses and ranges of them: IPv4, IPv6, and IPv4 written as IPv6 (`::ffff:192.0.2.1`), which
// is how a socket that listens on `[::]` shows its IPv4 clients.
import { isIP } from "node:net";

/** An address as a number, with the bits its family has. */
interface IpNumber {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

interface Range {
  readonly bits: 32 | 128;
  /** Bits that may be anything. */
  readonly hostBits: bigint;
  readonly network: bigint;
}

const V4_MAPPED_PREFIX = 0xffffn;
const GROUPS = 8;

function parseV4(text: string): bigint {
  return text.split(".").reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function parseGroups(text: string): bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const tail = parseV4(group);
    return [tail >> 16n, tail & 0xffffn];
  });
}

// RFC 4291 §2.2. Only called with what isIP() holds to be IPv6.
function parseV6(text: string): bigint {
  const [head = "", tail = ""] = text.split("::");
  const first = parseGroups(head);
  const last = parseGroups(tail);
  const zeros = new Array<bigint>(GROUPS - first.length - last.length).fill(0n);
  return [...first, ...zeros, ...last].reduce((value, group) => (value << 16n) | group, 0n);
}

function parseIp(text: string): IpNumber | undefined {
  // A zone (`fe80::1%eth0`) names an interface of this host; it is no part of the address.
  const bare = text.replace(/%.*$/, "");
  const version = isIP(bare);
  if (version === 4) return { bits: 32, value: parseV4(bare) };
  if (version !== 6) return undefined;
  const value = parseV6(bare);
  if (value >> 32n === V4_MAPPED_PREFIX) return { bits: 32, value: value & 0xffffffffn };
  return { bits: 128, value };
}

function parseRange(text: string): Range {
  const [address = "", length, ...rest] = text.split("/");
  const ip = parseIp(address);
  const written = isIP(address) === 4 ? 32 : 128;
  const prefix = length === undefined ? written : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  // `::ffff:192.0.2.0/120` is `192.0.2.0/24`.
  const bits = ip === undefined ? -1 : prefix - (written - ip.bits);
  if (ip === undefined || rest.length > 0 || bits < 0 || bits > ip.bits) {
    throw new Error(`not a network: ${JSON.stringify(text)} (such as 192.0.2.0/24 or ::1/128)`);
  }
  const hostBits = BigInt(ip.bits - bits);
  return { bits: ip.bits, hostBits, network: ip.value >> hostBits };
}

/** A set of networks in CIDR notation. The constructor throws for what is not a network. */
export class IpRanges {
  readonly #ranges: readonly Range[];

  constructor(networks: readonly string[]) {
    this.#ranges = networks.map(parseRange);
  }

  /** True if the address lies in one of the networks; false for what is not an address. */
  contains(address: string): boolean {
    if (this.#ranges.length === 0) return false;
    const ip = parseIp(address);
    if (ip === undefined) return false;
    return this.#ranges.some(
      ({ bits, hostBits, network }) => bits === ip.bits && ip.value >> hostBits === network,
    );
  }
}

/**
 * Who an address belongs to, as far as it can be told: one IPv4 address, or an IPv6 network of 64
 * bits, the least that one site is given (RFC 6177). Counting single IPv6 addresses counts nothing.
 */
export function siteOf(address: string): string {
  const ip = parseIp(address);
  return ip === undefined || ip.bits === 32 ? address : `${(ip.value >> 64n).toString(16)}::/64`;
}

/** The network that one site is usually given: 256 IPv4 addresses, 48 bits of IPv6 (RFC 6177). */
export function networkOf(address: string): string {
  const ip = parseIp(address);
  if (ip === undefined) return address;
  const length = ip.bits === 32 ? 24 : 48;
  return `${(ip.value >> BigInt(ip.bits - length)).toString(16)}/${length}`;
}
