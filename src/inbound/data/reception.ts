// One message's bytes, from the parser into the pipeline: counted, checked, no faster than the
// pipeline takes them. A message that is refused half-way is read to its end all the same, because
// a client hears a reply only then (RFC 5321 §4.2.5).
import type { Readable } from "node:stream";
import type { Transaction } from "../../pipeline/intake.ts";
import { REPLIES, SmtpError } from "../../reply.ts";
import { type BareLineEnding, createLineFilter, type LineFilter } from "./line-endings.ts";

/** Settings of `Reception`. */
export interface ReceptionSettings {
  /** Bytes. */
  readonly messageSizeMax: number;
  readonly bareLineEnding: BareLineEnding;
  /** Told of the bytes that have come; false if there is no room for so many. */
  readonly grow?: (size: number) => boolean;
}

/** The connection ended before the message did. */
export class ClientGoneError extends Error {
  constructor() {
    super("connection lost before the end of the message");
  }
}

/** Carries one message into a transaction. */
export class Reception {
  readonly #transaction: Transaction;
  readonly #sizeMax: number;
  readonly #filter: LineFilter;
  readonly #grow: (size: number) => boolean;
  #size = 0;
  #refusal: Error | undefined;

  constructor(transaction: Transaction, settings: ReceptionSettings) {
    this.#transaction = transaction;
    this.#sizeMax = settings.messageSizeMax;
    this.#filter = createLineFilter(settings.bareLineEnding);
    this.#grow = settings.grow ?? (() => true);
  }

  /** Bytes that have come in. */
  get size(): number {
    return this.#size;
  }

  /**
   * Reads the message to its end. Throws, with the transaction aborted, what stood against it: an
   * `SmtpError`, a `ClientGoneError` or whatever the pipeline threw.
   */
  async run(stream: Readable): Promise<void> {
    await this.#read(stream);
    if (this.#refusal === undefined) await this.#guarded(() => this.#write(this.#filter.end()));
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  #read(stream: Readable): Promise<void> {
    return new Promise((resolve) => {
      stream.on("data", (chunk: Buffer) => {
        const wait = this.#take(chunk);
        if (wait === undefined) return;
        stream.pause();
        void this.#guarded(() => wait).then(() => stream.resume());
      });
      stream.once("end", resolve);
      const onGone = (error?: unknown) => {
        // A chunk may have been refused before its bytes came.
        this.#refuse(error instanceof SmtpError ? error : new ClientGoneError());
        resolve();
      };
      stream.once("error", onGone);
      // Closing after the end is no loss.
      stream.once("close", () => (stream.readableEnded ? undefined : onGone()));
    });
  }

  #take(chunk: Buffer): Promise<void> | undefined {
    this.#size += chunk.length;
    if (this.#refusal !== undefined) return undefined;
    try {
      // RFC 1870 §6.1: what MAIL announced binds nobody, so bytes are counted.
      if (this.#size > this.#sizeMax) throw new SmtpError(REPLIES.messageTooBig);
      if (!this.#grow(this.#size)) throw new SmtpError(REPLIES.tooBusy);
      return this.#write(this.#filter.take(chunk));
    } catch (error) {
      this.#refuse(error);
      return undefined;
    }
  }

  #write(chunk: Buffer): Promise<void> | undefined {
    return chunk.length === 0 ? undefined : this.#transaction.write(chunk);
  }

  async #guarded(work: () => Promise<void> | undefined): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#refuse(error);
    }
  }

  // The first reason counts.
  #refuse(error: unknown): void {
    if (this.#refusal !== undefined) return;
    this.#refusal = error instanceof Error ? error : new Error("not an Error", { cause: error });
    this.#transaction.abort();
  }
}
