// Kept bodies are compressed once they are stored, behind the mail: Zstandard (RFC 8878) in a file
// of its own name. Who reads one gets the bytes that came, never more than the row promises.
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import type { Disk } from "../disk.ts";

/** What the name of a packed file ends with. */
export const PACKED_SUFFIX = ".zst";

/** A file with a body in it. */
export interface PackedFile {
  readonly path: string;
  /** Bytes of the body as it came. */
  readonly size: number;
  readonly isPacked: boolean;
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress) as (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number },
) => Promise<Buffer>;

/** The body in a file. Rejects if it is not there, damaged, or not of that size. */
export async function readPacked({ path, size, isPacked }: PackedFile): Promise<Uint8Array> {
  const bytes = await Bun.file(path).bytes();
  // A frame says how large its content is; only the row is believed.
  const bounds = { maxOutputLength: Math.max(1, size) };
  const body = isPacked ? await decompress(bytes, bounds) : bytes;
  if (body.length !== size) throw new Error(`${path} has ${body.length} bytes, not ${size}`);
  return body;
}

/** Writes `body` to a new file, packed and durable; gives its size. */
export async function writePacked(disk: Disk, path: string, body: Uint8Array): Promise<number> {
  const bytes = await compress(body);
  // What an interrupted attempt left behind.
  await disk.remove(path);
  const file = await disk.create(path);
  try {
    await disk.write(file, bytes, 0);
    await disk.sync(file);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await disk.close(file);
  }
  await disk.syncFolder(dirname(path));
  return bytes.length;
}
