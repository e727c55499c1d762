// Reads the files that settings stand in. Whatever lies under a name, the answer is a text of bounded
// size or one sentence that says what is wrong and what to do.
import { closeSync, openSync, readSync, statSync } from "node:fs";

/** A file that cannot be used: one line `FILE:LINE:COLUMN: what` for each problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Largest file of settings, bytes. */
export const FILE_SIZE_MAX = 1 << 20;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EACCES: "no permission; whoever runs gw must be able to read it",
  EPERM: "no permission; whoever runs gw must be able to read it",
  EISDIR: "a folder",
  ELOOP: "a link that leads to itself",
};

/** The error of a file that the system does not give. */
export function unreadable(file: string, error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new ConfigError(`${file}: cannot be read: ${REASONS[code] ?? code}`, { cause: error });
}

// A device gives bytes for ever and has no size, so that the bound stands here and not at a stat.
function readUpTo(file: string, max: number): Buffer {
  const handle = openSync(file, "r");
  try {
    const buffer = Buffer.allocUnsafe(max + 1);
    let size = 0;
    while (size <= max) {
      const count = readSync(handle, buffer, size, max + 1 - size, null);
      if (count === 0) break;
      size += count;
    }
    return buffer.subarray(0, size);
  } finally {
    closeSync(handle);
  }
}

/** The text of a file of at most `max` bytes; throws ConfigError. */
export function readText(file: string, max = FILE_SIZE_MAX): string {
  let bytes: Buffer;
  try {
    bytes = readUpTo(file, max);
  } catch (error) {
    throw unreadable(file, error);
  }
  if (bytes.length > max) {
    throw new ConfigError(`${file}: larger than ${max} bytes: is it the right file?`);
  }
  if (bytes.includes(0)) throw new ConfigError(`${file}: not a text: it has zero bytes in it`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigError(`${file}: not UTF-8: save it in that encoding`, { cause: error });
  }
}

/** The same of a file that must be a regular one: opening a pipe may wait for ever. */
export function readRegular(file: string, max = FILE_SIZE_MAX): string {
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw new ConfigError(`${file}: cannot be read: a folder`);
    if (!stat.isFile()) throw new ConfigError(`${file}: cannot be read: not a regular file`);
  } catch (error) {
    throw unreadable(file, error);
  }
  return readText(file, max);
}
