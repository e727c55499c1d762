// A next hop that keeps what it gets, byte for byte, and answers as a script tells it. It runs in
// the test's own process, so it outlives every restart of the gateway.
import type { Socket } from "bun";

/** One message as the sink received it. */
export interface SinkMessage {
  /** Counts the sink's connections from 1. */
  readonly connection: number;
  /** Reverse-path without brackets and parameters. */
  readonly sender: string;
  /** Only the recipients that were answered with 2xx. */
  readonly recipients: readonly string[];
  /** The message without dot-stuffing and final dot. */
  readonly bytes: Buffer;
}

/** Decides the replies. Every answer is a whole line without its CRLF; RFC 5321 §4.2. */
export interface SinkScript {
  readonly onRecipient?: (address: string) => string;
  /** Called when the final dot has come; the answer may take its time. */
  readonly onMessage?: (
    message: SinkMessage,
    /** Whether the client is still there to hear the answer. */
    isOpen: () => boolean,
  ) => string | Promise<string>;
}

/** A running sink. */
export interface Sink {
  readonly port: number;
  stop(): void;
}

const ACCEPTED = "250 2.0.0 OK";
const END_OF_MESSAGE = Buffer.from("\r\n.\r\n");
const STUFFED_DOT = Buffer.from("\r\n..");
const LINE_FEED = 0x0a;
/** Far above what the scripts send; a gateway gone wild must not fill the machine's memory. */
const MESSAGE_SIZE_MAX = 256 * 1024 * 1024;

/** Removes the dots that RFC 5321 §4.5.2 makes a client add. */
export function unstuffDots(stuffed: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let start = stuffed[0] === 0x2e ? 1 : 0;
  for (let at = stuffed.indexOf(STUFFED_DOT); at >= 0; at = stuffed.indexOf(STUFFED_DOT, at + 4)) {
    pieces.push(stuffed.subarray(start, at + 3));
    start = at + 4;
  }
  pieces.push(stuffed.subarray(start));
  return Buffer.concat(pieces);
}

class SinkSession {
  readonly #socket: Socket;
  readonly #script: SinkScript;
  readonly #connection: number;
  #sender = "";
  #recipients: string[] = [];
  /** Undefined between messages; the CRLF of the DATA line stands before the first byte. */
  #body: Buffer[] | undefined;
  #bodySize = 0;
  /** The last bytes of the body so far, for a final dot that is split over two chunks. */
  #tail: Buffer = Buffer.alloc(0);
  #rest: Buffer = Buffer.alloc(0);
  #isAnswering = false;
  #isOpen = true;

  constructor(socket: Socket, script: SinkScript, connection: number) {
    this.#socket = socket;
    this.#script = script;
    this.#connection = connection;
    socket.write("220 sink.example.net ESMTP\r\n");
  }

  closed(): void {
    this.#isOpen = false;
  }

  received(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#isAnswering) this.#proceed();
  }

  // Works through what has come until it runs dry or an answer is being thought about.
  #proceed(): void {
    while (this.#rest.length > 0 && !this.#isAnswering) {
      const before = this.#rest.length;
      if (this.#body === undefined) this.#takeCommand();
      else this.#takeBody(this.#body);
      if (this.#rest.length === before) return;
    }
  }

  #takeCommand(): void {
    const end = this.#rest.indexOf(LINE_FEED);
    if (end < 0) return;
    const line = this.#rest.toString("latin1", 0, end).trimEnd();
    this.#rest = this.#rest.subarray(end + 1);
    this.#answer(this.#command(line));
    if (/^QUIT$/i.test(line)) this.#socket.end();
  }

  #command(line: string): string {
    const [, address = ""] = /<([^>]*)>/.exec(line) ?? [];
    switch (line.slice(0, 4).toUpperCase()) {
      case "EHLO":
        return [
          "250-sink.example.net",
          "250-PIPELINING",
          "250-8BITMIME",
          "250-SMTPUTF8",
          "250-DSN",
          "250 ENHANCEDSTATUSCODES",
        ].join("\r\n");
      case "MAIL":
        this.#sender = address;
        this.#recipients = [];
        return ACCEPTED;
      case "RCPT": {
        const reply = this.#script.onRecipient?.(address) ?? ACCEPTED;
        if (reply.startsWith("2")) this.#recipients.push(address);
        return reply;
      }
      case "DATA":
        if (this.#recipients.length === 0) return "503 5.5.1 No valid recipients";
        this.#body = [];
        this.#bodySize = 0;
        this.#tail = Buffer.from("\r\n");
        return "354 Go ahead";
      case "QUIT":
        return "221 2.0.0 Bye";
      case "HELO":
      case "RSET":
      case "NOOP":
        return ACCEPTED;
      default:
        return "502 5.5.2 Unknown command";
    }
  }

  #takeBody(body: Buffer[]): void {
    const window = Buffer.concat([this.#tail, this.#rest]);
    const end = window.indexOf(END_OF_MESSAGE);
    // The CRLF before the final dot belongs to the message, the dot's line does not.
    const taken = end < 0 ? this.#rest.length : end + END_OF_MESSAGE.length - this.#tail.length;
    body.push(this.#rest.subarray(0, taken));
    this.#bodySize += taken;
    this.#rest = this.#rest.subarray(taken);
    if (end < 0) {
      this.#tail = Buffer.from(window.subarray(-(END_OF_MESSAGE.length - 1)));
      if (this.#bodySize > MESSAGE_SIZE_MAX) this.#socket.terminate();
      return;
    }
    this.#body = undefined;
    const stuffed = Buffer.concat(body).subarray(0, -".\r\n".length);
    const message: SinkMessage = {
      connection: this.#connection,
      sender: this.#sender,
      recipients: this.#recipients,
      bytes: unstuffDots(stuffed),
    };
    this.#recipients = [];
    this.#isAnswering = true;
    void this.#answerMessage(message);
  }

  async #answerMessage(message: SinkMessage): Promise<void> {
    const isOpen = () => this.#isOpen;
    this.#answer((await this.#script.onMessage?.(message, isOpen)) ?? ACCEPTED);
    this.#isAnswering = false;
    this.#proceed();
  }

  #answer(reply: string): void {
    this.#socket.write(`${reply}\r\n`);
  }
}

/** Starts a sink on a port of 127.0.0.1, by default a free one. */
export function startSink(script: SinkScript, port = 0): Sink {
  let connections = 0;
  const sessions = new WeakMap<Socket, SinkSession>();
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => {
        socket.setNoDelay(true);
        sessions.set(socket, new SinkSession(socket, script, ++connections));
      },
      // The chunk's memory is used again once this returns.
      data: (socket, chunk) => sessions.get(socket)?.received(Buffer.from(chunk)),
      close: (socket) => sessions.get(socket)?.closed(),
      error: (socket) => socket.terminate(),
    },
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}
