// One SMTP session as gw sees it: MAIL and RCPT become an envelope, DATA becomes a transaction of
// the pipeline, and whatever goes wrong becomes one reply and one log line. Knows nothing of
// sockets; `connection.ts` feeds it.
import type { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { describeError, type Log } from "../base/log.ts";
import type { Client, Envelope, Recipient } from "../message.ts";
import type { Intake, Transaction } from "../pipeline/intake.ts";
import { lineOf } from "../pipeline/trail.ts";
import { type Answer, causeOf, REPLIES, type Reply, SmtpError } from "../reply.ts";
import type { Access, Visit } from "./access/access.ts";
import { checkRelay } from "./access/relaying.ts";
import { isNonAscii, LOCAL_PART_MAX, type Mailbox, parseMailbox, splitPath } from "./address.ts";
import { ClientGoneError, Reception, type ReceptionSettings } from "./data/reception.ts";
import type { Load, Share } from "./limits/load.ts";
import { type Counted, describeLimit, type Rates, type Source } from "./limits/rates.ts";
import { type Identity, ownsAddress } from "./login/users.ts";
import {
  argumentOf,
  type MailParameters,
  parseMailParameters,
  parseRcptParameters,
} from "./parameters.ts";
import { receivedField } from "./received.ts";
import type { RelayRules } from "./relay.ts";

/** Settings of a session. */
export interface SessionSettings extends ReceptionSettings {
  /** Name of this host. */
  readonly hostname: string;
  /** Most recipients of one message. */
  readonly recipientsMax: number;
  /** Bytes of all messages that are on their way in at once. */
  readonly pendingSizeMax: number;
  /** Whom a user who has logged in may send as. */
  readonly senderOfUser: "any" | "own";
  /** Whole address that stands in for `RCPT TO:<postmaster>`. */
  readonly postmaster: string;
}

/** What a session works with. */
export interface SessionParts {
  readonly settings: SessionSettings;
  readonly relay: RelayRules;
  /** Rules beyond relaying; left out: there are none. */
  readonly access?: Access | undefined;
  readonly rates: Rates;
  readonly load: Load;
  readonly intake: Intake;
  readonly log: Log;
  readonly clock: Clock;
}

/** What a listener asks of its sessions. */
export interface SessionRules {
  readonly isLoginOffered: boolean;
  /** Nobody sends without having logged in. */
  readonly isLoginNeeded: boolean;
  /** Who has logged in. */
  readonly identity: () => Identity | undefined;
}

/** The far side; called anew for each message, because EHLO and STARTTLS change it. */
export type Peer = () => Client;

interface Sender {
  readonly address: string;
  readonly parameters: MailParameters;
}

// A message between DATA and its reply.
interface Begun {
  readonly transaction: Transaction;
  readonly client: Client;
  readonly envelope: Envelope;
  readonly share: Share;
}

const NO_LOGIN: SessionRules = {
  isLoginOffered: false,
  isLoginNeeded: false,
  identity: () => undefined,
};
const LOGGED_RECIPIENTS_MAX = 10;
// Senders may have longer local parts than RFC 5321 §4.5.3.1.1 allows: forwarders write the whole
// original address into theirs (`user+caf_=other=example.org@`), and refusing those loses mail.
const SENDER_LOCAL_PART_MAX = 250;

/** The mail side of one SMTP session. */
export class Session {
  readonly #parts: SessionParts;
  readonly #peer: Peer;
  readonly #rules: SessionRules;
  #sender: Sender | undefined;
  #visit: Visit | undefined;
  #recipients: Recipient[] = [];
  #addresses = new Set<string>();
  /** One for each RCPT that was taken, in their order. */
  accepted: string[] = [];
  #begun: Begun | undefined;
  #received = 0;

  constructor(parts: SessionParts, peer: Peer, rules = NO_LOGIN) {
    this.#parts = parts;
    this.#peer = peer;
    this.#rules = rules;
  }

  /** True between MAIL and the end of the transaction. */
  get isOpen(): boolean {
    return this.#sender !== undefined;
  }

  /** RSET, EHLO, STARTTLS, the end of a message, the end of the session. RFC 5321 §4.1.1.5. */
  reset(): void {
    this.#begun?.transaction.abort();
    this.#begun?.share.release();
    this.#begun = undefined;
    this.#sender = undefined;
    this.#visit = undefined;
    this.#recipients = [];
    this.#addresses = new Set();
    this.accepted = [];
  }

  /** MAIL, with its argument. */
  mail(line: string): Reply {
    return this.#answered("MAIL", { sender: line }, () => {
      if (this.#sender !== undefined) throw new SmtpError(REPLIES.nestedMail);
      const identity = this.#rules.identity();
      if (this.#rules.isLoginNeeded && this.#client().user === undefined) {
        throw new SmtpError(REPLIES.needsLogin);
      }
      const argument = argumentOf(line, /^MAIL\s+FROM\s*:/i, REPLIES.mailSyntax);
      const parameters = parseMailParameters(argument.parameters, {
        sizeMax: this.#parts.settings.messageSizeMax,
        hasAuth: this.#rules.isLoginOffered,
      });
      // RFC 5321 §4.5.5: the null sender.
      const address = argument.path === "" ? "" : this.#senderOf(argument.path, parameters.isUtf8);
      // The null sender is nobody's: read receipts are sent with it.
      if (identity && address !== "" && this.#parts.settings.senderOfUser === "own") {
        if (!ownsAddress(identity, address)) throw new SmtpError(REPLIES.notOwner, identity.name);
      }
      this.#checkRate("messages", address);
      this.#checkRate("bytes", address);
      this.#sender = { address, parameters };
      const client = this.#client();
      const isInside = this.#parts.relay.isInside(client);
      this.#visit = this.#parts.access?.visit(client, address, { isInside });
      return REPLIES.senderOk;
    });
  }

  /** RCPT, with its argument. Rules may have to ask around; nothing else may be said meanwhile. */
  rcpt(line: string): Reply | Promise<Reply> {
    const sender = this.#sender;
    const fields = { recipients: line };
    return this.#answered("RCPT", fields, () => {
      if (sender === undefined) throw new SmtpError(REPLIES.needsMail);
      const argument = argumentOf(line, /^RCPT\s+TO\s*:/i, REPLIES.rcptSyntax);
      const { isUtf8 } = sender.parameters;
      const parameters = parseRcptParameters(argument.parameters, isUtf8);
      const address = this.#recipientOf(argument.path, isUtf8);
      // Said twice is meant once; a local part's case may matter to its host (RFC 5321 §2.4).
      if (this.#addresses.has(address)) return this.#answeredFor(address);
      // RFC 5321 §4.5.3.1.10: 452, so that the client sends the others with the next message.
      if (this.#recipients.length >= this.#parts.settings.recipientsMax) {
        throw new SmtpError(REPLIES.tooManyRecipients);
      }
      this.#checkRate("recipients", sender.address);
      this.#count("recipients", 1);
      const recipient = { address, ...parameters };
      const visit = this.#visit;
      if (visit === undefined) return this.#take(recipient);
      return this.#admit(visit, recipient).catch((error) => this.#refused(error, "RCPT", fields));
    });
  }

  async #admit(visit: Visit, recipient: Recipient): Promise<Reply> {
    await visit.admit(recipient.address);
    // The session ended meanwhile, or was another client's from then on.
    if (this.#visit !== visit) throw new SmtpError(REPLIES.needsMail);
    return this.#take(recipient);
  }

  #take(recipient: Recipient): Reply {
    this.#addresses.add(recipient.address);
    this.#recipients.push(recipient);
    return this.#answeredFor(recipient.address);
  }

  #answeredFor(address: string): Reply {
    this.accepted.push(address);
    return REPLIES.recipientOk;
  }

  /** DATA: undefined if the message may come, or the reply that refuses it. RFC 5321 §3.3. */
  begin(): Reply | undefined {
    return this.#answered("DATA", {}, () => {
      if (this.#sender === undefined) throw new SmtpError(REPLIES.needsMail);
      if (this.#recipients.length === 0) throw new SmtpError(REPLIES.needsRcpt);
      const client = this.#client();
      const envelope = this.#envelope();
      const { intake, load, log, settings } = this.#parts;
      const expected = Math.max(0, this.#sender.parameters.size);
      const share = load.take(expected, settings.pendingSizeMax);
      if (share === undefined) throw new SmtpError(REPLIES.tooBusy);
      try {
        this.#begun = { transaction: intake.begin(client, envelope), client, envelope, share };
      } catch (error) {
        share.release();
        throw error;
      }
      this.#count("messages", 1);
      const session = client.via?.address ?? `${client.address} ${client.port}`;
      const { id } = this.#begun.transaction;
      // For those who watch: which session a message's id belongs to.
      log.debug("begun", { id, session, ...this.#fields(client, envelope) });
      return undefined;
    });
  }

  /** The message itself: never rejects, resolves with the reply to give once all has been read. */
  async receive(stream: Readable): Promise<Answer> {
    if (this.#begun === undefined) throw new Error("receive() without begin()");
    const { transaction, client, envelope, share } = this.#begun;
    // From here on the message is the pipeline's: a reset must not abort it.
    this.#begun = undefined;
    const { log, clock, settings } = this.#parts;
    const reception = new Reception(transaction, { ...settings, grow: share.grow });
    let isReceived = false;
    try {
      await reception.run(stream);
      isReceived = true;
      const { hostname } = settings;
      const { id } = transaction;
      const trace = receivedField({ client, envelope, hostname, id, at: clock.now() });
      const reply = await transaction.finish(trace);
      const fields = { id, ...this.#fields(client, envelope), size: reception.size };
      const count = envelope.recipients.length;
      log.info("accepted", { ...fields, count, reply: lineOf(reply) });
      return reply;
    } catch (error) {
      const fields = { id: transaction.id, ...this.#fields(client, envelope) };
      const reply = this.#refusal(error, { ...fields, size: reception.size });
      // From there on the pipeline notes itself what becomes of it.
      if (!isReceived) this.#note({ client, envelope, stage: "message", reply, line: "" });
      return reply;
    } finally {
      share.release();
      this.#received = reception.size;
      this.#count("bytes", reception.size);
    }
  }

  /** Bytes of the last message. */
  get receivedSize(): number {
    return this.#received;
  }

  #source(sender: string | undefined): Source {
    const client = this.#client();
    const isOwn = this.#parts.relay.isTrusted((client.via ?? client).address);
    return { client, isOwn, ...(sender !== undefined && { sender }) };
  }

  #checkRate(of: Counted, sender: string): void {
    const { rates, clock } = this.#parts;
    if (rates.isEmpty) return;
    const limit = rates.reached(of, this.#source(sender), clock.steady());
    if (limit !== undefined) throw new SmtpError(REPLIES.rateReached, describeLimit(limit));
  }

  #count(of: Counted, count: number): void {
    const { rates, clock } = this.#parts;
    if (rates.isEmpty) return;
    rates.add(of, this.#source(this.#sender?.address), { now: clock.steady(), count });
  }

  #senderOf(path: string, isUtf8: boolean): string {
    const mailbox = parseMailbox(path, SENDER_LOCAL_PART_MAX);
    if (mailbox === undefined) throw new SmtpError(REPLIES.badSender);
    return this.#checked(mailbox, isUtf8).address;
  }

  #recipientOf(path: string, isUtf8: boolean): string {
    // RFC 5321 §4.1.1.3, §4.5.1: the one recipient without a domain, and it must be accepted.
    if (path.toLowerCase() === "postmaster") return this.#parts.settings.postmaster;
    const mailbox = parseMailbox(path, LOCAL_PART_MAX);
    if (mailbox === undefined) throw new SmtpError(REPLIES.badAddress);
    const { address } = this.#checked(mailbox, isUtf8);
    checkRelay(this.#parts, this.#client(), mailbox);
    return address;
  }

  #checked(mailbox: Mailbox, isUtf8: boolean): Mailbox {
    if (!isUtf8 && isNonAscii(mailbox.address)) throw new SmtpError(REPLIES.needsSmtpUtf8);
    return mailbox;
  }

  #client(): Client {
    const client = this.#peer();
    // RFC 6531 §4.3 has words of its own for the trace field.
    if (this.#sender?.parameters.isUtf8 !== true) return client;
    return { ...client, protocol: client.protocol.replace(/^E?SMTP/, "UTF8SMTP") };
  }

  #envelope(): Envelope {
    const { address = "", parameters } = this.#sender ?? {};
    const tags = this.#visit?.tags ?? [];
    return {
      sender: address,
      recipients: [...this.#recipients],
      isUtf8: parameters?.isUtf8 ?? false,
      body: parameters?.body ?? "7bit",
      ...(parameters?.ret !== undefined && { ret: parameters.ret }),
      ...(parameters?.envid !== undefined && { envid: parameters.envid }),
      ...(tags.length > 0 && { tags }),
    };
  }

  #answered<Answer>(stage: string, fields: Fields, work: () => Answer): Answer | Reply {
    try {
      return work();
    } catch (error) {
      return this.#refused(error, stage, fields);
    }
  }

  #refused(error: unknown, stage: string, fields: Fields): Reply {
    const client = this.#client();
    const envelope = this.#envelope();
    const reply = this.#refusal(error, { ...this.#fields(client, envelope), ...fields });
    const line = String(fields["sender"] ?? fields["recipients"] ?? "");
    this.#note({ client, envelope, stage, reply, line, cause: causeOf(error) });
    return reply;
  }

  // What was refused is asked for by the address that was refused: it is taken out of the command.
  #note(refused: {
    readonly client: Client;
    readonly envelope: Envelope;
    readonly stage: string;
    readonly reply: Reply;
    readonly line: string;
    readonly cause?: string | undefined;
  }): void {
    const { client, envelope, stage, reply, line, cause } = refused;
    const named = splitPath(line.slice(line.indexOf(":") + 1))?.path ?? line;
    const sender = this.#sender === undefined ? undefined : envelope.sender;
    const recipients = envelope.recipients.map(({ address }) => address);
    this.#parts.intake.refused({
      client,
      stage,
      sender: stage === "MAIL" ? named : sender,
      recipients: stage === "RCPT" ? [named] : recipients,
      reply: lineOf(reply),
      cause,
    });
  }

  #fields(client: Client, envelope: Envelope): Fields {
    const listed = envelope.recipients.slice(0, LOGGED_RECIPIENTS_MAX).map((one) => one.address);
    const more = envelope.recipients.length - listed.length;
    const isBegun = this.#sender !== undefined || listed.length > 0;
    return {
      client: client.address,
      helo: client.helo,
      sender: isBegun ? `<${envelope.sender}>` : undefined,
      recipients: `${listed.join(",")}${more > 0 ? ` and ${more} more` : ""}` || undefined,
    };
  }

  // The one place where errors become replies. What is not an SmtpError is a bug of ours: the
  // client gets a temporary refusal, so that no mail is lost by it.
  #refusal(error: unknown, fields: Fields): Reply {
    const { log } = this.#parts;
    if (error instanceof ClientGoneError) {
      log.info("aborted", { ...fields, cause: error.message });
      return REPLIES.localError;
    }
    if (error instanceof SmtpError) {
      log.info("refused", { ...fields, reply: lineOf(error.reply), cause: causeOf(error) });
      return error.reply;
    }
    const stack = error instanceof Error ? error.stack : undefined;
    log.error("refused", {
      ...fields,
      reply: lineOf(REPLIES.localError),
      cause: describeError(error),
      stack,
    });
    return REPLIES.localError;
  }
}

type Fields = Readonly<Record<string, string | number | undefined>>;
