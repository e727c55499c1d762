// Network places as settings name them: `192.0.2.1:25`, `[2001:db8::1]:25`, sockets, domains and
// masks of domains. Ranges of addresses stand in ip-range.ts.
import { isIP } from "node:net";
import { isAbsolute } from "node:path";

/** An IP address and a TCP or UDP port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** The port of a decimal text, 0..65535; undefined if it is none. */
export function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  return port >= 0 && port <= 65535 ? port : undefined;
}

/**
 * An endpoint of `192.0.2.1:25` or `[2001:db8::1]:25`; the port may be left out if there is a
 * `defaultPort`. Undefined if it is none; names are not taken.
 */
export function parseEndpoint(text: string, defaultPort?: number): Endpoint | undefined {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (defaultPort !== undefined && isIP(bare) !== 0) return { address: bare, port: defaultPort };
  const [, six, four, digits = ""] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d+)$/.exec(text) ?? [];
  const address = six ?? four ?? "";
  const port = parsePort(digits);
  if (port === undefined || isIP(address) !== (six === undefined ? 4 : 6)) return undefined;
  return { address, port };
}

/** The endpoint as `parseEndpoint()` reads it. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Where a server waits: a TCP port, a socket in the file system, or sockets that systemd opened. */
export type ListenPlace =
  | ({ readonly kind: "tcp" } & Endpoint)
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "systemd"; readonly name: string };

// sun_path of unix(7) has room for 108 bytes on Linux and 104 on FreeBSD, NUL included.
const SOCKET_PATH_MAX = 103;
const SOCKET_NAME = /^[\w.-]{1,64}$/;

/**
 * A place of `192.0.2.1:25`, `[::]:25`, `unix:/run/gw/smtp.sock` or `systemd:NAME` (what the socket
 * unit has as FileDescriptorName). Undefined if it is none.
 */
export function parseListenPlace(text: string): ListenPlace | undefined {
  const [, kind, rest = ""] = /^(unix|systemd):(.*)$/.exec(text) ?? [];
  if (kind === "unix") {
    const isPath = isAbsolute(rest) && Buffer.byteLength(rest) <= SOCKET_PATH_MAX;
    return isPath ? { kind, path: rest } : undefined;
  }
  if (kind === "systemd") return SOCKET_NAME.test(rest) ? { kind, name: rest } : undefined;
  const endpoint = parseEndpoint(text);
  return endpoint === undefined ? undefined : { kind: "tcp", ...endpoint };
}

// One label: letters, digits and inner hyphens; the underscore is not a host's, but it is used.
const LABEL = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}_])?$/u;

/** True of host and domain names. RFC 1123 §2.1; RFC 6531 §3.3 lets them be Unicode. */
export function isDomain(text: string): boolean {
  return text.length <= 253 && text.split(".").every((label) => LABEL.test(label));
}

/** True of masks of domains: `example.org`, `*.example.org` (its subdomains), `*` (all). */
export function isDomainMask(text: string): boolean {
  return text === "*" || isDomain(text.startsWith("*.") ? text.slice(2) : text);
}
