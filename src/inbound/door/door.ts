// One place where clients come in. Its port stays open while what is behind it changes: new clients
// meet the new rules, sessions that have begun live on under the old ones.
import { describeError, type Log } from "../../base/log.ts";
import type { Server } from "../server.ts";
import {
  boundName,
  boundPort,
  cleanUp,
  handedName,
  type InheritedSocket,
  listenOn,
  type Spot,
} from "./place.ts";

/** A place that is open. */
export class Door {
  readonly spot: Spot;
  /** It listens, and hands clients to the newest one. */
  readonly #first: Server;
  /** All that may have sessions; the newest is the last one. */
  #servers: readonly Server[];
  /** Stands for the rules of the newest. */
  #rules: string;
  #isClosed = false;

  private constructor(spot: Spot, server: Server, rules: string) {
    this.spot = spot;
    this.#first = server;
    this.#servers = [server];
    this.#rules = rules;
  }

  /** Opens a place; rejects with what stands in the way, naming it. */
  static async open(
    spot: Spot,
    { server, rules, log }: { readonly server: Server; readonly rules: string; readonly log: Log },
  ): Promise<Door> {
    server.on("error", (error) => {
      // What stands in the way of listening is thrown.
      if (server.server.listening) log.warn("listener-failed", { cause: describeError(error) });
    });
    await listenOn(server.server, spot, server.plan.socketMode);
    return new Door(spot, server, rules);
  }

  get rules(): string {
    return this.#rules;
  }

  get name(): string {
    return boundName(this.spot, this.#first.server);
  }

  /** 0 where there is none. */
  get port(): number {
    return boundPort(this.#first.server);
  }

  /** All that may have sessions. */
  get servers(): readonly Server[] {
    return this.#servers;
  }

  /** True while anybody is there, or may come. */
  get isInUse(): boolean {
    return !this.#isClosed || this.#servers.some(({ open }) => open.size > 0);
  }

  /** Hands new clients to another server. */
  replace(server: Server, rules: string): void {
    this.#first.successor = server;
    this.#rules = rules;
    const busy = this.#servers.filter((one) => one === this.#first || one.open.size > 0);
    this.#servers = [...busy, server];
  }

  /** Takes no more clients; those who are there stay. */
  shut(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#first.server.close();
    cleanUp(this.spot);
  }

  /** The socket itself; undefined for one in the file system, whose file goes with this door. */
  get socket(): InheritedSocket | undefined {
    if (this.spot.kind === "unix") return undefined;
    // Bun keeps the descriptor where Node has its own handle.
    const { server } = this.#first as unknown as { server: { _handle?: { fd?: number } } };
    const { fd } = server._handle ?? {};
    if (fd === undefined || fd < 0) throw new Error("a socket has no descriptor to hand over");
    return { name: handedName(this.spot), fd };
  }

  /** Takes no more clients and says good-bye; resolves when all have gone. */
  async vacate(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.leave()));
  }

  /** Takes no more clients, says good-bye, and ends what is still there after `graceMs`. */
  async leave(graceMs: number): Promise<void> {
    const left = Promise.all(this.#servers.map((server) => server.leave()));
    const deadline = setTimeout(() => {
      for (const { open } of this.#servers) for (const connection of open) connection.destroy();
    }, graceMs);
    await left;
    clearTimeout(deadline);
    if (!this.#isClosed) cleanUp(this.spot);
    this.#isClosed = true;
  }
}
