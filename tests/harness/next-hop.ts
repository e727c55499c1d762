// A scripted next hop on raw sockets: says what a test tells it to, at every step of the dialogue,
// however wrong, and keeps what it was sent byte for byte.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** What it does at a step: says a reply, says nothing, or says something (or nothing) and hangs up. */
export type Answer = string | { readonly act: "hang" | "drop" | "reset"; readonly text?: string };

/** An answer, or how to find one; `count` is how often this step came in this session, from 1. */
export type Step = Answer | ((line: string, count: number) => Answer);

/** Steps that are left out go well. */
export interface NextHopScript {
  readonly greeting?: Step;
  readonly ehlo?: Step;
  readonly helo?: Step;
  /** Lines of EHLO's reply. */
  readonly extensions?: readonly string[];
  readonly mail?: Step;
  readonly rcpt?: Step;
  readonly data?: Step;
  /** When that many bytes of a message have come. */
  readonly midway?: { readonly after: number; readonly answer: Answer };
  readonly end?: Step;
  readonly rset?: Step;
  readonly starttls?: Step;
  /** PEM; STARTTLS goes well with it. */
  readonly certificate?: { readonly cert: Buffer; readonly key: Buffer };
  /** AUTH PLAIN and LOGIN are offered, and go well with these only. */
  readonly login?: { readonly user: string; readonly password: string };
  /** TLS from the first byte on. */
  readonly isImplicitTls?: boolean;
  /** Reads a chunk only every so many milliseconds. */
  readonly readDelayMs?: number;
}

/** One message as it came. */
export interface TakenMessage {
  /** The bytes between 354 and the final dot, still stuffed. */
  readonly raw: Buffer;
  /** Undone dot-stuffing. */
  readonly message: Buffer;
  readonly mail: string;
  readonly rcpts: readonly string[];
  readonly isSecure: boolean;
  /** User of a login that went well. */
  readonly user: string;
  readonly clientAddress: string;
}

const END = Buffer.from("\r\n.\r\n");

