// A light SMTP client for loads: one message after the other per session, bodies ready in memory,
// nothing done per message but the dialogue itself. Lost connections are values, not exceptions.
import type { Socket } from "bun";

/** What a session hands over. */
export interface Outgoing {
  /** Reverse-path; "" is the null sender. */
  readonly sender: string;
  readonly recipients: readonly string[];
  /** The message as it goes over the wire: dot-stuffed and ended, as `toWire()` makes it. */
  readonly wire: Uint8Array;
  /** ESMTP parameters of MAIL, such as "BODY=8BITMIME". */
  readonly parameters?: string;
}

/** Where in the transaction the last word was said. RFC 5321 §3.3. */
export type Stage = "connect" | "mail" | "rcpt" | "data" | "message";

/** How a transaction ended. `dataMs`: from sending DATA to the reply after the final dot. */
export type SendOutcome =
  | {
      readonly kind: "replied";
      readonly stage: Stage;
      readonly code: number;
      readonly text: string;
      readonly dataMs: number;
    }
  | { readonly kind: "lost"; readonly stage: Stage };

/** Where to connect to, and as whom. */
export interface SessionOptions {
  readonly port: number;
  readonly host?: string;
  readonly helo?: string;
}

const CR_LF_DOT = Buffer.from("\r\n.");
const DASH = 0x2d;
const LINE_FEED = 0x0a;

/** Dot-stuffs a message with CRLF line ends and adds the final dot. RFC 5321 §4.5.2. */
export function toWire(message: Uint8Array): Buffer {
  const body = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const pieces: Uint8Array[] = [];
  let start = 0;
  if (body[0] === 0x2e) pieces.push(Buffer.from("."));
  for (let at = body.indexOf(CR_LF_DOT); at >= 0; at = body.indexOf(CR_LF_DOT, at + 2)) {
    pieces.push(body.subarray(start, at + 2), Buffer.from("."));
    start = at + 2;
  }
  const isEnded = body.length === 0 || body.subarray(-2).equals(CR_LF_DOT.subarray(0, 2));
  pieces.push(body.subarray(start), Buffer.from(isEnded ? ".\r\n" : "\r\n.\r\n"));
  return Buffer.concat(pieces);
}

interface Transaction {
  readonly outgoing: Outgoing;
  readonly resolve: (outcome: SendOutcome) => void;
  /** Recipients that have been answered. */
  answered: number;
  stage: Stage;
  dataAt: number;
  /** The refusal that ends the transaction, held until RSET is answered. */
  refusal: SendOutcome | undefined;
}

/** One SMTP session. Opened by `openSession()`; ends by `quit()` or when the server goes. */
export class GeneratorSession {
  readonly #helo: string;
  #socket: Socket | undefined;
  #phase: "greeting" | "ehlo" | "ready" | "quit" | "gone" = "greeting";
  #opened: ((failure: SendOutcome | undefined) => void) | undefined;
  #closed: (() => void) | undefined;
  #current: Transaction | undefined;
  #unsent: Uint8Array | undefined;
  #partial: Buffer | undefined;

  constructor(helo: string, opened: (failure: SendOutcome | undefined) => void) {
    this.#helo = helo;
    this.#opened = opened;
  }

  get isGone(): boolean {
    return this.#phase === "gone";
  }

  /** Sends one message; never rejects. One transaction at a time. */
  send(outgoing: Outgoing): Promise<SendOutcome> {
    if (this.#phase !== "ready") return Promise.resolve({ kind: "lost", stage: "connect" });
    return new Promise((resolve) => {
      this.#current = {
        outgoing,
        resolve,
        answered: 0,
        stage: "mail",
        dataAt: 0,
        refusal: undefined,
      };
      const parameters = outgoing.parameters === undefined ? "" : ` ${outgoing.parameters}`;
      this.#write(`MAIL FROM:<${outgoing.sender}>${parameters}\r\n`);
    });
  }

