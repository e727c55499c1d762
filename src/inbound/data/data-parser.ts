// The bytes between DATA and the dot: takes the extra dots out and finds the end. Stands in for
// smtp-server's own reader, which looks at every byte in JavaScript and starts afresh at every
// stuffed dot: 20 MB of nothing but dots cost it seven seconds of CPU.
//
// Only <CRLF>.<CRLF> ends a message (RFC 5321 §4.1.1.4, §4.5.2), and only CRLF begins a line. No
// other sequence of CR, LF and dot does, however the bytes are cut into chunks: those sequences are
// what SMTP smuggling is made of.
import type { Writable } from "node:stream";
import { SMTPStream } from "smtp-server/lib/smtp-stream.js";

const CR = 0x0d;
const LF = 0x0a;
const LINE_START = "\r\n";
// So many bytes wait for the next chunk: a dot is judged with two bytes before and two behind it.
const HELD = 4;
// Bytes of a chunk that are looked at together with those; more than HELD.
const JOINT = 16;
const NOTHING = Buffer.alloc(0);

type Done = (error?: Error | null) => void;

interface Chunk {
  left: number;
  readonly stream: Writable;
  readonly onEnd: (resume: () => void) => void;
}

/** smtp-server's parser with another data mode, and with chunks. */
export class DataParser extends SMTPStream {
  #chunk: Chunk | undefined;
  // Bytes in front that were put there and must not come out.
  #unsent = 0;

  override startDataMode(maxBytes?: number | string | null) {
    const stream = super.startDataMode(maxBytes);
    // The message begins at the start of a line, so a dot there is judged like any other.
    this._lastBytes = Buffer.from(LINE_START);
    this.#unsent = LINE_START.length;
    return stream;
  }

  /**
   * The next `size` bytes are content as they are and go to `stream`; then `onEnd` is called, and
   * commands go on once it calls `resume`. RFC 3030 §2.
   */
  startChunk(size: number, stream: Writable, onEnd: Chunk["onEnd"]): void {
    this.#chunk = { left: size, stream, onEnd };
    this._dataMode = true;
  }

  // What was held back is judged together with the first bytes of the chunk; the rest of a large
  // chunk is then read where it lies, since copying it would cost more than all else here.
  override _feedDataStream(chunk: Buffer, done: Done): void {
    if (this.#chunk !== undefined) {
      this.#feedChunk(this.#chunk, chunk, done);
      return;
    }
    const held = this._lastBytes || NOTHING;
    const isSmall = chunk.length <= JOINT;
    const joint = Buffer.concat([held, isSmall ? chunk : chunk.subarray(0, JOINT)]);
    const first = this.#unstuff(joint);
    if (first.end >= 0) this.#finish(first.bytes, chunk.subarray(first.end - held.length), done);
    else if (isSmall) this.#emit(first.bytes, done);
    else {
      this.#push(first.bytes);
      const rest = chunk.subarray(JOINT - (this._lastBytes || NOTHING).length);
      const { bytes, end } = this.#unstuff(rest);
      if (end >= 0) this.#finish(bytes, rest.subarray(end), done);
      else this.#emit(bytes, done);
    }
  }

  #feedChunk(current: Chunk, bytes: Buffer, done: Done): void {
    const { stream, onEnd } = current;
    const content = bytes.subarray(0, current.left);
    current.left -= content.length;
    const isFree = content.length === 0 || !stream.writable || stream.write(content);
    const proceed = () => {
      if (current.left > 0) {
        done();
        return;
      }
      this.#chunk = undefined;
      this._dataMode = false;
      this._remainder = "";
      onEnd(() => void this._write(bytes.subarray(content.length), "buffer", done));
    };
    if (isFree || stream.destroyed) proceed();
    else onceFree(stream, proceed);
  }

  // Takes the dots out, in place, up to the message's end or to what must be held back. `end` is
  // where the bytes behind the message begin, -1 if it goes on.
  #unstuff(bytes: Buffer): { readonly bytes: Buffer; readonly end: number } {
    // [0, written) is done, [read, length) is still to do; deleted dots lie between them.
    let read = 0;
    let written = 0;
    for (let at = bytes.indexOf("\r\n."); at >= 0; at = bytes.indexOf("\r\n.", at + 3)) {
      const dot = at + 2;
      if (dot + 2 >= bytes.length) break;
      written = move(bytes, { to: written, from: read, end: dot });
      if (bytes[dot + 1] === CR && bytes[dot + 2] === LF) {
        return { bytes: bytes.subarray(0, written), end: dot + 3 };
      }
      // RFC 5321 §4.5.2: the line holds more than the dot, so the dot is not part of it.
      read = dot + 1;
    }
    const held = Math.max(read, bytes.length - HELD);
    written = move(bytes, { to: written, from: read, end: held });
    this._lastBytes = bytes.subarray(held);
    return { bytes: bytes.subarray(0, written), end: -1 };
  }

  #content(bytes: Buffer): Buffer {
    const skip = Math.min(this.#unsent, bytes.length);
    this.#unsent -= skip;
    return skip === 0 ? bytes : bytes.subarray(skip);
  }

  #finish(bytes: Buffer, remainder: Buffer, done: Done): void {
    this._lastBytes = false;
    const content = this.#content(bytes);
    this._countDataBytes(content.length);
    this._endDataMode(content, remainder, done);
  }

  // False if the stream wants no more for now.
  #push(bytes: Buffer): boolean {
    const content = this.#content(bytes);
    const stream = this._dataStream;
    this._countDataBytes(content.length);
    if (content.length === 0 || !stream?.writable) return true;
    return stream.write(content) || stream.destroyed;
  }

  #emit(bytes: Buffer, done: Done): void {
    const stream = this._dataStream;
    if (this.#push(bytes) || !stream) {
      done();
      return;
    }
    onceFree(stream, done);
  }
}

// A stream that is destroyed never drains, it only closes.
function onceFree(stream: Writable, next: () => void): void {
  const resume = () => {
    stream.off("drain", resume);
    stream.off("close", resume);
    next();
  };
  stream.on("drain", resume);
  stream.on("close", resume);
}

// Closes the gap that deleted dots left, in place: chunks belong to the parser alone. Returns
// where the next bytes go.
function move(bytes: Buffer, { to, from, end }: { to: number; from: number; end: number }): number {
  if (to !== from) bytes.copyWithin(to, from, end);
  return to + end - from;
}
