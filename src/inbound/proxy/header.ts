// The header of the PROXY protocol, versions 1 and 2, with which a load balancer begins a
// connection and names the client it speaks for (haproxy.org, proxy-protocol.txt). Reads bytes and
// nothing else; whether the peer may say so is asked before.
import { isIPv4, isIPv6 } from "node:net";
import { parsePort } from "../../base/endpoint.ts";

/** A client as a balancer names it. */
export interface ProxiedClient {
  readonly address: string;
  readonly port: number;
}

/** What the first bytes of a connection are. */
export type ProxyHeader =
  /** More bytes are needed to tell. */
  | { readonly kind: "partial" }
  | { readonly kind: "wrong"; readonly reason: string }
  /** `length` bytes of header; no `client`: the balancer speaks for itself (health checks). */
  | { readonly kind: "whole"; readonly length: number; readonly client?: ProxiedClient };

// Section 2.1: the longest line, CRLF included.
const V1_LENGTH_MAX = 107;
// Section 2.2: the block may be followed by fields of any kind; some balancers add hundreds of bytes.
const V2_BLOCK_MAX = 4096;
const V2_START = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_HEAD = 16;
const PARTIAL: ProxyHeader = { kind: "partial" };

function wrong(reason: string): ProxyHeader {
  return { kind: "wrong", reason };
}

// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 25`
function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_LENGTH_MAX).indexOf("\r\n");
  if (end < 0) return bytes.length < V1_LENGTH_MAX ? PARTIAL : wrong("line too long");
  const length = end + 2;
  const [, family = "", ...fields] = bytes.toString("latin1", 0, end).split(" ");
  // Section 2.1: what follows UNKNOWN is to be ignored.
  if (family === "UNKNOWN") return { kind: "whole", length };
  const [source = "", target = "", sourcePort = "", targetPort = "", ...more] = fields;
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : undefined;
  if (isAddress === undefined) return wrong("unknown family");
  if (!isAddress(source) || !isAddress(target)) return wrong("bad address");
  const port = parsePort(sourcePort);
  if (port === undefined || parsePort(targetPort) === undefined) return wrong("bad port");
  if (more.length > 0) return wrong("too many fields");
  return { kind: "whole", length, client: { address: source, port } };
}

function textOfV6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return groups.join(":");
}

function parseV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_HEAD) return PARTIAL;
  const version = bytes.readUInt8(12) >> 4;
  const command = bytes.readUInt8(12) & 0x0f;
  const family = bytes.readUInt8(13);
  const size = bytes.readUInt16BE(14);
  if (version !== 2) return wrong("unknown version");
  if (size > V2_BLOCK_MAX) return wrong("header too long");
  const length = V2_HEAD + size;
  if (bytes.length < length) return PARTIAL;
  const block = bytes.subarray(V2_HEAD, length);
  // Section 2.2: LOCAL is the balancer itself, whatever addresses follow.
  if (command === 0) return { kind: "whole", length };
  if (command !== 1) return wrong("unknown command");
  // TCP over IPv4: two addresses of 4 bytes and two ports; over IPv6: of 16 bytes.
  if (family === 0x11) {
    if (block.length < 12) return wrong("too short for its family");
    const address = [...block.subarray(0, 4)].join(".");
    return { kind: "whole", length, client: { address, port: block.readUInt16BE(8) } };
  }
  if (family === 0x21) {
    if (block.length < 36) return wrong("too short for its family");
    const client = { address: textOfV6(block), port: block.readUInt16BE(32) };
    return { kind: "whole", length, client };
  }
  // Unspecified, a datagram, a local socket: there is no address to take.
  return { kind: "whole", length };
}

/** Most bytes that a header may have: beyond them it is told at once that there is none. */
export const PROXY_HEADER_MAX = V2_HEAD + V2_BLOCK_MAX;

/** Reads the header that a connection begins with. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const first = Math.min(bytes.length, V2_START.length);
  if (first === 0) return PARTIAL;
  if (bytes.compare(V2_START, 0, first, 0, first) === 0) return parseV2(bytes);
  const word = "PROXY ";
  const begun = bytes.toString("latin1", 0, Math.min(bytes.length, word.length));
  return word.startsWith(begun) || begun === word ? parseV1(bytes) : wrong("no PROXY header");
}