  /** Says QUIT and waits until the connection is closed. */
  quit(): Promise<void> {
    if (this.#phase !== "ready") {
      this.destroy();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#closed = resolve;
      this.#phase = "quit";
      this.#write("QUIT\r\n");
    });
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#socket?.terminate();
  }

  /** For `openSession()`: the connection stands. */
  connected(socket: Socket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
  }

  /** For `openSession()`: bytes came in. */
  received(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#partial !== undefined) {
      bytes = Buffer.concat([this.#partial, chunk]);
      this.#partial = undefined;
    }
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      // RFC 5321 §4.2.1: a dash after the code announces another line of the same reply.
      if (bytes[start + 3] !== DASH) this.#replied(bytes.toString("latin1", start, end).trimEnd());
      start = end + 1;
    }
    // The chunk's memory is used again once this returns.
    if (start < bytes.length) this.#partial = Buffer.from(bytes.subarray(start));
  }

  /** For `openSession()`: the socket takes bytes again. */
  drained(): void {
    if (this.#unsent === undefined) return;
    const rest = this.#unsent;
    this.#unsent = undefined;
    this.#write(rest);
  }

  /** For `openSession()`: the connection is over. */
  lost(): void {
    if (this.#phase === "gone") return;
    this.#phase = "gone";
    this.#opened?.({ kind: "lost", stage: "connect" });
    this.#opened = undefined;
    const current = this.#current;
    this.#current = undefined;
    current?.resolve(current.refusal ?? { kind: "lost", stage: current.stage });
    this.#closed?.();
  }

  #write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    const written = this.#socket?.write(bytes) ?? -1;
    if (written >= 0 && written < bytes.length) this.#unsent = bytes.subarray(written);
  }

  #replied(line: string): void {
    const code = Number(line.slice(0, 3));
    if (this.#current !== undefined) {
      this.#advance(this.#current, code, line);
    } else if (this.#phase === "greeting" && code === 220) {
      this.#phase = "ehlo";
      this.#write(`EHLO ${this.#helo}\r\n`);
    } else if (this.#phase === "ehlo" && code === 250) {
      this.#phase = "ready";
      this.#opened?.(undefined);
      this.#opened = undefined;
    } else {
      // A refusal at the door, the reply to QUIT, or a 421: nothing more will be said.
      this.#opened?.({ kind: "replied", stage: "connect", code, text: line, dataMs: 0 });
      this.#opened = undefined;
      this.#socket?.end();
    }
  }

  #advance(current: Transaction, code: number, text: string): void {
    const isWanted = current.stage === "data" ? code === 354 : code >= 200 && code < 300;
    if (current.refusal !== undefined) this.#finish(current, current.refusal);
    else if (isWanted && current.stage !== "message") this.#sendNext(current);
    else this.#conclude(current, code, text);
  }

  #sendNext(current: Transaction): void {
    const { recipients, wire } = current.outgoing;
    if (current.stage === "data") {
      current.stage = "message";
      this.#write(wire);
      return;
    }
    if (current.stage === "rcpt") current.answered++;
    current.stage = current.answered < recipients.length ? "rcpt" : "data";
    if (current.stage === "rcpt") {
      this.#write(`RCPT TO:<${recipients[current.answered]}>\r\n`);
    } else {
      current.dataAt = performance.now();
      this.#write("DATA\r\n");
    }
  }

  #conclude(current: Transaction, code: number, text: string): void {
    const dataMs = current.dataAt === 0 ? 0 : performance.now() - current.dataAt;
    const outcome = { kind: "replied", stage: current.stage, code, text, dataMs } as const;
    if (current.stage === "message" || current.stage === "mail" || code === 421) {
      this.#finish(current, outcome);
    } else {
      current.refusal = outcome;
      this.#write("RSET\r\n");
    }
  }

  #finish(current: Transaction, outcome: SendOutcome): void {
    this.#current = undefined;
    current.resolve(outcome);
  }
}

/** Connects and says EHLO; resolves with the session, or with why there is none. */
export function openSession(
  options: SessionOptions,
): Promise<
  | { readonly kind: "open"; readonly session: GeneratorSession }
  | { readonly kind: "failed"; readonly outcome: SendOutcome }
> {
  return new Promise((resolve) => {
    const session = new GeneratorSession(options.helo ?? "client.example.net", (failure) =>
      resolve(
        failure === undefined ? { kind: "open", session } : { kind: "failed", outcome: failure },
      ),
    );
    Bun.connect({
      hostname: options.host ?? "127.0.0.1",
      port: options.port,
      socket: {
        open: (socket) => session.connected(socket),
        data: (_socket, chunk) => session.received(chunk),
        drain: () => session.drained(),
        close: () => session.lost(),
        error: () => session.lost(),
        connectError: () => session.lost(),
      },
    }).catch(() => session.lost());
  });
}
