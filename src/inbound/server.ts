// smtp-server's server, as far as gw changes it: its connections are gw's, and it can be left in
// good order.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import {
  SMTPServer,
  type SMTPServerDataResult,
  type SMTPServerDataStream,
  type SMTPServerOptions,
  type SMTPServerSession,
} from "smtp-server";
import type { SMTPConnectionOptions } from "smtp-server/lib/smtp-connection.js";
import { describeError } from "../base/log.ts";
import { textOf } from "../reply.ts";
import { Connection, type Door } from "./connection.ts";

/** smtp-server's server with gw's connections. */
export class Server extends SMTPServer {
  readonly door: Door;
  readonly #bySession = new WeakMap<SMTPServerSession, Connection>();
  // All that still have a socket; `connections` forgets those that are being closed.
  readonly #open = new Set<Connection>();
  #isLeaving = false;
  #onEmpty: () => void = () => {};

  constructor(options: SMTPServerOptions, door: Door) {
    super(options);
    this.door = door;
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

  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    if (this.#isLeaving) {
      // Accepted in the very moment of closing.
      socket.destroy();
      return;
    }
    const from = { server: this, door: this.door, socket, options: options ?? null };
    const connection = new Connection(from);
    this.connections.add(connection);
    this.#open.add(connection);
    this.#bySession.set(connection.session, connection);
    // A client that vanishes, TLS that does not come about: no fault of the server.
    connection.on("error", (error: Error) => {
      const client = connection.remoteAddress;
      this.door.parts.log.info("session-failed", { client, cause: describeError(error) });
    });
    connection.init();
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
      if (reply.code === 250) callback(null, textOf(reply));
      else callback(Object.assign(new Error(textOf(reply)), { responseCode: reply.code }));
      if (this.#isLeaving) connection.leave();
    });
  }
}
