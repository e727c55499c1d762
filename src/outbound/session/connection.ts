// nodemailer's SMTP client, with what a gateway needs beside it: every reply kept per recipient, DSN
// parameters per recipient, a deadline for every wait, and a body that goes straight to the socket.
// nodemailer keeps the dialogue itself: greeting, EHLO, STARTTLS, pipelining, reply parsing. The
// methods named `_…` are its internals; its version is pinned, and the tests of this file fail if
// one of them goes away.
import type { Socket } from "node:net";
import SMTPConnection, { type SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";
import type { Recipient } from "../../message.ts";
import { isPositive, isReply } from "../response.ts";
import type { Payload } from "./payload.ts";

/** Waits that have a limit, milliseconds. RFC 5321 §4.5.3.2. */
export interface Timeouts {
  /** Until the connection stands, per address. */
  readonly connectMs: number;
  /** Until the greeting, and for a TLS handshake. */
  readonly greetingMs: number;
  /** For the reply to any command. */
  readonly commandMs: number;
  /** Until the next hop has taken one more chunk of a body. */
  readonly dataBlockMs: number;
  /** For the reply to the end of data. */
  readonly dataEndMs: number;
}

type Callback = (error: Error | null, reply?: string) => void;

interface Internals {
  _responseActions: ((reply: string) => void)[];
  _responseQueue: string[];
  _responsePartial: boolean;
  _supportedExtensions: string[];
  _supportedAuth: string[];
  _maxAllowedSize: number;
  _actionMAIL(reply: string, callback: Callback): void;
  _actionRCPT(reply: string, callback: Callback): void;
  _actionDATA(reply: string, callback: Callback): void;
  _actionSMTPStream(reply: string, callback: Callback): void;
  _processResponse(): unknown;
  _sendCommand(command: string, logged?: string): void;
  _onClose(): void;
  _onError(error: Error, type: string, reply: string | false, command: string): void;
}

const base = SMTPConnection.prototype as unknown as Internals;

// RFC 3461 §4.2 in its encoded form, RFC 6533 §3 lets it be UTF-8: no blanks, no controls.
const ORCPT = /^[!-~]+$|^[!-~\u00a0-\u{10ffff}]+$/u;

// A reply is at most a few lines; EHLO's a few dozen. More is an attempt to fill our memory.
const RESPONSE_SIZE_MAX = 64 * 1024;

/** What one transaction is about, for `begin()`. */
export interface Transaction {
  readonly sender: string;
  readonly recipients: readonly Recipient[];
  readonly needsUtf8: boolean;
}

/** Replies of one transaction so far; undefined where none has come. */
export interface Replies {
  mail: string | undefined;
  readonly recipients: string[];
  /** LMTP: to the end of data, one for each recipient that was accepted. RFC 2033 §4.2. */
  readonly ends: string[];
  /** Set at the first byte of the message, and when the last one has gone to the socket. */
  isBodyBegun: boolean;
  isBodySent: boolean;
}

function noReplies(): Replies {
  return { mail: undefined, recipients: [], ends: [], isBodyBegun: false, isBodySent: false };
}

/** One SMTP connection; `connect()` and `send()` are nodemailer's. */
export class Connection extends SMTPConnection {
  readonly #timeouts: Timeouts;
  #transaction: Transaction = { sender: "", recipients: [], needsUtf8: false };
  #recipientsSent = 0;
  #isDraining = false;
  /** When the wait that is under way ends, on the steady clock; Infinity if there is none. */
  #deadline: number;
  readonly #now: () => number;
  replies: Replies = noReplies();
  /** Bytes of a message that is held in memory for this transaction. */
  heldSize = 0;

  constructor(options: SMTPConnectionOptions, timeouts: Timeouts, steady: () => number) {
    super({
      ...options,
      logger: false,
      greetingTimeout: timeouts.greetingMs,
      connectionTimeout: timeouts.connectMs + 2 * timeouts.greetingMs + 2 * timeouts.commandMs,
      // Idleness of the socket says little: a reply may trickle. The deadline below rules; this is
      // only set so that nodemailer's default is not in the way.
      socketTimeout: 2 * Math.max(timeouts.dataEndMs, timeouts.dataBlockMs, timeouts.commandMs),
      maxResponseSize: RESPONSE_SIZE_MAX,
      // end() waits for the far side; what is left to say has been said when close() is called.
      socketCloseTimeout: 0,
    });
    this.#timeouts = timeouts;
    this.#now = steady;
    this.#deadline = steady() + timeouts.greetingMs;
  }

  get #internals(): Internals {
    return this as unknown as Internals;
  }

  /** True if EHLO's reply names the extension: SMTPUTF8, DSN, 8BITMIME, PIPELINING, SIZE. */
  offers(extension: string): boolean {
    return this.#internals._supportedExtensions.includes(extension);
  }

  /** True if EHLO's reply names this way to log in. */
  knowsLogin(method: string): boolean {
    return this.#internals._supportedAuth.includes(method);
  }

  /** Largest message the next hop takes, bytes; 0 if it does not say. RFC 1870 §4. */
  get messageSizeMax(): number {
    return this.#internals._maxAllowedSize;
  }

  /** Must stand before each `send()`: forgets the replies of the transaction before. */
  begin(transaction: Transaction): void {
    this.#transaction = transaction;
    this.#recipientsSent = 0;
    this.replies = noReplies();
  }

  /** Nothing is being waited for from now on. */
  rest(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  /** Ends the connection if a wait has lasted too long; called every now and then. */
  checkDeadline(now: number): void {
    if (now < this.#deadline || this.destroyed) return;
    this.#deadline = Number.POSITIVE_INFINITY;
    this._onError(new Error("timeout"), "ETIMEDOUT", false, "CONN");
  }

  #wait(ms: number): void {
    this.#deadline = this.#now() + ms;
  }

  _sendCommand(command: string, logged?: string): void {
    this.#wait(this.#timeouts.commandMs);
    base._sendCommand.call(this, this.#spelt(command), logged);
  }

  // What nodemailer can't say itself: addresses with angle brackets in quotes, which it was given a
  // stand-in for; and SMTPUTF8 for headers as well, as it looks at addresses only. RFC 6531 §3.4.
  #spelt(command: string): string {
    const { sender, recipients, needsUtf8 } = this.#transaction;
    if (command.startsWith("MAIL FROM:<")) {
      const said = `MAIL FROM:<${sender}>${command.slice(command.indexOf(">") + 1)}`;
      return needsUtf8 && !/ SMTPUTF8\b/.test(said) ? `${said} SMTPUTF8` : said;
    }
    if (!command.startsWith("RCPT TO:<")) return command;
    const address = recipients[this.#recipientsSent - 1]?.address ?? "";
    return `RCPT TO:<${address}>${command.slice(command.indexOf(">") + 1)}`;
  }

  // RFC 3461 §4: nodemailer has one NOTIFY and ORCPT for all; asked once per recipient, in order.
  _getDsnRcptToArgs(): string {
    const recipient = this.#transaction.recipients[this.#recipientsSent++];
    if (recipient === undefined || !this.offers("DSN")) return "";
    const { notify = [], orcpt = "" } = recipient;
    const notifyText = notify.length > 0 ? ` NOTIFY=${notify.join(",").toUpperCase()}` : "";
    const isSendable = ORCPT.test(orcpt) && (this.#transaction.needsUtf8 || /^[!-~]*$/.test(orcpt));
    return isSendable ? `${notifyText} ORCPT=${orcpt}` : notifyText;
  }

  _actionMAIL(reply: string, callback: Callback): void {
    this.replies.mail = reply;
    this.#wait(this.#timeouts.commandMs);
    base._actionMAIL.call(this, reply, callback);
  }

  _actionRCPT(reply: string, callback: Callback): void {
    this.replies.recipients.push(reply);
    this.#wait(this.#timeouts.commandMs);
    base._actionRCPT.call(this, reply, callback);
  }

  // nodemailer takes 2yz for 354 here. In a pipelined dialogue that is out of step, that would send
  // a body as commands and take the reply to something else for the message's.
  _actionDATA(reply: string, callback: Callback): void {
    if (!reply.startsWith("2")) {
      base._actionDATA.call(this, reply, callback);
      return;
    }
    callback(new Error(`unexpected reply to DATA: ${reply}`));
    this.close();
  }

  /** What nodemailer's `send()` writes the message to; `message` is a Payload here. */
  _createSendStream(callback: Callback): { write(payload: Payload): void; end(): void } {
    const replies = this.replies;
    const isLmtp = this.options.lmtp === true;
    const endCount = isLmtp ? replies.recipients.filter(isPositive).length : 1;
    for (let left = endCount; left > 0; left--) {
      this.#internals._responseActions.push((reply) => {
        // RFC 5321 §4.2: what is no positive reply, to the letter, is no acceptance.
        const strict = isReply(reply) ? reply : `451 ${reply}`;
        replies.ends.push(strict);
        // All recipients of LMTP have their own reply by now: none of them is the message's.
        if (left > 1) this.#wait(this.#timeouts.dataEndMs);
        else base._actionSMTPStream.call(this, isLmtp ? "250 each for itself" : strict, callback);
      });
    }
    this.#wait(this.#timeouts.dataBlockMs);
    replies.isBodyBegun = true;
    const onProgress = () => this.#wait(this.#timeouts.dataBlockMs);
    const onEnd = (error?: unknown) => {
      if (error === undefined) {
        replies.isBodySent = true;
        this.#wait(this.#timeouts.dataEndMs);
      } else {
        // Without the final dot the next hop must throw away what it has. RFC 5321 §4.1.1.4.
        this.#abort(error);
      }
    };
    const write = (payload: Payload) => payload.sendTo(this._socket as Socket, onProgress, onEnd);
    return { write, end() {} };
  }

  #abort(cause: unknown): void {
    if (this._socket) this._socket.destroy();
    const reason = cause instanceof Error ? cause.message : String(cause);
    this._onError(new Error(`message not sent: ${reason}`), "ESTREAM", false, "DATA");
  }

  // A next hop may refuse and hang up in one go. nodemailer handles one queued reply per turn of the
  // event loop, so the end of the connection could overtake replies that have already been read.
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    const internals = this.#internals;
    const isLeft = () =>
      internals._responseQueue.length - (internals._responsePartial ? 1 : 0) > 0 &&
      internals._responseActions.length > 0;
    for (let left = RESPONSE_SIZE_MAX; left > 0 && isLeft(); left--) internals._processResponse();
    this.#isDraining = false;
  }

  _onClose(): void {
    this.#drain();
    base._onClose.call(this);
  }

  _onError(error: Error, type: string, reply: string | false, command: string): void {
    if (type === "ESOCKET") this.#drain();
    base._onError.call(this, error, type, reply, command);
  }
}
