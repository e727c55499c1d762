// Files of a feed that lie in a folder of this machine, or of one that is mounted: `file:` URLs.
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { UpdateError } from "../source.ts";
import { tooLarge } from "./faults.ts";
import type { GetOptions, Outcome } from "./request.ts";
import type { Sink } from "./sink.ts";

const READ_SIZE = 1 << 18;

/** Reads a file under the same bounds as one from afar; nothing but plain files. */
export async function readLocal(url: URL, sink: Sink, options: GetOptions): Promise<Outcome> {
  const path = fileURLToPath(url);
  let handle: FileHandle;
  try {
    // Not to wait for ever for whoever would write to a pipe.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    throw new UpdateError("unreachable", `${path}: ${code}`, { cause: error });
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new UpdateError("invalid", `${path} is no plain file`);
    const mark = { etag: `"${stat.ino}-${stat.size}-${stat.mtimeMs}"` };
    if (options.known?.etag === mark.etag) return { kind: "same" };
    const wanted = Math.min(stat.size, options.first ?? stat.size);
    if (wanted > options.sizeMax) throw tooLarge(url, options.sizeMax);
    while (sink.size < wanted) {
      options.signal.throwIfAborted();
      const room = Math.min(READ_SIZE, wanted - sink.size);
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(room), 0, room, sink.size);
      if (bytesRead === 0) throw new UpdateError("unreachable", `${path} shrank while it was read`);
      await sink.write(buffer.subarray(0, bytesRead));
      options.progress?.({ what: path, done: sink.size, total: wanted });
    }
    return { kind: "got", mark, transferred: sink.size };
  } finally {
    await handle.close();
  }
}
