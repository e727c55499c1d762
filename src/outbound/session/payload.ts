// A message on its way out: trace fields and body, encoded for DATA. A small one is a single buffer
// and a single write; a large one is read and sent chunk by chunk, so that a hundred of them at the
// same time need a hundred chunks of memory, not a hundred messages.

import { closeSync, fstatSync, openSync, read, readSync } from "node:fs";
import type { Socket } from "node:net";
import { hasHighByte } from "../../base/bytes.ts";
import type { Body } from "../../message.ts";
import { DataEncoder } from "./encoder.ts";

/** Bytes per read and write of a large message; smaller messages go out in one write. */
export const CHUNK_SIZE = 256 * 1024;

const LAST_LINE_ROOM = 5;

/** One message to send. `close()` must be called, at any time; it ends a transfer under way. */
export class Payload {
  /** Bytes before dot-stuffing, for SIZE. RFC 1870 §6.4. */
  readonly size: number;
  readonly #trace: Buffer;
  readonly #body: Body;
  readonly #fd: number;
  /** The whole message, if it is small. */
  readonly #whole: Buffer | undefined;
  #isReading = false;
  #isClosed = false;

  private constructor(trace: Buffer, body: Body, fd: number) {
    this.#trace = trace;
    this.#body = body;
    this.#fd = fd;
    const bodySize = body.kind === "file" ? body.size : body.bytes.length;
    this.size = trace.length + bodySize;
    if (this.size <= CHUNK_SIZE) this.#whole = this.#readWhole(bodySize);
  }

