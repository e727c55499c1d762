// An SMTP client that sends exactly the bytes it is told to, right or wrong, and reads replies.
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";

/** One reply, with all its lines. */
export interface LineReply {
  readonly code: number;
  /** Without the code and the separator behind it. */
  readonly lines: readonly string[];
  /** The last line, with its code. */
  readonly last: string;
}

const WAIT_MAX_MS = 5_000;
const RECEIVED_MAX = 2 ** 20;

/** A raw line-level client; every wait ends after `waitMs` with what was said so far. */
export class LineClient {
  #socket: Socket;
  #received = "";
  #isClosed = false;
  #wake: () => void = () => {};
  readonly #said: string[] = [];

  /** A busy machine takes its time for what is hard to scan. */
  waitMs = WAIT_MAX_MS;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  /** Connects, from an address of this host, and sends `early` before anything has been read. */
  static connect(
    port: number,
    host = "127.0.0.1",
    early: string | Uint8Array = "",
    localAddress?: string,
  ): Promise<LineClient> {
    return new Promise((resolve, reject) => {
      const socket = connectTcp({
        port,
        host,
        noDelay: true,
        ...(localAddress && { localAddress }),
      });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        const client = new LineClient(socket);
        if (early.length > 0) client.send(early);
        resolve(client);
      });
    });
  }

  /** Speaks over a socket that is connected. */
  static over(socket: Socket): LineClient {
    return new LineClient(socket);
  }

  /** Sends bytes as they are; text goes as UTF-8. */
  send(bytes: string | Uint8Array): void {
    const text = typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("latin1");
    this.#said.push(`C: ${JSON.stringify(text.slice(0, 200))}`);
    this.#socket.write(bytes);
  }

  /** Sends a line and reads the reply, which must begin with `prefix`. */
  async command(line: string, prefix = ""): Promise<LineReply> {
    this.send(`${line}\r\n`);
    return await this.expect(prefix);
  }

  /** Reads a reply whose last line must begin with `prefix`. */
  async expect(prefix: string): Promise<LineReply> {
    const reply = await this.reply();
    if (!reply.last.startsWith(prefix)) throw this.#error(`expected ${prefix}`);
    return reply;
  }

  /** Reads the next reply. */
  async reply(): Promise<LineReply> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#line();
      lines.push(line.slice(4));
      if (line[3] !== "-") return { code: Number(line.slice(0, 3)), lines, last: line };
    }
  }

  /** Resolves once the server has closed the connection; what it sent before is thrown away. */
  async closed(): Promise<void> {
    await this.#until(() => this.#isClosed, "the end of the connection");
  }

  /** Negotiates TLS on the connection, after STARTTLS has been answered with 220. */
  async startTls(): Promise<void> {
    const plain = this.release();
    this.#received = "";
    await new Promise<void>((resolve, reject) => {
      // The certificate is the test's own; who it names is another test's question.
      const secure = connectTls({ socket: plain, rejectUnauthorized: false }, () => {
        secure.off("error", reject);
        this.#socket = secure;
        this.#listen();
        resolve();
      });
      secure.once("error", reject);
    });
  }

  /** Name in the server's certificate, once TLS is there. */
  get certificateName(): string {
    const socket = this.#socket;
    return socket instanceof TLSSocket ? String(socket.getPeerCertificate().subject.CN) : "";
  }

  /** Gives the socket away, for TLS of another kind. */
  release(): Socket {
    this.#socket.removeAllListeners();
    return this.#socket;
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received += chunk.toString();
      if (this.#received.length > RECEIVED_MAX) this.#socket.destroy();
      this.#wake();
    });
    const onEnd = () => {
      this.#isClosed = true;
      this.#socket.destroy();
      this.#wake();
    };
    this.#socket.on("end", onEnd);
    this.#socket.on("close", onEnd);
    // A reset is one way of closing.
    this.#socket.on("error", onEnd);
  }

  async #line(): Promise<string> {
    await this.#until(() => this.#isClosed || this.#received.includes("\r\n"), "a line");
    const end = this.#received.indexOf("\r\n");
    if (end < 0) throw this.#error("the connection was closed");
    const line = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + 2);
    this.#said.push(`S: ${line}`);
    return line;
  }

  async #until(isDone: () => boolean, what: string): Promise<void> {
    while (!isDone()) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(this.#error(`waited for ${what}`)), this.waitMs);
      this.#wake = resolve;
      await promise.finally(() => clearTimeout(timer));
    }
  }

  #error(message: string): Error {
    return new Error(`${message}\n${this.#said.slice(-30).join("\n")}`);
  }
}
