// smtp-server behind gw's own session: what it does well stays (commands, TLS, timeouts), what gw
// decides itself is overridden here and nowhere else. The overridden members carry underscores, so
// package.json pins the exact version, and the dialogs in tests/dialogs hold it to its behaviour.
import type { Socket } from "node:net";
import type { PassThrough } from "node:stream";
import { TLSSocket } from "node:tls";
import type { SMTPServer } from "smtp-server";
import { SMTPConnection, type SMTPConnectionOptions } from "smtp-server/lib/smtp-connection.js";
import { IpRanges } from "../base/ip-range.ts";
import type { Tally } from "../base/tally.ts";
import type { Client } from "../message.ts";
import { type Answer, REPLIES, type Reply, textOf } from "../reply.ts";
import { Chunking, type ChunkSession } from "./data/chunking.ts";
import { DataParser } from "./data/data-parser.ts";
import { extensionsOf } from "./extensions.ts";
import { Admission, type Refusal } from "./limits/admission.ts";
import { SessionGuard, type SessionLimits } from "./limits/guard.ts";
import { type AuthSession, LoginDialog } from "./login/dialog.ts";
import type { Logins } from "./login/logins.ts";
import { type Forwarded, parseForwarded } from "./proxy/forwarded.ts";
import { Session, type SessionParts } from "./session.ts";
import type { DoorPlan } from "./settings.ts";

/** What all connections share; all but the tally changes when gw reloads. */
export interface House {
  parts: SessionParts;
  limits: SessionLimits;
  logins: Logins;
  readonly sessions: Tally;
}

// `2.0.0 text`: how a reply's enhanced code travels through smtp-server, which has no field for it.
// RFC 5321 §4.5.3.1.2, with room for what is no name; it ends up in logs and trace fields.
const HELO_MAX = 300;
const CONTROL = /\p{Cc}/u;
const ENHANCED_TEXT = /^([245]\.\d{1,3}\.\d{1,3}) (.*)$/s;

/** What a connection is made of. */
export interface Origin {
  readonly server: SMTPServer;
  readonly house: House;
  readonly plan: DoorPlan;
  readonly socket: Socket | TLSSocket;
  readonly options: SMTPConnectionOptions | null;
  /** The gateway is being stopped. */
  readonly isLeaving: () => boolean;
}

/** One connection. */
export class Connection extends SMTPConnection {
  readonly mail: Session;
  readonly #house: House;
  readonly #plan: DoorPlan;
  readonly #guard: SessionGuard;
  readonly #chunks: Chunking;
  readonly #isLeaving: () => boolean;
  #afterCommand: () => void = () => {};
  readonly #relays: IpRanges;
  readonly #login: LoginDialog;
  #forwarded: Forwarded = {};
  readonly #admission: Admission;

