// A Windows program as a whole: its headers, and what they lead to, read on first use.

import { Reader } from "../reader.ts";
import { type Exports, readExports } from "./exports.ts";
import { PeImage, peLayout } from "./image.ts";
import {
  type ImportedLibrary,
  importHashText,
  readDelayedImports,
  readImports,
} from "./imports.ts";

/** A Windows program, library or driver. */
export class PeFile extends PeImage {
  readonly format = "pe";
  #imports: readonly ImportedLibrary[] | undefined;
  #delayedImports: readonly ImportedLibrary[] | undefined;
  #exports: { found: Exports | undefined } | undefined;

  /** Libraries bound at start. */
  get imports(): readonly ImportedLibrary[] {
    this.#imports ??= readImports(this);
    return this.#imports;
  }

  /** Libraries bound when first called. */
  get delayedImports(): readonly ImportedLibrary[] {
    this.#delayedImports ??= readDelayedImports(this);
    return this.#delayedImports;
  }

  /** The export directory, undefined if there is none. */
  get exports(): Exports | undefined {
    this.#exports ??= { found: readExports(this) };
    return this.#exports.found;
  }

  /** The text whose MD5 is the import hash; "" if nothing is imported. */
  get importHashText(): string {
    return importHashText(this.imports);
  }
}

/** The Windows program in `bytes`, or undefined if its headers can't be read. */
export function parsePe(bytes: Uint8Array): PeFile | undefined {
  const reader = new Reader(bytes);
  const layout = peLayout(reader);
  return layout === undefined ? undefined : new PeFile(reader, layout);
}
