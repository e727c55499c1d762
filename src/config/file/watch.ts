// Notices that a file which values of the configuration came from has changed: a list, a secret. The
// configuration file itself is taken on `gw reload` only, since people save it half done.
import { fileStampIfSeen } from "../../base/file/file-stamp.ts";

/** How often files are looked at, milliseconds. */
const LOOK_MS = 2_000;

/** Looks at files again and again, and says which have changed since the last look. */
export class FileWatch {
  readonly #marks = new Map<string, string>();
  readonly #onChange: (files: readonly string[]) => void;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(onChange: (files: readonly string[]) => void) {
    this.#onChange = onChange;
  }

  /** From now on these files. What is known of those that stay is kept: no change is missed. */
  watch(files: readonly string[]): void {
    for (const file of this.#marks.keys()) if (!files.includes(file)) this.#marks.delete(file);
    for (const file of files)
      if (!this.#marks.has(file)) this.#marks.set(file, fileStampIfSeen(file));
  }

  /** Looks once. */
  look(): void {
    const changed: string[] = [];
    for (const [file, mark] of this.#marks) {
      const now = fileStampIfSeen(file);
      if (now === mark) continue;
      this.#marks.set(file, now);
      changed.push(file);
    }
    if (changed.length > 0) this.#onChange(changed);
  }

  /** Looks every few seconds until `stop()`. */
  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
