// One SMTP session with a next hop: opened, used for one transaction after the other, closed. What a
// transaction came to is a list of outcomes; a session never throws at its user.
import { describeError, type Log } from "../../base/log.ts";
import type { Outcome } from "../../message.ts";
import { CONVERT_SIZE_MAX, type SevenBit, toSevenBit } from "../convert/seven-bit.ts";
import type { Target } from "../mail-hosts.ts";
import {
  forAll,
  isPositive,
  isTooManyRecipients,
  outcomeOf,
  TROUBLE,
  troubleOutcome,
} from "../response.ts";
import type { TlsResults } from "../security/tls-results.ts";
import type { CourierSettings, Delivery, SessionTerms } from "../settings.ts";
import type { Connection, Replies } from "./connection.ts";
import { Payload } from "./payload.ts";

/** What sessions need from around them. */
export interface SessionContext {
  readonly settings: CourierSettings;
  readonly steady: () => number;
  readonly log: Log;
  /** All connections, opening ones too; whoever keeps the time checks their deadlines. */
  readonly connections: Set<Connection>;
  /** Left out: nobody is told how encryption went. */
  readonly tlsResults?: TlsResults;
}

/** What came of a transaction. `stale`: the session had ended before, and nothing was said. */
export type Attempt =
  | { readonly kind: "answered"; readonly outcomes: Outcome[] }
  | { readonly kind: "stale" };

/** An error with what nodemailer adds to it. */
export interface SmtpTrouble extends Error {
  readonly code?: string | undefined;
  readonly response?: string | undefined;
}

/** Bytes of converted messages that all sessions together hold. */
const CONVERTED_HELD_MAX = 256 * 1024 * 1024;
// A local part in quotes may hold angle brackets (RFC 5321 §4.1.2), all else may not.
const QUOTED_LOCAL_PART = /^"(?:[^"\\]|\\[ -~])*"(?=@[^@]*$)/;
// These bytes can't stand in a path.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSENDABLE = /[\u0000-\u001f\u007f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const ASCII = /^[\u0000-\u007f]*$/;

/** Host and address as logs and reports show them: `mx.example.org [192.0.2.1]`. */
export function describeTarget({ host, address, isSocket }: Target): string {
  if (isSocket === true) return `unix:${address}`;
  return host === address ? `[${address}]` : `${host} [${address}]`;
}

/** What the end of a connection means for those who wait for a reply: nothing is known, try again. */
export function lossOf(error: SmtpTrouble, host: string): Outcome {
  switch (error.code) {
    case "ETIMEDOUT":
      return troubleOutcome(TROUBLE.timeout, host, describeError(error));
    case "ESTREAM":
      return troubleOutcome(TROUBLE.local, host, describeError(error));
    default:
      return troubleOutcome(TROUBLE.lostConnection, host, describeError(error));
  }
}

/** What a session is made of, beside its connection. */
export interface SessionParts {
  readonly target: Target;
  readonly terms: SessionTerms;
  readonly context: SessionContext;
}

/** An open session. One transaction at a time. */
export class Session {
  readonly target: Target;
  /** Transactions begun. */
  transactionCount = 0;
  readonly #connection: Connection;
  readonly #context: SessionContext;
  readonly #terms: SessionTerms;
  readonly #name: string;

  constructor(connection: Connection, parts: SessionParts) {
    const { target, terms, context } = parts;
    this.target = target;
    this.#terms = terms;
    this.#connection = connection;
    this.#context = context;
    this.#name = describeTarget(target);
  }

  get isOpen(): boolean {
    return !this.#connection.destroyed;
  }

  /** Called once when the session has ended, for whatever reason. */
  onEnd(listener: () => void): void {
    if (this.isOpen) this.#connection.once("end", listener);
    else queueMicrotask(listener);
  }

  /** Says QUIT if that can be said, and closes. RFC 5321 §4.1.1.10. */
  quit(): void {
    if (this.isOpen) this.#connection.quit();
  }

