// The control socket of a running gateway: takes requests of commands on the same host, one at a
// time per connection, and answers them.

import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { describeError, type Log } from "../base/log.ts";
import { STAGES } from "../pipeline/gate.ts";
import { type Answer, LINE_MAX, LiveAnswer, type Request, SOCKET_NAME } from "./protocol.ts";

/** Answers a request; what it throws is the error that the other side gets. */
export type Handler = (request: Request) => unknown;

const CONNECTIONS_MAX = 50;
const IDLE_MS = 60_000;
/** What may wait for someone who reads slowly, bytes; what comes beyond it is left out. */
const BACKLOG_MAX = 1 << 20;
/** sun_path of Linux (108) and FreeBSD (104), with the zero at its end. */
const PATH_MAX = 103;

/** Requests without anything beside the verb. */
const PLAIN = ["status", "stats", "reload", "signatures", "stop", "activity", "history"] as const;

function requestOf(line: string): Request {
  const raw: unknown = JSON.parse(line);
  if (typeof raw !== "object" || raw === null || !("verb" in raw)) throw new Error("no request");
  const { verb } = raw;
  const plain = PLAIN.find((each) => each === verb);
  if (plain !== undefined) return { verb: plain };
  if (verb === "pause" || verb === "resume") {
    const wanted = "stages" in raw && Array.isArray(raw.stages) ? raw.stages : [];
    return { verb, stages: STAGES.filter((stage) => wanted.includes(stage)) };
  }
  if (verb === "trace") {
    const { ip, from, to } = raw as Partial<Record<"ip" | "from" | "to", unknown>>;
    const [ipText = "", fromText = "", toText = ""] = [ip, from, to].map((one) =>
      typeof one === "string" ? one : undefined,
    );
    return { verb, ip: ipText, from: fromText, to: toText };
  }
  if (verb === "upgrade") {
    const { program, graceMs } = raw as { program?: unknown; graceMs?: unknown };
    if (typeof program !== "string" || typeof graceMs !== "number") throw new Error("which gw?");
    return { verb, program, graceMs };
  }
  if (verb === "report") {
    const { from, to } = raw as { from?: unknown; to?: unknown };
    if (typeof from !== "number" || typeof to !== "number" || !(from < to)) {
      throw new Error("a report needs a period");
    }
    return { verb, from, to };
  }
  throw new Error(`this gateway knows no request ${JSON.stringify(verb)}`);
}

/** Listens for requests on a socket in the data folder. */
export class ControlServer {
  readonly #server: Server;
  readonly #path: string;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string, handler: Handler, log: Log) {
    this.#path = path;
    this.#server = createServer((socket) => this.#serve(socket, handler));
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on("error", (error) => {
      log.error("control-failed", { cause: describeError(error) });
    });
  }

  /**
   * Opens the socket; whatever lies in its place is of a gateway that is gone, since a data folder
   * has one. Throws, with the path, if it can't be opened.
   */
  static async start(dataDir: string, handler: Handler, log: Log): Promise<ControlServer> {
    const path = join(dataDir, SOCKET_NAME);
    if (Buffer.byteLength(path) > PATH_MAX) {
      throw new Error(`${path}: longer than the ${PATH_MAX} bytes that a socket's path may have`);
    }
    const control = new ControlServer(path, handler, log);
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      control.#server.once("error", reject);
      control.#server.listen(path, () => resolve());
    });
    chmodSync(path, 0o600);
    return control;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroySoon();
    rmSync(this.#path, { force: true });
  }

  #serve(socket: Socket, handler: Handler): void {
    let held = "";
    let last: Promise<void> = Promise.resolve();
    this.#sockets.add(socket);
    socket.setEncoding("utf8");
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
    // The other side has gone: nobody is left to be told.
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      held += text;
      for (let end = held.indexOf("\n"); end >= 0; end = held.indexOf("\n")) {
        const line = held.slice(0, end);
        held = held.slice(end + 1);
        last = last.then(() => answer(socket, line, handler));
      }
      if (held.length > LINE_MAX) socket.destroy();
    });
  }
}

async function answer(socket: Socket, line: string, handler: Handler): Promise<void> {
  let said: Answer;
  try {
    const value = await handler(requestOf(line));
    if (value instanceof LiveAnswer) {
      await goOn(socket, value);
      return;
    }
    said = { value };
  } catch (error) {
    said = { error: describeError(error) };
  }
  if (!socket.destroyed) socket.write(`${JSON.stringify(said)}\n`);
}

// Pushes values until the other side goes.
async function goOn<T>(socket: Socket, answer: LiveAnswer<T>): Promise<void> {
  let lost = 0;
  const write = (value: T) => socket.write(`${JSON.stringify({ value })}\n`);
  const end = answer.begin((value) => {
    if (socket.destroyed) return;
    if (socket.writableLength > BACKLOG_MAX) {
      lost++;
      return;
    }
    if (lost > 0) write(answer.lost(lost));
    lost = 0;
    write(value);
  });
  socket.setTimeout(0);
  try {
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      if (socket.destroyed) resolve();
    });
  } finally {
    end();
  }
}
