// Where the bytes of a body go: into memory or onto the disk.
import type { FileHandle } from "node:fs/promises";
import { UpdateError } from "../source.ts";

/** Takes the chunks of a body, one after the other. */
export interface Sink {
  /** Bytes it has. */
  readonly size: number;
  write(chunk: Uint8Array): Promise<void> | void;
  /** Forgets all: the server begins anew. */
  reset(): Promise<void> | void;
}

/** Keeps a body in memory. */
export class MemorySink implements Sink {
  #chunks: Uint8Array[] = [];
  size = 0;

  write(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.size += chunk.length;
  }

  reset(): void {
    this.#chunks = [];
    this.size = 0;
  }

  joined(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

/** Writes a body into a file that was just made. */
export class FileSink implements Sink {
  readonly #handle: FileHandle;
  size = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const left = chunk.length - at;
      const { bytesWritten } = await onDisk(this.#handle.write(chunk, at, left, this.size));
      at += bytesWritten;
      this.size += bytesWritten;
    }
  }

  async reset(): Promise<void> {
    if (this.size > 0) await onDisk(this.#handle.truncate(0));
    this.size = 0;
  }
}

/** What the disk refuses becomes an UpdateError that says so. */
export async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { message } = error as Error;
    throw new UpdateError("full", `the disk takes no more: ${message}`, { cause: error });
  }
}