  /** Sends one message; afterwards the session can be used again if it is still open. */
  async transact(delivery: Delivery, payload: Payload): Promise<Attempt> {
    const { recipients } = delivery;
    const fitting = this.#obstacle(delivery, payload) ?? this.#fit(delivery, payload);
    if ("kind" in fitting) {
      return { kind: "answered", outcomes: forAll(recipients.length, fitting) };
    }
    const sizeMax = this.#connection.messageSizeMax;
    if (sizeMax > 0 && fitting.size > sizeMax) {
      const detail = `${fitting.size} of ${sizeMax} bytes`;
      const tooBig = troubleOutcome(TROUBLE.tooBig, this.#name, detail);
      return { kind: "answered", outcomes: forAll(recipients.length, tooBig) };
    }
    this.#connection.heldSize = fitting === payload ? 0 : fitting.size;
    const attempt = await this.#sendToGood(delivery, fitting);
    this.#connection.heldSize = 0;
    return attempt;
  }

  // Without those recipients whose address can't be said.
  async #sendToGood(delivery: Delivery, payload: Payload): Promise<Attempt> {
    const { recipients } = delivery;
    const sendable = recipients.filter(({ address }) => isSendable(address));
    if (sendable.length === recipients.length) return this.#send(delivery, payload);
    const badAddress = troubleOutcome(TROUBLE.badAddress, this.#name);
    if (sendable.length === 0) {
      return { kind: "answered", outcomes: forAll(recipients.length, badAddress) };
    }
    const attempt = await this.#send({ ...delivery, recipients: sendable }, payload);
    if (attempt.kind === "stale") return attempt;
    const answered = attempt.outcomes.values();
    const outcomes = recipients.map(({ address }) =>
      isSendable(address) ? (answered.next().value ?? badAddress) : badAddress,
    );
    return { kind: "answered", outcomes };
  }

  // What EHLO's reply already rules out.
  #obstacle(delivery: Delivery, payload: Payload): Outcome | undefined {
    if (!isSendable(delivery.envelope.sender)) {
      return troubleOutcome(TROUBLE.badAddress, this.#name);
    }
    if (!this.#mayNeedUtf8(delivery) || this.#connection.offers("SMTPUTF8")) return undefined;
    // RFC 6531 §3.5: clients ask for SMTPUTF8 also where it isn't needed. What is all ASCII may go.
    const isPlain = isAsciiEnvelope(delivery) && payload.isHeaderAscii();
    return isPlain ? undefined : troubleOutcome(TROUBLE.needsUtf8, this.#name);
  }

  // RFC 6152 §3: 8-bit mail goes to a next hop without 8BITMIME in another form, or not at all.
  #fit(delivery: Delivery, payload: Payload): Payload | Outcome {
    const connection = this.#connection;
    const { eightBit } = this.#terms;
    // RFC 6531 §3.1: SMTPUTF8 comes with 8BITMIME.
    const takesAll = connection.offers("8BITMIME") || connection.offers("SMTPUTF8");
    if (takesAll || eightBit === "send") return payload;
    const bytes = payload.eightBitBytes(CONVERT_SIZE_MAX);
    if (bytes === undefined) return payload;
    if (eightBit === "refuse") return troubleOutcome(TROUBLE.needsEightBit, this.#name);
    let held = payload.size;
    for (const one of this.#context.connections) held += one.heldSize;
    if (held > CONVERTED_HELD_MAX) return troubleOutcome(TROUBLE.tooMuch, this.#name);
    const result: SevenBit =
      bytes === "too large" ? { kind: "fixed", reason: "too large" } : toSevenBit(bytes);
    const { log, settings } = this.#context;
    const { id } = delivery;
    switch (result.kind) {
      case "plain":
        return payload;
      case "converted": {
        const dkim = result.hasDkim ? "its signature breaks" : undefined;
        log.info("converted", { id, host: this.#name, size: result.bytes.length, dkim });
        return Payload.open("", { kind: "bytes", bytes: result.bytes });
      }
      case "fixed":
        if (settings.eightBitSigned === "refuse") {
          return troubleOutcome(TROUBLE.needsEightBit, this.#name, result.reason);
        }
        log.warn("not-converted", { id, host: this.#name, cause: result.reason });
        return payload;
      default:
        return result satisfies never;
    }
  }

  #mayNeedUtf8(delivery: Delivery): boolean {
    return delivery.envelope.isUtf8 || !isAsciiEnvelope(delivery);
  }

  #send(delivery: Delivery, payload: Payload): Promise<Attempt> {
    const { envelope, recipients } = delivery;
    const connection = this.#connection;
    const isReused = this.transactionCount++ > 0;
    const needsUtf8 = connection.offers("SMTPUTF8") && this.#mayNeedUtf8(delivery);
    connection.begin({ sender: envelope.sender, recipients, needsUtf8 });
    const { replies } = connection;
    const isPlain = envelope.ret === undefined && envelope.envid === undefined;
    return new Promise((resolve) => {
      const smtpEnvelope = {
        // nodemailer refuses angle brackets even in quotes; the connection says what is meant.
        from: standIn(envelope.sender),
        to: recipients.map(({ address }) => standIn(address)),
        size: payload.size,
        use8BitMime: envelope.body === "8bitmime",
        dsn: isPlain ? undefined : { ret: envelope.ret, envid: envelope.envid },
      };
      // nodemailer only hands the message to _createSendStream(), which takes a Payload.
      connection.send(smtpEnvelope, payload as never, (error, info) => {
        connection.rest();
        const trouble = error as SmtpTrouble | null;
        if (isReused && trouble !== null && isStale(trouble, replies)) {
          connection.close();
          resolve({ kind: "stale" });
          return;
        }
        const outcomes = this.#outcomes(delivery, trouble, info?.response ?? "").map((outcome) =>
          this.#withSuccess(outcome),
        );
        const end = () => resolve({ kind: "answered", outcomes });
        this.#tidy(trouble).then(end, end);
      });
    });
  }

  // Each recipient's own refusal counts first; the rest share the fate of the message.
  #outcomes(delivery: Delivery, trouble: SmtpTrouble | null, reply: string): Outcome[] {
    const { mail, recipients: replies, ends, isBodySent } = this.#connection.replies;
    const count = delivery.recipients.length;
    if (mail !== undefined && !isPositive(mail)) return forAll(count, outcomeOf(mail, this.#name));
    const shared = trouble === null ? outcomeOf(reply, this.#name) : this.#fate(trouble);
    if (trouble !== null && isBodySent && !isVerdict(trouble)) {
      // RFC 1047: the next hop may have it already; sending it again is the lesser evil.
      const { id } = delivery;
      this.#context.log.warn("maybe-duplicate", { id, host: this.#name, cause: shared.reply });
    }
    const isLmtp = this.#terms.protocol === "lmtp";
    let position = 0;
    return delivery.recipients.map((_, index) => {
      const own = replies[index];
      if (own === undefined) return shared;
      if (isPositive(own)) {
        const end = isLmtp ? ends[position++] : undefined;
        return end === undefined ? shared : outcomeOf(end, this.#name);
      }
      const outcome = outcomeOf(own, this.#name);
      return isTooManyRecipients(own) ? { ...outcome, kind: "deferred" } : outcome;
    });
  }

  // RFC 3461 §5.2.1: a next hop that knows DSN has been told the wishes, and reports by itself.
  #withSuccess(outcome: Outcome): Outcome {
    if (outcome.kind !== "delivered" || this.#connection.offers("DSN")) return outcome;
    // RFC 2033 §2: what takes LMTP is the mail store itself.
    return { ...outcome, success: this.#terms.protocol === "lmtp" ? "delivered" : "relayed" };
  }

  #fate(trouble: SmtpTrouble): Outcome {
    const { response = "" } = trouble;
    if (isVerdict(trouble) || response.startsWith("4")) return outcomeOf(response, this.#name);
    return lossOf(trouble, this.#name);
  }

  // Makes the session fit for the next transaction, or ends it.
  async #tidy(trouble: SmtpTrouble | null): Promise<void> {
    const connection = this.#connection;
    if (trouble === null || connection.destroyed) return;
    const { isBodyBegun, isBodySent } = connection.replies;
    if (isBodyBegun && isBodySent && isVerdict(trouble)) return;
    if (isBodyBegun || !isVerdict(trouble)) {
      // In the middle of the data there is no way back; what isn't understood is not gone on with.
      connection.close();
      return;
    }
    // The transaction may still be open at the far side. RFC 5321 §4.1.1.5.
    await new Promise<void>((resolve) => {
      connection.once("end", resolve);
      connection.reset((error) => {
        connection.off("end", resolve);
        if (error) connection.close();
        resolve();
      });
    });
    connection.rest();
  }
}

// A 4yz or 5yz reply to a command of ours; other errors carry replies too, such as the start of a
// line that was never finished.
function isVerdict({ code, response = "" }: SmtpTrouble): boolean {
  return (code === "EENVELOPE" || code === "EMESSAGE") && /^[45]\d\d(?:[ -]|$)/.test(response);
}

// The next hop hung up between two messages, or says so (421) when asked for the next one: nothing
// was taken, the message can go another way at once.
function isStale({ code }: SmtpTrouble, { mail, isBodyBegun }: Replies): boolean {
  if (isBodyBegun) return false;
  if (mail !== undefined) return /^421(?:[ -]|$)/.test(mail);
  return code === "ECONNECTION" || code === "ESOCKET";
}

function isAsciiEnvelope({ envelope, recipients }: Delivery): boolean {
  return ASCII.test(envelope.sender) && recipients.every(({ address }) => ASCII.test(address));
}

function isSendable(address: string): boolean {
  return !UNSENDABLE.test(address) && !/[<>]/.test(address.replace(QUOTED_LOCAL_PART, ""));
}

function standIn(address: string): string {
  return address.replace(/[<>]/g, "_");
}
