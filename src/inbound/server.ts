// smtp-server's server, as far as gw changes it: its connections are gw's, and it can be left in
// good order.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import {
  SMTPServer,
  type SMTPServerAuthentication,
  type SMTPServerAuthenticationResponse,
  type SMTPServerDataResult,
  type SMTPServerDataStream,
  type SMTPServerOptions,
  type SMTPServerSession,
} from "smtp-server";
import type { SMTPConnectionOptions } from "smtp-server/lib/smtp-connection.js";
import { IpRanges, siteOf } from "../base/ip-range.ts";
import { describeError } from "../base/log.ts";
import { Tally } from "../base/tally.ts";
import { type Reply, textOf } from "../reply.ts";
import { Connection, type House } from "./connection.ts";
import type { ProxiedClient } from "./proxy/header.ts";
import { readPreamble } from "./proxy/preamble.ts";
import type { DoorPlan } from "./settings.ts";

type Accept = Parameters<SMTPServer["_handleProxy"]>[1];

const LOCAL_ADDRESS = "127.0.0.1";

/** smtp-server's server with gw's connections. */
export class Server extends SMTPServer {
  readonly house: House;
  readonly plan: DoorPlan & { readonly isFile?: boolean };
  /** Gets the clients in place of this one, which only listens. */
  successor: Server | undefined;
  readonly #balancers: IpRanges;
  // Connections that wait for TLS or a PROXY header, by site: no session counts them yet.
  readonly #pending = new Tally();
  readonly #bySession = new WeakMap<SMTPServerSession, Connection>();
  // All that still have a socket; `connections` forgets those that are being closed.
  readonly #open = new Set<Connection>();
  #isLeaving = false;
  #onEmpty: () => void = () => {};

  constructor(options: SMTPServerOptions, house: House, plan: Server["plan"]) {
    super(options);
    this.house = house;
    this.plan = plan;
    this.#balancers = new IpRanges(plan.proxyNetworks);
  }

  get open(): ReadonlySet<Connection> {
    return this.#open;
  }

  /** Takes no more connections and messages; resolves when all connections are gone. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const connection of this.#open) connection.leave();
    await closed;
    if (this.#open.size > 0) await empty;
  }

  override _expectsProxyHeader(socket: Socket): boolean {
    return this.#balancers.contains(this.#addressOf(socket));
  }

  override _handleProxy(socket: Socket, callback: Accept): void {
    if (!this._expectsProxyHeader(socket)) {
      super._handleProxy(socket, callback);
      return;
    }
    const accept = (client: ProxiedClient | undefined) => {
      const named = client && { remoteAddress: client.address, remotePort: client.port };
      // Without an id the connection makes one.
      callback(null, { id: "", ...named });
    };
    readPreamble(socket).then(accept, (error: Error) => {
      this.#noteFailure(this.#addressOf(socket), `PROXY header: ${error.message}`);
      // A reset that comes later concerns nobody.
      socket.on("error", () => {});
      socket.destroy();
      callback(error);
    });
  }

  // Whoever opens connections and says nothing must not take all places that wait for TLS.
  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    if (this.successor !== undefined) {
      this.successor.server.emit("connection", socket);
      return false;
    }
    if (!handshake || this._expectsProxyHeader(socket))
      return super._acceptSocket(socket, handshake);
    const site = siteOf(this.#addressOf(socket));
    const { sessionsMax, sessionsPerAddressMax } = this.house.limits;
    if (!this.#pending.enter(site, { totalMax: sessionsMax, perKeyMax: sessionsPerAddressMax })) {
      this.#noteFailure(this.#addressOf(socket), "too many connections wait for TLS");
      socket.on("error", () => {});
      socket.destroy();
      return false;
    }
    const release = super._acceptSocket(socket, handshake);
    let isReleased = false;
    const leave = () => {
      if (!isReleased) this.#pending.leave(site);
      isReleased = true;
      if (release !== false) release();
    };
    if (release === false) leave();
    else socket.once("close", leave);
    return release === false ? false : leave;
  }

  // A handshake that fails is no fault of the server.
  override _onError(error: Error & { meta?: { remoteAddress?: string } }): void {
    const client = error.meta?.remoteAddress;
    if (client === undefined) super._onError(error);
    else this.#noteFailure(client, describeError(error));
  }

  // XCLIENT LOGIN: whoever may use that has checked the user itself.
  override onAuth(
    auth: SMTPServerAuthentication,
    _session: SMTPServerSession,
    callback: (
      error: Error | null | undefined,
      response?: SMTPServerAuthenticationResponse,
    ) => void,
  ): void {
    if (auth.method === "XCLIENT") callback(null, { user: auth.username });
    else callback(new Error("no such login"));
  }

  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    if (this.#isLeaving) {
      // Accepted in the very moment of closing.
      socket.destroy();
      return;
    }
    const known = { remoteAddress: this.#addressOf(socket as Socket), ...options };
    const from = {
      server: this,
      house: this.house,
      plan: this.plan,
      socket,
      options: known,
      isLeaving: () => this.#isLeaving,
    };
    const connection = new Connection(from);
    this.connections.add(connection);
    this.#open.add(connection);
    this.#bySession.set(connection.session, connection);
    // A client that vanishes, TLS that does not come about: no fault of the server.
    connection.on("error", (error: Error) => {
      this.#noteFailure(connection.remoteAddress, describeError(error));
    });
    connection.init();
  }

  /** The far side of an open session. */
  peerOf(id: string): { readonly client: string; readonly port: number } | undefined {
    for (const connection of this.#open) {
      const { remoteAddress: client, remotePort: port } = connection;
      if (connection.id === id) return { client, port };
    }
    return undefined;
  }

  // Who opens a socket in the file system is on this host.
  #addressOf(socket: Socket): string {
    const isFile = this.plan.isFile || typeof this.server.address() === "string";
    return isFile ? LOCAL_ADDRESS : (socket.remoteAddress ?? "");
  }

  #noteFailure(client: string, cause: string): void {
    this.house.parts.log.info("session-failed", { client, cause });
  }

  override onClose(session: SMTPServerSession): void {
    const connection = this.#bySession.get(session);
    if (connection !== undefined) this.#open.delete(connection);
    if (this.#open.size === 0) this.#onEmpty();
  }

  override onData(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    callback: (error?: Error | null, message?: string | SMTPServerDataResult[]) => void,
  ): void {
    const connection = this.#bySession.get(session);
    if (connection === undefined) throw new Error("message of an unknown session");
    void connection.receive(stream).then((reply) => {
      const [first = reply, ...others] = connection.repliesOf(reply);
      if (others.length > 0) callback(null, [first, ...others].map(resultOf));
      else if (first.code === 250) callback(null, textOf(first));
      else callback(refusalOf(first));
      if (this.#isLeaving) connection.leave();
    });
  }
}

// smtp-server's own ways to say a reply: a text for 250, an error for all else.
function resultOf(reply: Reply): string | Error {
  return reply.code === 250 ? textOf(reply) : refusalOf(reply);
}

function refusalOf(reply: Reply): Error {
  return Object.assign(new Error(textOf(reply)), { responseCode: reply.code });
}
