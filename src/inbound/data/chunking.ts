// BDAT (RFC 3030): a message in chunks whose lengths are said before, so that nothing inside can end
// it. What may stand in a message is judged as after DATA.
import { PassThrough } from "node:stream";
import { type Answer, REPLIES, type Reply, SmtpError } from "../../reply.ts";

/** The session as BDAT sees it. */
export interface ChunkSession {
  readonly messageSizeMax: number;
  /** Begins the message, or gives the reply that refuses it. */
  begin(): Reply | undefined;
  /** Takes the whole message; never rejects. */
  receive(stream: PassThrough): Promise<Answer>;
  give(reply: Reply): void;
  /** Gives the reply to the last chunk, which in LMTP is one for each recipient. */
  giveLast(reply: Answer): void;
  /** Nothing is left to read: the client waits for the reply. */
  wait(stream: PassThrough): void;
  /** Gives the reply to the message, and ends the transaction. */
  finish(reply: Answer): void;
  /** Ends the session: what comes next cannot be told from content. */
  close(): void;
  /** Hands over the next `size` bytes; `onEnd` must call `resume` for commands to go on. */
  read(size: number, stream: PassThrough, onEnd: (resume: () => void) => void): void;
}

interface Chunk {
  readonly size: number;
  readonly isLast: boolean;
}

function parseChunk(line: string): Chunk | undefined {
  const [, digits, last] = /^BDAT +(\d{1,15})( +LAST)? *$/i.exec(line) ?? [];
  return digits === undefined ? undefined : { size: Number(digits), isLast: last !== undefined };
}

/** The chunks of one session. */
export class Chunking {
  readonly #session: ChunkSession;
  #message: { readonly stream: PassThrough; readonly reply: Promise<Answer> } | undefined;
  #size = 0;
  // After a refusal every further chunk is refused, too: the rest of a message must never pass for
  // a whole one.
  #hasFailed = false;

  constructor(session: ChunkSession) {
    this.#session = session;
  }

  /** A message has begun; DATA, RCPT and MAIL have to wait for its end. */
  get isOpen(): boolean {
    return this.#message !== undefined || this.#hasFailed;
  }

  /** RSET, EHLO, the end of the session: what has come so far is thrown away. */
  reset(): void {
    this.#message?.stream.destroy();
    this.#message = undefined;
    this.#size = 0;
    this.#hasFailed = false;
  }

  /** The command; the chunk follows it at once, whatever is said of it. RFC 3030 §2. */
  command(line: string): void {
    const chunk = parseChunk(line);
    if (chunk === undefined) {
      this.#session.give(REPLIES.bdatSyntax);
      this.#session.close();
      return;
    }
    const refused = this.#open(chunk);
    if (refused === undefined) this.#take(chunk);
    else this.#discard(chunk, refused);
  }

  #open({ size }: Chunk): Reply | undefined {
    if (this.#hasFailed) return REPLIES.chunkAfterFailure;
    if (this.#message === undefined) {
      const refused = this.#session.begin();
      if (refused !== undefined) return refused;
      const stream = new PassThrough();
      this.#message = { stream, reply: this.#session.receive(stream) };
    }
    this.#size += size;
    // RFC 1870 §6.1; what has been said to come need not be read first.
    return this.#size > this.#session.messageSizeMax ? REPLIES.messageTooBig : undefined;
  }

  #take({ size, isLast }: Chunk): void {
    const message = this.#message;
    if (message === undefined) return;
    const { stream, reply } = message;
    this.#session.read(size, stream, (resume) => {
      if (!isLast) {
        this.#session.give({ ...REPLIES.ok, text: `${size} octets received` });
        resume();
        return;
      }
      stream.end();
      this.#session.wait(stream);
      void reply.then((final) => {
        // It may have been given up in the meantime.
        if (this.#message !== message) return;
        this.#message = undefined;
        this.#session.finish(final);
        resume();
      });
    });
  }

  // RFC 3030 §2: the octets of a refused chunk come all the same.
  #discard({ size, isLast }: Chunk, refused: Reply): void {
    const give = () => (isLast ? this.#session.giveLast(refused) : this.#session.give(refused));
    this.#message?.stream.destroy(new SmtpError(refused));
    this.#message = undefined;
    this.#hasFailed = true;
    if (size > this.#session.messageSizeMax) {
      give();
      this.#session.close();
      return;
    }
    const nowhere = new PassThrough().resume();
    this.#session.read(size, nowhere, (resume) => {
      give();
      resume();
    });
  }
}