/** A listening next hop. */
export class NextHopServer {
  readonly messages: TakenMessage[] = [];
  /** Command lines of all sessions, in order. */
  readonly lines: string[] = [];
  sessionCount = 0;
  script: NextHopScript;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(script: NextHopScript) {
    this.script = script;
    this.#server = createServer((socket) => {
      this.sessionCount++;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      new HopSession(this, socket).begin();
    });
  }

  /** Listens on a free port of `host`, or on a unix socket if that is a path. */
  static async start(script: NextHopScript = {}, host = "127.0.0.1"): Promise<NextHopServer> {
    const server = new NextHopServer(script);
    await new Promise<void>((resolve) => {
      if (host.startsWith("/")) server.#server.listen(host, resolve);
      else server.#server.listen(0, host, resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get openCount(): number {
    return this.#sockets.size;
  }

  /** Commands by their verbs. */
  get verbs(): string[] {
    return this.lines.map((line) => line.split(/[ :]/)[0] ?? "");
  }

  /** Hangs up on everybody; goes on listening. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.dropAll();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

class HopSession {
  readonly #hop: NextHopServer;
  #socket: Socket;
  #held: Buffer = Buffer.alloc(0);
  #isData = false;
  #isEnded = false;
  #isSecure = false;
  #isLmtp = false;
  #user = "";
  #loginLines: string[] | undefined;
  #mail = "";
  #rcpts: string[] = [];
  #chunks: Buffer[] = [];
  #size = 0;
  readonly #counts = new Map<string, number>();

  constructor(hop: NextHopServer, socket: Socket) {
    this.#hop = hop;
    this.#socket = socket;
  }

  begin(): void {
    const { certificate, isImplicitTls } = this.#hop.script;
    if (isImplicitTls && certificate !== undefined) {
      this.#socket = new TLSSocket(this.#socket, { isServer: true, ...certificate });
      this.#isSecure = true;
    }
    this.#listen();
    this.#say("greeting", this.#hop.script.greeting, "220 next-hop.test ESMTP", "");
  }

  #listen(): void {
    const socket = this.#socket;
    const { readDelayMs } = this.#hop.script;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      if (readDelayMs !== undefined) {
        socket.pause();
        setTimeout(() => socket.resume(), readDelayMs);
      }
      if (this.#isData) this.#takeData(chunk);
      else this.#takeLines(chunk);
    });
  }

  // Says the step's answer; undefined if the session is over or silent from now on.
  #say(name: string, step: Step | undefined, usual: string, line: string): string | undefined {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const answer = typeof step === "function" ? step(line, count) : (step ?? usual);
    if (typeof answer === "string") {
      this.#socket.write(answer.endsWith("\n") ? answer : `${answer}\r\n`);
      return answer;
    }
    this.#act(answer);
    return undefined;
  }

  #act(answer: Exclude<Answer, string>): void {
    this.#isEnded = true;
    if (answer.act === "reset") this.#socket.resetAndDestroy();
    else if (answer.act === "drop") this.#socket.end(answer.text ?? "");
    else if (answer.text !== undefined) this.#socket.write(answer.text);
  }

  #takeLines(chunk: Buffer): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    while (!this.#isEnded && !this.#isData) {
      const end = this.#held.indexOf("\n");
      if (end < 0) return;
      const line = this.#held.toString("utf8", 0, end).trimEnd();
      this.#held = this.#held.subarray(end + 1);
      this.#hop.lines.push(line);
      this.#obey(line);
    }
    if (this.#isData && this.#held.length > 0) {
      const rest = this.#held;
      this.#held = Buffer.alloc(0);
      this.#takeData(rest);
    }
  }

  #obey(line: string): void {
    const { script } = this.#hop;
    if (this.#loginLines !== undefined) {
      this.#takeLogin(line);
      return;
    }
    const verb = (line.split(/[ :]/)[0] ?? "").toUpperCase();
    switch (verb) {
      case "LHLO":
      case "EHLO": {
        this.#isLmtp = verb === "LHLO";
        const lines = ["next-hop.test", ...(script.extensions ?? ["PIPELINING", "8BITMIME"])];
        if ((script.certificate || script.starttls) && !this.#isSecure) lines.push("STARTTLS");
        if (script.login) lines.push("AUTH LOGIN PLAIN");
        const reply = lines.map((text, i) => `250${i < lines.length - 1 ? "-" : " "}${text}\r\n`);
        this.#say("ehlo", script.ehlo, reply.join(""), line);
        break;
      }
      case "HELO":
        this.#say("helo", script.helo, "250 next-hop.test", line);
        break;
      case "STARTTLS":
        if (this.#say("starttls", script.starttls, "220 go", line)) this.#upgrade();
        break;
      case "AUTH": {
        const [, method, first = ""] = line.split(" ");
        this.#loginLines = [];
        if (method === "PLAIN") this.#takeLogin(first);
        else this.#socket.write("334 VXNlcm5hbWU6\r\n");
        break;
      }
      case "MAIL":
        this.#rcpts = [];
        this.#mail = line;
        this.#say("mail", script.mail, "250 2.1.0 ok", line);
        break;
      case "RCPT": {
        const said = this.#say("rcpt", script.rcpt, "250 2.1.5 ok", line);
        if (said?.startsWith("2")) this.#rcpts.push(line);
        break;
      }
      case "DATA": {
        const usual = this.#rcpts.length > 0 ? "354 go" : "503 5.5.1 no recipients";
        const said = this.#say("data", script.data, usual, line);
        this.#isData = typeof said === "string" && said.startsWith("354");
        break;
      }
      case "RSET":
        this.#rcpts = [];
        this.#say("rset", script.rset, "250 2.0.0 ok", line);
        break;
      case "QUIT":
        this.#act({ act: "drop", text: "221 2.0.0 bye\r\n" });
        break;
      default:
        this.#say("other", undefined, "500 5.5.2 what?", line);
    }
  }

  #takeLogin(line: string): void {
    const { login } = this.#hop.script;
    const text = Buffer.from(line, "base64").toString();
    const lines = text.includes("\0")
      ? text.split("\0").slice(1)
      : [...(this.#loginLines ?? []), text];
    this.#loginLines = lines;
    if (lines.length < 2) {
      this.#socket.write("334 UGFzc3dvcmQ6\r\n");
      return;
    }
    this.#loginLines = undefined;
    const isRight = lines[0] === login?.user && lines[1] === login?.password;
    if (isRight) this.#user = lines[0] ?? "";
    this.#socket.write(isRight ? "235 2.7.0 welcome\r\n" : "535 5.7.8 no\r\n");
  }

  #upgrade(): void {
    const { certificate } = this.#hop.script;
    if (certificate === undefined) return;
    this.#socket.removeAllListeners("data");
    const secure = new TLSSocket(this.#socket, { isServer: true, ...certificate });
    this.#socket = secure;
    this.#isSecure = true;
    this.#listen();
  }

  #takeData(chunk: Buffer): void {
    if (this.#isEnded) return;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const { midway } = this.#hop.script;
    if (midway !== undefined && this.#size >= midway.after) {
      if (typeof midway.answer === "string") this.#socket.write(`${midway.answer}\r\n`);
      else this.#act(midway.answer);
      this.#isEnded = true;
      return;
    }
    // Only the end can hold the final dot: a client waits for its reply.
    const tail = this.#chunks.length > 1 ? Buffer.concat(this.#chunks.slice(-6)) : chunk;
    const isEmpty = this.#size === 3 && tail.equals(Buffer.from(".\r\n"));
    if (!isEmpty && !tail.subarray(-END.length).equals(END)) return;
    const raw = Buffer.concat(this.#chunks).subarray(0, -3);
    this.#chunks = [];
    this.#size = 0;
    this.#isData = false;
    const message = Buffer.from(raw.toString("latin1").replace(/^\./gm, ""), "latin1");
    this.#hop.messages.push({
      raw,
      message,
      mail: this.#mail,
      rcpts: this.#rcpts,
      isSecure: this.#isSecure,
      user: this.#user,
      clientAddress: this.#socket.remoteAddress ?? "",
    });
    // RFC 2033 §4.2: LMTP answers for each recipient.
    for (const line of this.#isLmtp ? this.#rcpts : [""]) {
      if (!this.#isEnded) this.#say("end", this.#hop.script.end, "250 2.0.0 taken", line);
    }
  }
}
