// A small SMTP client for `gw send-test`: one message over one plain connection, and every reply
// seen. Mail of others never goes through it; that is what outbound/ is for.
import { connect, type Socket } from "node:net";
import type { Endpoint } from "../base/endpoint.ts";

/** A reply: its code, and its text without codes, lines joined by a space. RFC 5321 §4.2. */
export interface SmtpReply {
  readonly code: number;
  readonly text: string;
}

/** What is to be sent. `data` has CRLF line endings and no dot-stuffing. */
export interface Mail {
  readonly sender: string;
  readonly recipient: string;
  readonly data: string;
}

/** RFC 5321 §4.5.3.1.5 allows 512; generous, for servers that are not gw. */
const REPLY_LENGTH_MAX = 65_536;

/** One session; replies are taken in the order in which they come. */
class Session {
  readonly #socket: Socket;
  #received = "";
  #wake: () => void = () => {};
  #failure: Error | undefined;

  constructor(endpoint: Endpoint, timeoutMs: number) {
    const { address: host, port } = endpoint;
    this.#socket = connect({ host, port });
    this.#socket.setTimeout(timeoutMs, () => this.#fail(new Error("no reply in time")));
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Error("the connection was closed")));
    this.#socket.on("data", (chunk) => {
      this.#received += chunk.toString("latin1");
      if (this.#received.length > REPLY_LENGTH_MAX) this.#fail(new Error("an endless reply"));
      this.#wake();
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    this.#wake();
  }

  /** Sends a command, or nothing, and waits for one whole reply. */
  async ask(command?: string): Promise<SmtpReply> {
    if (command !== undefined) this.#socket.write(`${command}\r\n`, "utf8");
    for (;;) {
      const reply = this.#takeReply();
      if (reply !== undefined) return reply;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  // Lines `250-text` go on, `250 text` ends the reply.
  #takeReply(): SmtpReply | undefined {
    const whole = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\n/.exec(this.#received);
    if (whole === null) return undefined;
    this.#received = this.#received.slice(whole[0].length);
    const lines = whole[0].trimEnd().split("\n");
    const text = lines.map((line) => line.slice(4).trimEnd()).join(" ");
    return { code: Number(whole[1]), text };
  }

  end(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.end("QUIT\r\n");
    this.#socket.destroySoon();
  }
}

/** Sends one mail; the reply that settled it. Throws if there was no conversation to the end. */
export async function sendMail(
  endpoint: Endpoint,
  mail: Mail,
  timeoutMs: number,
): Promise<SmtpReply> {
  const session = new Session(endpoint, timeoutMs);
  try {
    const steps = [
      undefined,
      "EHLO localhost",
      `MAIL FROM:<${mail.sender}>`,
      `RCPT TO:<${mail.recipient}>`,
      "DATA",
      // RFC 5321 §4.5.2: a dot at the start of a line is doubled, one alone ends the message.
      `${mail.data.replace(/^\./gm, "..").replace(/(?:\r\n)?$/, "\r\n")}.`,
    ];
    let reply: SmtpReply = { code: 0, text: "" };
    for (const step of steps) {
      reply = await session.ask(step);
      if (reply.code >= 400) return reply;
    }
    return reply;
  } finally {
    session.end();
  }
}
