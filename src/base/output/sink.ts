// Where lines go that others read: a file, a TCP or unix socket, UDP. Mail never waits for them: what
// can't be taken in time is left out, counted, and told with the next line that can.
import dgram from "node:dgram";
import { closeSync, openSync, writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { parseEndpoint } from "../endpoint.ts";

/** Takes lines; never throws, never blocks. */
export interface LineSink {
  /** A line without its end. */
  write(line: string): void;
  /** Opens its file anew, after somebody has moved it away. */
  reopen(): void;
  close(): void;
}

/** What may wait to be taken, bytes. */
const BACKLOG_MAX = 1 << 20;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;
const FILE_MODE = 0o640;
/** A datagram that fits everywhere; RFC 3164 §4.1 allows 1024 bytes. */
const DATAGRAM_MAX = 8_192;

function lostLine(count: number): string {
  return `${count} lines left out: they could not be written in time`;
}

/** Appends to a file. Throws if it can't be opened; later only a reopening tells. */
class FileSink implements LineSink {
  readonly #path: string;
  #file: number;
  #held: string[] = [];
  #lost = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, "a", FILE_MODE);
  }

  write(line: string): void {
    if (this.#held.length === 0) setImmediate(() => this.#flush());
    this.#held.push(line);
  }

  reopen(): void {
    this.#flush();
    try {
      const next = openSync(this.#path, "a", FILE_MODE);
      closeSync(this.#file);
      this.#file = next;
    } catch {
      // The folder is gone or closed to us: the file that is open is better than none.
    }
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }

  #flush(): void {
    const lines = this.#held;
    this.#held = [];
    if (lines.length === 0) return;
    const start = this.#lost > 0 ? `${lostLine(this.#lost)}\n` : "";
    try {
      writeSync(this.#file, `${start}${lines.join("\n")}\n`);
      this.#lost = 0;
    } catch {
      this.#lost += lines.length; // A full disk; told as soon as there is room.
    }
  }
}

/** Writes to a TCP or unix stream socket; connects again when it breaks. */
class StreamSink implements LineSink {
  readonly #connect: () => Socket;
  #socket: Socket | undefined;
  #retryMs = RETRY_MIN_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lost = 0;
  #isClosed = false;

  constructor(open: () => Socket) {
    this.#connect = open;
    this.#open();
  }

  write(line: string): void {
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength + line.length > BACKLOG_MAX) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) socket.write(`${lostLine(this.#lost)}\n`);
    this.#lost = 0;
    socket.write(`${line}\n`);
  }

  reopen(): void {}

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.end();
  }

  #open(): void {
    const socket = this.#connect();
    this.#socket = socket;
    socket.unref();
    socket.on("connect", () => {
      this.#retryMs = RETRY_MIN_MS;
    });
    // Nothing is read; what comes is thrown away.
    socket.on("data", () => undefined);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#socket = undefined;
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.#open(), this.#retryMs);
      this.#timer.unref();
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    });
  }
}

/** Sends each line as a datagram. */
class DatagramSink implements LineSink {
  readonly #socket: dgram.Socket;
  readonly #address: string;
  readonly #port: number;
  #pending = 0;
  #lost = 0;

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
    this.#socket = dgram.createSocket(address.includes(":") ? "udp6" : "udp4");
    // Nobody listens there just now: that is how UDP is.
    this.#socket.on("error", () => undefined);
    this.#socket.unref();
  }

  write(line: string): void {
    if (this.#pending > BACKLOG_MAX) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) {
      const told = lostLine(this.#lost);
      this.#lost = 0;
      this.#send(told);
    }
    this.#send(line);
  }

  reopen(): void {}

  close(): void {
    this.#socket.close();
  }

  #send(line: string): void {
    const bytes = Buffer.from(line).subarray(0, DATAGRAM_MAX);
    this.#pending += bytes.length;
    this.#socket.send(bytes, this.#port, this.#address, () => {
      this.#pending -= bytes.length;
    });
  }
}

/** Where lines can go, for messages to people. */
export const SINK_FORMS = "/path/of/a/file, tcp:127.0.0.1:5140, udp:127.0.0.1:514 or unix:/path";

/** True if a text names a place for lines. */
export function isSinkPlace(place: string): boolean {
  const [, kind, rest = ""] = /^(tcp|udp|unix):(.*)$/s.exec(place) ?? [];
  if (kind === undefined) return place.startsWith("/");
  return kind === "unix" ? rest.startsWith("/") : (parseEndpoint(rest)?.port ?? 0) > 0;
}

/** Opens a place for lines; throws, with its name, if it is none or its file can't be opened. */
export function openSink(place: string): LineSink {
  if (!isSinkPlace(place)) throw new Error(`${place} is no place for lines: ${SINK_FORMS}`);
  const [, kind, rest = ""] = /^(tcp|udp|unix):(.*)$/s.exec(place) ?? [];
  if (kind === undefined) {
    try {
      return new FileSink(place);
    } catch (error) {
      throw new Error(`${place} cannot be opened for writing`, { cause: error });
    }
  }
  if (kind === "unix") return new StreamSink(() => connect(rest));
  const { address, port } = parseEndpoint(rest) ?? { address: "", port: 0 };
  if (kind === "udp") return new DatagramSink(address, port);
  return new StreamSink(() => connect(port, address));
}
