// Reads bundles. They come from outside: every size is checked against the file before anything is
// read or written, and nothing is written but plain files below a folder of ours.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { onDisk } from "../http/sink.ts";
import {
  BUNDLE_SIZE_MAX,
  BundleError,
  type BundleFeed,
  type BundleIndex,
  HEAD,
  INDEX_SIZE_MAX,
  parseIndex,
  sizeOfFiles,
} from "./format.ts";

const CHUNK = 2 ** 20;
const NEWLINE = 0x0a;

/** A bundle that is open. */
export class Bundle {
  readonly index: BundleIndex;
  /** Bytes of the whole file. */
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #start: number;

  private constructor(parts: { handle: FileHandle; index: BundleIndex; start: number }) {
    this.#handle = parts.handle;
    this.index = parts.index;
    this.#start = parts.start;
    this.size = parts.start + sizeOfFiles(parts.index);
  }

  /** Opens a bundle; its size and its list of files are right then. Throws BundleError. */
  static async open(path: string): Promise<Bundle> {
    // Not to wait for ever for whoever would write to a pipe.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw new BundleError("not a plain file");
      if (stat.size > BUNDLE_SIZE_MAX)
        throw new BundleError(`larger than ${BUNDLE_SIZE_MAX} bytes`);
      const line = await readIndexLine(handle, stat.size);
      const index = parseIndex(line.toString("utf8"));
      const bundle = new Bundle({ handle, index, start: HEAD.length + line.length + 1 });
      if (stat.size < bundle.size) {
        throw new BundleError(`it is cut off: ${bundle.size - stat.size} bytes are missing`);
      }
      if (stat.size > bundle.size) {
        throw new BundleError(`${stat.size - bundle.size} bytes too many at its end`);
      }
      return bundle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** A feed by its name. */
  feed(name: string): BundleFeed | undefined {
    return this.index.feeds.find((each) => each.name === name);
  }

  /**
   * Writes a feed's files below a folder that is there and empty; with `part`, only those whose path
   * begins so. Throws BundleError.
   */
  async extract(name: string, folder: string, part = ""): Promise<void> {
    for (const { file, position } of this.#placesOf(name)) {
      if (!file.path.startsWith(part)) continue;
      const target = join(folder, file.path);
      await onDisk(mkdir(dirname(target), { recursive: true, mode: 0o700 }));
      const out = await onDisk(open(target, "wx", 0o600));
      const hash = createHash("sha256");
      try {
        for (let done = 0; done < file.size; ) {
          const chunk = await this.#read(position + done, Math.min(CHUNK, file.size - done));
          hash.update(chunk);
          await onDisk(out.writeFile(chunk));
          done += chunk.length;
        }
      } finally {
        await out.close();
      }
      if (hash.digest("hex") !== file.sha256) throw new BundleError(`${file.path}: damaged`);
    }
  }

  *#placesOf(name: string) {
    let position = this.#start;
    for (const feed of this.index.feeds) {
      for (const file of feed.files) {
        if (feed.name === name) yield { file, position };
        position += file.size;
      }
    }
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await this.#handle.read(buffer, 0, length, position);
    if (bytesRead === 0) throw new BundleError("it became shorter while it was read");
    return buffer.subarray(0, bytesRead);
  }
}

async function readIndexLine(handle: FileHandle, size: number): Promise<Buffer> {
  const most = Math.min(size, HEAD.length + INDEX_SIZE_MAX);
  const parts: Buffer[] = [];
  for (let at = 0; at < most; ) {
    const buffer = Buffer.alloc(Math.min(CHUNK, most - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    const part = buffer.subarray(0, bytesRead);
    if (at === 0 && part.toString("latin1", 0, HEAD.length) !== HEAD) {
      throw new BundleError("not a bundle of gw");
    }
    const from = at === 0 ? HEAD.length : 0;
    const end = part.indexOf(NEWLINE, from);
    parts.push(part.subarray(from, end < 0 ? undefined : end));
    if (end >= 0) return Buffer.concat(parts);
    at += bytesRead;
  }
  const isEmpty = parts.length === 0;
  throw new BundleError(isEmpty ? "not a bundle of gw" : "its list of files is cut off");
}