  /** Opens the body; throws if it is not there or shorter than it is said to be. */
  static open(trace: string, body: Body): Payload {
    const head = Buffer.from(trace);
    if (body.kind === "bytes") return new Payload(head, body, -1);
    const fd = openSync(body.path, "r");
    try {
      const payload = new Payload(head, body, fd);
      // Found out now rather than in the middle of DATA, where only cutting the session is left. A
      // small one has been read by now.
      const isKnown = payload.#whole !== undefined;
      if (!isKnown && fstatSync(fd).size < body.offset + body.size) {
        throw new Error("body is incomplete");
      }
      if (payload.#whole !== undefined) payload.close();
      return payload;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * True if the header section is pure ASCII, so that the message can go where SMTPUTF8 is not
   * known (RFC 6531 §3.6 forbids only messages that need it). False if the header is not short.
   */
  isHeaderAscii(): boolean {
    const head = this.#whole ?? this.#readHead();
    const text = head.toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    if (end < 0 && head !== this.#whole) return false;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
    return /^[\u0000-\u007f]*$/.test(end < 0 ? text : text.slice(0, end));
  }

  /**
   * The whole message before dot-stuffing if it has bytes above 127, undefined if it has none. Throws
   * if it can't be read.
   */
  eightBitBytes(sizeMax: number): Buffer | "too large" | undefined {
    const chunks = this.#chunks();
    const head: Buffer[] = [];
    for (const chunk of chunks) {
      head.push(chunk);
      if (hasHighByte(chunk)) {
        if (this.size > sizeMax) return "too large";
        return Buffer.concat([...head, ...chunks]);
      }
      if (this.size > sizeMax) head.length = 0;
    }
    return undefined;
  }

  *#chunks(): Generator<Buffer> {
    yield this.#trace;
    const body = this.#body;
    if (body.kind === "bytes") {
      yield Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.length);
      return;
    }
    // A small message has been read, and its file closed, by now.
    const fd = this.#isClosed ? openSync(body.path, "r") : this.#fd;
    try {
      for (let at = 0; at < body.size; at += CHUNK_SIZE) {
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK_SIZE, body.size - at));
        this.#readFully(chunk, { at: 0, size: chunk.length, from: at, fd });
        yield chunk;
      }
    } finally {
      if (fd !== this.#fd) closeSync(fd);
    }
  }

  /**
   * Writes the message and its end. `onProgress` is told of each chunk that has left, `onEnd` of
   * the end (no argument) or of a body that can't be read, or a socket that broke. Calls neither
   * after `close()`.
   */
  sendTo(socket: Socket, onProgress: () => void, onEnd: (error?: unknown) => void): void {
    if (this.#whole !== undefined) {
      socket.write(this.#whole);
      onEnd();
      return;
    }
    this.#stream(socket, onProgress).then(
      () => this.#isClosed || onEnd(),
      (error: unknown) => this.#isClosed || onEnd(error),
    );
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // A descriptor that is being read must stay: its number may be another file's in a moment.
    if (this.#fd >= 0 && !this.#isReading) closeSync(this.#fd);
  }

  #readWhole(bodySize: number): Buffer {
    const body = this.#body;
    const traceSize = this.#trace.length;
    const buffer = Buffer.allocUnsafe(this.size + LAST_LINE_ROOM);
    this.#trace.copy(buffer);
    if (body.kind === "bytes") buffer.set(body.bytes, traceSize);
    else this.#readFully(buffer, { at: traceSize, size: bodySize });
    const encoder = new DataEncoder();
    const message = buffer.subarray(0, this.size);
    const encoded = encoder.encode(message);
    const end = encoder.end();
    if (encoded !== message) return Buffer.concat([encoded, end]);
    end.copy(buffer, this.size);
    return buffer.subarray(0, this.size + end.length);
  }

  // `from` is in bytes of the body.
  #readFully(
    buffer: Buffer,
    { at, size, from = 0, fd = this.#fd }: { at: number; size: number; from?: number; fd?: number },
  ): void {
    const start = this.#body.kind === "file" ? this.#body.offset + from : 0;
    for (let done = 0; done < size; ) {
      const count = readSync(fd, buffer, at + done, size - done, start + done);
      if (count === 0) throw new Error("body is incomplete");
      done += count;
    }
  }

  // The first bytes of a large message, without moving anything.
  #readHead(): Buffer {
    const room = Math.max(0, CHUNK_SIZE - this.#trace.length);
    if (this.#body.kind === "bytes") {
      return Buffer.concat([this.#trace, this.#body.bytes.subarray(0, room)]);
    }
    const buffer = Buffer.allocUnsafe(Math.min(room, this.#body.size));
    this.#readFully(buffer, { at: 0, size: buffer.length });
    return Buffer.concat([this.#trace, buffer]);
  }

  async #stream(socket: Socket, onProgress: () => void): Promise<void> {
    const encoder = new DataEncoder();
    await this.#write(socket, encoder.encode(this.#trace));
    if (this.#body.kind === "bytes") {
      const { buffer, byteOffset, length } = this.#body.bytes;
      const bytes = Buffer.from(buffer, byteOffset, length);
      for (let at = 0; at < length && !this.#isClosed; at += CHUNK_SIZE) {
        await this.#write(socket, encoder.encode(bytes.subarray(at, at + CHUNK_SIZE)));
        onProgress();
      }
    } else {
      const { offset, size } = this.#body;
      const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
      for (let at = 0; at < size && !this.#isClosed; ) {
        const chunk = await this.#read(buffer, offset + at, Math.min(CHUNK_SIZE, size - at));
        if (this.#isClosed) return;
        // The buffer is read into again only after the socket has let go of it.
        await this.#write(socket, encoder.encode(chunk));
        at += chunk.length;
        onProgress();
      }
    }
    if (!this.#isClosed) await this.#write(socket, encoder.end());
  }

  #read(buffer: Buffer, position: number, size: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#isReading = true;
      read(this.#fd, buffer, 0, size, position, (error, count) => {
        this.#isReading = false;
        if (this.#isClosed) closeSync(this.#fd);
        if (error !== null) reject(error);
        else if (count === 0) reject(new Error("body is incomplete"));
        else resolve(buffer.subarray(0, count));
      });
    });
  }

  // A socket that was destroyed may never call back; `close()` then leaves this promise to the
  // collector.
  #write(socket: Socket, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      socket.write(bytes, (error) => (error == null ? resolve() : reject(error)));
    });
  }
}
