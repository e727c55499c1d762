// Where a listener waits, and how it gets there: ports, sockets in the file system, and sockets that
// systemd opened before gw was started.
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { type AddressInfo, connect, type Server } from "node:net";
import type { ListenPlace } from "../../base/endpoint.ts";
import { formatEndpoint } from "../../base/endpoint.ts";

/** A socket that was open when gw was started: sd_listen_fds(3). */
export interface InheritedSocket {
  readonly name: string;
  readonly fd: number;
}

/** A place that one server can listen on; with `fd` the socket is there already. */
export type Spot =
  | (Exclude<ListenPlace, { kind: "systemd" }> & { readonly fd?: number })
  | ({ readonly kind: "inherited" } & InheritedSocket);

/** Names of the sockets that an older gw hands over with this start, as JSON. */
export const HANDED_SOCKETS = "GW_HANDED_SOCKETS";

const FIRST_INHERITED_FD = 3;
const INHERITED_MAX = 64;

/** The sockets that systemd handed to this process; none if they are meant for another. */
export function inheritedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly InheritedSocket[] {
  const count = Number(environment["LISTEN_FDS"] ?? 0);
  const isOurs = environment["LISTEN_PID"] === String(pid);
  if (!isOurs || !Number.isInteger(count) || count < 1 || count > INHERITED_MAX) return [];
  const names = (environment["LISTEN_FDNAMES"] ?? "").split(":");
  // "unknown" is what systemd itself writes for a socket without a name.
  return Array.from({ length: count }, (_, at) => {
    return { name: names[at] || "unknown", fd: FIRST_INHERITED_FD + at };
  });
}

/** The sockets that an older gw handed to this process. */
export function handedSockets(
  environment: Readonly<Record<string, string | undefined>>,
): readonly InheritedSocket[] {
  const names: unknown = JSON.parse(environment[HANDED_SOCKETS] ?? "[]");
  if (!Array.isArray(names) || names.length > INHERITED_MAX) return [];
  return names.map((name, at) => ({ name: String(name), fd: FIRST_INHERITED_FD + at }));
}

/** Name under which a spot's socket is handed over. */
export function handedName(spot: Spot): string {
  return spot.kind === "inherited" ? spot.name : nameOf(spot);
}

/** The spots of a place. Throws if systemd gave no socket of that name. */
export function spotsOf(
  place: ListenPlace,
  inherited: readonly InheritedSocket[],
): readonly Spot[] {
  if (place.kind !== "systemd") {
    const own = inherited.find(({ name }) => name === nameOf(place));
    return [own === undefined ? place : { ...place, fd: own.fd }];
  }
  const found = inherited.filter(({ name }) => name === place.name);
  if (found.length > 0) return found.map((each) => ({ kind: "inherited", ...each }));
  const there = inherited.map(({ name }) => name).join(", ") || "none at all";
  throw new Error(
    `cannot listen on systemd:${place.name}: systemd gave no socket of that name (${there}); ` +
      "set FileDescriptorName in the socket unit",
  );
}

/** The spot as settings and logs write it. */
export function nameOf(spot: Spot): string {
  if (spot.kind === "unix") return `unix:${spot.path}`;
  return spot.kind === "inherited" ? `systemd:${spot.name}` : formatEndpoint(spot);
}

/** Where the server listens in fact: port 0 has become a number. */
export function boundName(spot: Spot, server: Server): string {
  const bound = server.address();
  if (spot.kind === "unix" || bound === null || typeof bound === "string") return nameOf(spot);
  return formatEndpoint(bound);
}

/** The TCP port, 0 if there is none. */
export function boundPort(server: Server): number {
  return (server.address() as AddressInfo | null)?.port ?? 0;
}

/** Makes the server listen; rejects with what stands in the way, naming the spot. */
export async function listenOn(server: Server, spot: Spot, mode: number): Promise<void> {
  if (spot.kind === "unix" && spot.fd === undefined) await removeStale(spot.path);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: Error) => reject(listenError(nameOf(spot), error));
  server.once("error", onError);
  server.listen(targetOf(spot), resolve);
  await promise;
  server.off("error", onError);
  if (spot.kind === "unix") chmodSync(spot.path, mode);
}

/** Takes away what a server that has been closed leaves behind. */
export function cleanUp(spot: Spot): void {
  if (spot.kind === "unix") rmSync(spot.path, { force: true });
}

function targetOf(spot: Spot) {
  if (spot.fd !== undefined) return { fd: spot.fd };
  switch (spot.kind) {
    case "unix":
      return { path: spot.path };
    case "inherited":
      return { fd: spot.fd };
    case "tcp":
      // Without ipv6Only, [::] takes the IPv4 port as well and 0.0.0.0 finds it in use.
      return { host: spot.address, port: spot.port, ipv6Only: true };
    default:
      return spot satisfies never;
  }
}

// A socket file outlives a gateway that was killed. One that answers belongs to somebody, and what
// is no socket is nobody's business here: both are left alone, and listening fails on them.
async function removeStale(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => resolve(true));
    probe.once("error", () => resolve(false));
    probe.once("close", () => probe.destroy());
  });
  if (!isAlive) rmSync(path, { force: true });
}

function listenError(place: string, error: Error & { code?: string }): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there (a mail server?)",
    EACCES: place.startsWith("unix:")
      ? "no permission to make a file there"
      : "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE",
    EADDRNOTAVAIL: "this host does not have that address",
    ENOENT: "there is no such folder",
  };
  const reason = reasons[error.code ?? ""] ?? error.message;
  return new Error(`cannot listen on ${place}: ${reason}`, { cause: error });
}