  constructor(from: Origin) {
    super(from.server, from.socket, from.options);
    this.#house = from.house;
    this.#plan = from.plan;
    this.#relays = new IpRanges(from.plan.xclientNetworks);
    this.#guard = new SessionGuard(this.#house.limits, this.#now());
    this.#chunks = new Chunking(this.#chunkSession());
    this.#isLeaving = from.isLeaving;
    const { sessions, limits, parts } = this.#house;
    this.#admission = new Admission({ ...parts, sessions, limits, role: from.plan.role });
    const session = () => this.#authSession();
    this.#login = new LoginDialog({ logins: this.#house.logins, log: parts.log, session });
    this.mail = new Session(this.#house.parts, () => this.#client(), {
      isLoginOffered: from.plan.auth !== "off",
      isLoginNeeded: from.plan.auth === "required",
      identity: () => this.#login.identity,
    });
  }

  // smtp-server waits 100 ms in front of every greeting, to catch clients that talk first. With a
  // connection per message that wait is the whole throughput: 190 messages/s. One turn of the event
  // loop shows what has already arrived, which is what such clients do.
  override init(): void {
    this._setListeners(() => {
      const refused = this.#admission.enter(this.remoteAddress, this.#now());
      if (refused !== undefined) {
        this.#turnAway(refused);
        return;
      }
      const isOwn = this.#house.parts.relay.isTrusted(this.remoteAddress);
      const greetingDelayMs = isOwn ? 0 : this.#house.limits.greetingDelayMs;
      const greet = () => this.connectionReady();
      if (greetingDelayMs > 0) setTimeout(greet, greetingDelayMs).unref();
      else setImmediate(greet);
    });
  }

  override connectionReady(next?: () => void): void {
    // Half a line has come already.
    if (!this._closing && this._parser && this._parser._remainder !== "") this.#refuseEarly();
    else super.connectionReady(next);
  }

  override _createParser(): DataParser {
    const { maxCommandLength } = this._server.options;
    const parser = new DataParser({ maxCommandLength });
    parser.oncommand = (command, callback) => this._onCommand(command, callback);
    // Only too long a line; RFC 5321 §4.5.3.1.4 leaves open what comes then.
    parser.on("error", (error) => this.send(421, error.message));
    return parser;
  }

  override _onCommand(command: Buffer, callback?: () => void): void {
    if (!this._ready && !this._upgrading) {
      this.#refuseEarly();
      return;
    }
    const verb = command.toString("latin1", 0, 4).toUpperCase();
    const over =
      this.#guard.command(verb, this.#now()) ?? (verb === "MAIL" ? this.#guard.mail() : undefined);
    if (over !== undefined) {
      this.#end(over);
      return;
    }
    const { delayMs } = this.#guard;
    const run = () =>
      this._closing || this._closed ? undefined : super._onCommand(command, callback);
    if (delayMs > 0) setTimeout(run, delayMs).unref();
    else run();
  }

  override handler_MAIL(command: Buffer, callback: () => void): void {
    const reply = this.mail.mail(command.toString());
    // smtp-server wants to know that a transaction is open.
    if (reply.code === 250) this.session.envelope.mailFrom = { address: "", args: false };
    this.#give(reply);
    callback();
  }

  override handler_RCPT(command: Buffer, callback: () => void): void {
    const { isOpen: isChunked } = this.#chunks;
    const answer = isChunked ? REPLIES.notWithChunks : this.mail.rcpt(command.toString());
    // Rules may ask around; the next command is read when this one has its reply.
    void Promise.resolve(answer).then((reply) => {
      this.#give(reply);
      callback();
    });
  }

  override handler_DATA(command: Buffer, callback: () => void): void {
    // RFC 5321 §4.3.2: a refusal now spares the client the message.
    const refused = this.#chunks.isOpen ? REPLIES.notWithChunks : this.mail.begin();
    if (refused !== undefined) {
      this.#give(refused);
      callback();
      return;
    }
    // RFC 2033 §4.2: LMTP has a reply for each; smtp-server counts them here.
    const count = this.#plan.protocol === "lmtp" ? this.mail.accepted.length : 1;
    this.session.envelope.rcptTo = new Array(count).fill({ address: "", args: false });
    this.#guard.messageBegun(this.#now());
    super.handler_DATA(command, callback);
  }

  handler_BDAT(command: Buffer, callback: () => void): void {
    this.#afterCommand = callback;
    this.#chunks.command(command.toString());
  }

  override _proxyCommandAllowed(command: string): boolean {
    // Once a relay has given the session away it is the client's, and the client is not trusted.
    if (this._xClient.has("ADDR") || !this._isSupported(command)) return false;
    return this.#relays.contains(this._originalRemoteAddress);
  }

  // The first greeting, and the one after XCLIENT: the session is another client's from then on.
  override _sendGreeting(): void {
    this.#login.forget();
    const refused = this.#admission.enter(this.remoteAddress, this.#now());
    if (refused === undefined) super._sendGreeting();
    else this.#turnAway(refused);
  }

  override handler_EHLO(command: Buffer, callback: () => void): void {
    const [, name = "", ...more] = command.toString().trim().split(/\s+/);
    if (name === "" || more.length > 0 || name.length > HELO_MAX || CONTROL.test(name)) {
      this.#give(REPLIES.ehloSyntax);
    } else {
      this.hostNameAppearsAs = name.toLowerCase();
      this._resetSession();
      this.send(250, [this.name, ...this.#extensions()], false);
    }
    callback();
  }

  override handler_AUTH(command: Buffer, callback: () => void): void {
    this.#login.command(command.toString(), callback);
  }

  override handler_XFORWARD(command: Buffer, callback: () => void): void {
    const forwarded = parseForwarded(command.toString());
    if (!this._proxyCommandAllowed("XFORWARD")) this.#give(REPLIES.notAuthorised);
    else if (this.mail.isOpen) this.#give(REPLIES.nestedMail);
    else if (forwarded === undefined) this.#give(REPLIES.badParameter);
    else {
      this.#forwarded = { ...this.#forwarded, ...forwarded };
      this.#give(REPLIES.ok);
    }
    callback();
  }

  /** Not offered; RFC 5321 §3.5.3 asks for 502 rather than 500. */
  handler_EXPN(_command: Buffer, callback: () => void): void {
    this.#give(REPLIES.notImplemented);
    callback();
  }

  /** The replies to a message: in LMTP one for each RCPT that was taken. RFC 2033 §4.2. */
  repliesOf(answer: Answer): readonly Reply[] {
    const { accepted } = this.mail;
    if (this.#plan.protocol !== "lmtp" || accepted.length === 0) return [answer];
    return accepted.map((address) => answer.each?.get(address) ?? answer);
  }

  /** Takes the message after DATA and resolves with its reply. */
  async receive(stream: PassThrough): Promise<Answer> {
    const reply = await this.mail.receive(stream);
    const size = this.mail.receivedSize;
    this.#guard.messageEnded({ isTaken: reply.code === 250, size, now: this.#now() });
    return reply;
  }

  // Every reply passes here: the enhanced code is put where it belongs, and refusals are counted.
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const [, enhanced, text] = (typeof data === "string" && ENHANCED_TEXT.exec(data)) || [];
    super.send(code, text ?? data, context === false ? context : (enhanced ?? context));
    const over = this._closing ? undefined : this.#guard.replied({ code });
    if (over !== undefined) this.#end(over);
  }

  override _getEnhancedStatusCode(code: number, context?: string | false): string {
    const isCode = typeof context === "string" && /^[245]\./.test(context);
    return isCode ? context : super._getEnhancedStatusCode(code, context);
  }

  override _resetSession(): void {
    super._resetSession();
    // What XFORWARD told is good for one message.
    this.#forwarded = {};
    this.#chunks.reset();
    this.mail.reset();
  }

  override _onClose(): void {
    this.#admission.leave();
    super._onClose();
    this.#chunks.reset();
    this.mail.reset();
  }

  /** Ends what takes too long; smtp-server's own timer starts anew at every byte. */
  sweep(now: number): void {
    const overdue = this.#guard.overdue(now);
    if (overdue !== undefined) this.#end(overdue);
  }

  /** Says good-bye unless a message is on its way in. RFC 5321 §3.8. */
  leave(): void {
    if (!this.#guard.isReceiving) this.#end(REPLIES.shuttingDown);
  }

  /** Cuts the connection, whatever is going on. */
  destroy(): void {
    this._socket.destroy();
  }

  #extensions(): readonly string[] {
    const isSecure = this.secure;
    return extensionsOf({
      sizeMax: this._server.options.size ?? 0,
      canLogIn: isSecure && this._isSupported("AUTH") && this.#login.identity === undefined,
      canStartTls: !isSecure && this._isSupported("STARTTLS"),
      hasXclient: this._proxyCommandAllowed("XCLIENT"),
      hasXforward: this._proxyCommandAllowed("XFORWARD"),
    });
  }

  #chunkSession(): ChunkSession {
    const giveLast = (reply: Answer) => this.#give(...this.repliesOf(reply));
    return {
      messageSizeMax: this.#house.parts.settings.messageSizeMax,
      begin: () => {
        const refused = this.mail.begin();
        if (refused === undefined) this.#guard.messageBegun(this.#now());
        return refused;
      },
      receive: (stream) => this.receive(stream),
      give: (reply) => this.#give(reply),
      giveLast,
      // smtp-server's idle time does not run while a message waits for its reply.
      wait: (stream) => {
        this._dataStream = Object.assign(stream, { byteLength: 0, sizeExceeded: false });
      },
      finish: (reply) => {
        this._dataStream = false;
        giveLast(reply);
        this._resetSession();
        if (this.#isLeaving()) this.leave();
      },
      close: () => this.close(),
      read: (size, stream, onEnd) => {
        const goOn = this.#afterCommand;
        const parser = this._parser;
        if (size === 0) onEnd(goOn);
        else if (parser instanceof DataParser) {
          parser.startChunk(size, stream, onEnd);
          goOn();
        }
      },
    };
  }

  #authSession(): AuthSession {
    return {
      address: this.remoteAddress,
      isSecure: this.secure,
      isOpen: this.mail.isOpen,
      give: (reply) => {
        // smtp-server writes ESMTPA by this.
        this.session.user = this.#login.identity?.name;
        this.#give(reply);
      },
      challenge: (text, next) => {
        this._nextHandler = (line, done) => next(String(line), done);
        this.send(334, text, false);
      },
    };
  }

  #now(): number {
    return this.#house.parts.clock.steady();
  }

  #give(...replies: readonly Reply[]): void {
    for (const reply of replies) this.send(reply.code, textOf(reply));
  }

  // A 421 closes the connection.
  #end(reply: Reply): void {
    if (this._closing || this._closed) return;
    this.#house.parts.log.info("session-ended", this.#fields(reply));
    this.#give(reply);
  }

  #refuseEarly(): void {
    if (!this._closing) this.#turnAway(REPLIES.talksTooSoon);
  }

  // Refuses the session as a whole, in place of a greeting.
  #turnAway(reply: Refusal): void {
    this.#noteRefusal(reply);
    this.send(reply.code, reply.text, false);
    this.close();
  }

  #noteRefusal(reply: Refusal): void {
    const { log, intake } = this.#house.parts;
    log.info("session-refused", { ...this.#fields(reply), cause: reply.cause });
    intake.refused({
      client: this.#client(),
      stage: "connection",
      sender: undefined,
      recipients: [],
      reply: `${reply.code} ${textOf(reply)}`,
      cause: reply.cause,
    });
  }

  #fields(reply: Reply) {
    return { client: this.remoteAddress, reply: `${reply.code} ${textOf(reply)}` };
  }

  #client(): Client {
    const cipher = this.secure && this.tlsOptions ? this.tlsOptions.name : undefined;
    const version = this._socket instanceof TLSSocket ? this._socket.getProtocol() : null;
    const { user } = this.session;
    const { remoteAddress, remotePort, hostNameAppearsAs } = this;
    const peer = { address: remoteAddress, port: remotePort, helo: hostNameAppearsAs || "" };
    const { address, port = 0, helo = "" } = this.#forwarded;
    return {
      ...(address === undefined ? peer : { address, port, helo, via: peer }),
      protocol: this._transmissionType(),
      role: this.#plan.role,
      ...(typeof user === "string" && { user }),
      ...(cipher !== undefined && { tls: version === null ? cipher : `${version} ${cipher}` }),
    };
  }
}
