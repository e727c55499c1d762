// What a site trusts of ClamAV's files, and the check of each: the signatures inside of containers and
// diffs, and the .sign file beside them where there is one.
import type { X509Certificate } from "node:crypto";
import { describeError } from "../../base/log.ts";
import { UpdateError } from "../source.ts";
import type { DatabaseFile } from "./cdiff.ts";
import { checkSign, readRoots, SignError } from "./sign.ts";

/** Reads what is signed with the ClamAV project's own keys. */
export interface ContainerReader {
  /** All files of a container; throws an error that says what is wrong with it. */
  members(file: { readonly path: string; readonly bytes: Uint8Array }): readonly DatabaseFile[];
  /** Whether the digits are a signature of a diff. */
  isDiffSigned(digits: string, signed: Uint8Array): boolean;
}

/** Which .sign files were seen, by what they are for: `daily.cvd`, `daily.cdiff`. */
export type SeenSigns = Record<string, unknown>;

/** A container or a diff that came. */
export interface SignedFile {
  /** Its name with its version: `daily-27500.cvd`. */
  readonly name: string;
  /** What .sign files are remembered by. */
  readonly kind: string;
  readonly bytes: Uint8Array;
}

/** Checks files of one feed. */
export class ClamavTrust {
  readonly reader: ContainerReader;
  readonly #folder: string;
  readonly #now: () => number;
  #roots: readonly X509Certificate[] | undefined;

  /** `certificates` is a folder, or "" if .sign files are not looked at. */
  constructor(reader: ContainerReader, certificates: string, now: () => number) {
    this.reader = reader;
    this.#folder = certificates;
    this.#now = now;
  }

  /** Whether .sign files matter. */
  get wantsSigns(): boolean {
    return this.#folder !== "";
  }

  /** The files of a container. Throws UpdateError. */
  open(path: string, bytes: Uint8Array): readonly DatabaseFile[] {
    try {
      return this.reader.members({ path, bytes });
    } catch (error) {
      throw new UpdateError("invalid", `${path}: ${describeError(error)}`, { cause: error });
    }
  }

  /**
   * Checks the .sign file of a file, undefined if there is none. One that was there once must be there
   * always: else whoever holds the mirror could leave it out. Throws UpdateError.
   */
  checkSign(file: SignedFile, sign: string | undefined, seen: SeenSigns): void {
    if (!this.wantsSigns) return;
    if (sign === undefined) {
      if (seen[file.kind] !== true) return;
      const reason = `${file.name}.sign is missing, and there was one for earlier versions`;
      throw new UpdateError("invalid", reason);
    }
    try {
      this.#roots ??= readRoots(this.#folder);
      checkSign(sign, file.bytes, this.#roots, this.#now());
    } catch (error) {
      if (!(error instanceof SignError || (error instanceof Error && "syscall" in error)))
        throw error;
      throw new UpdateError("invalid", `${file.name}.sign: ${error.message}`, { cause: error });
    }
    seen[file.kind] = true;
  }
}
