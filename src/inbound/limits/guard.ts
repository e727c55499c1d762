// The limits of one session: what it may do in all, how long, and how often it may err. Each method
// gives the reply that ends the session, or nothing.
import { REPLIES, type Reply } from "../../reply.ts";

/** Settings of all sessions. */
export interface SessionLimits {
  readonly sessionsMax: number;
  /** Per client address (IPv6: per /64); relay networks are exempt. */
  readonly sessionsPerAddressMax: number;
  /** Messages of one session. */
  readonly messagesMax: number;
  /** Bytes of all messages of one session. */
  readonly sessionSizeMax: number;
  /** Commands without use (NOOP, RSET, EHLO …) between two accepted messages. */
  readonly idleCommandsMax: number;
  /** Refusals between two accepted messages. */
  readonly errorsMax: number;
  readonly idleTimeoutMs: number;
  /** Longest session, and longest message: bytes sent one by one do not hold a place forever. */
  readonly sessionTimeMaxMs: number;
  /** How long the greeting waits for clients that talk too soon; 0: only one turn of the loop. */
  readonly greetingDelayMs: number;
  /** How long each command waits once there have been `tarpitAfter` refusals. */
  readonly tarpitDelayMs: number;
  readonly tarpitAfter: number;
}

/** Recipients beyond the limit that are answered with 452 before the session ends. */
export const SURPLUS_RECIPIENTS_MAX = 10_000;

const USEFUL_COMMANDS = ["MAIL", "RCPT", "DATA", "BDAT", "QUIT"];

/** Watches one session. Times are a steady clock's milliseconds. */
export class SessionGuard {
  readonly #limits: SessionLimits;
  readonly #startedAt: number;
  #activeAt: number;
  #messageAt: number | undefined;
  #errors = 0;
  #idleCommands = 0;
  #surplusRecipients = 0;
  #messages = 0;
  #bytes = 0;

  constructor(limits: SessionLimits, now: number) {
    this.#limits = limits;
    this.#startedAt = now;
    this.#activeAt = now;
  }

  /** True between DATA and its reply. */
  get isReceiving(): boolean {
    return this.#messageAt !== undefined;
  }

  /** How long the next command is to wait, in milliseconds. */
  get delayMs(): number {
    const { tarpitAfter, tarpitDelayMs } = this.#limits;
    return this.#errors >= tarpitAfter ? tarpitDelayMs : 0;
  }

  command(verb: string, now: number): Reply | undefined {
    this.#activeAt = now;
    if (USEFUL_COMMANDS.includes(verb)) return undefined;
    return ++this.#idleCommands > this.#limits.idleCommandsMax
      ? REPLIES.tooManyCommands
      : undefined;
  }

  /** Before MAIL is looked at. */
  mail(): Reply | undefined {
    const { messagesMax, sessionSizeMax } = this.#limits;
    if (this.#messages >= messagesMax) return REPLIES.tooManyMessages;
    return this.#bytes >= sessionSizeMax ? REPLIES.sessionTooBig : undefined;
  }

  /** A reply that has been given. */
  replied(reply: Pick<Reply, "code">): Reply | undefined {
    if (reply.code < 400 || reply.code === 421) return undefined;
    // Too many recipients: RFC 5321 §4.5.3.1.10 has clients go on with the others.
    if (reply.code === REPLIES.tooManyRecipients.code) {
      const isEnough = ++this.#surplusRecipients > SURPLUS_RECIPIENTS_MAX;
      return isEnough ? REPLIES.tooManyErrors : undefined;
    }
    return ++this.#errors > this.#limits.errorsMax ? REPLIES.tooManyErrors : undefined;
  }

  messageBegun(now: number): void {
    this.#messageAt = now;
  }

  messageEnded({ isTaken, size, now }: { isTaken: boolean; size: number; now: number }): void {
    this.#messageAt = undefined;
    this.#activeAt = now;
    this.#messages++;
    this.#bytes += size;
    if (!isTaken) return;
    this.#errors = 0;
    this.#idleCommands = 0;
    this.#surplusRecipients = 0;
  }

  /** What takes too long; smtp-server's own timer starts anew at every byte. */
  overdue(now: number): Reply | undefined {
    const { idleTimeoutMs, sessionTimeMaxMs } = this.#limits;
    if (this.#messageAt !== undefined) {
      return now - this.#messageAt > sessionTimeMaxMs ? REPLIES.sessionTooLong : undefined;
    }
    if (now - this.#activeAt > idleTimeoutMs) return REPLIES.idleTimeout;
    return now - this.#startedAt > sessionTimeMaxMs ? REPLIES.sessionTooLong : undefined;
  }
}
