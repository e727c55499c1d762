// A Windows program as a whole: its headers, and what they lead to, read on first use.

import { type Assembly, readAssembly } from "../dotnet/assembly.ts";
import { Reader } from "../reader.ts";
import { type Authenticode, readSignatures } from "./authenticode.ts";
import { type RichHeader, readDebugPath, readRichHeader } from "./build-marks.ts";
import { type Exports, readExports } from "./exports.ts";
import { PeImage, peLayout } from "./image.ts";
import {
  type ImportedLibrary,
  importHashText,
  readDelayedImports,
  readImports,
} from "./imports.ts";
import { type Resources, readResources } from "./resources.ts";
import { readVersionStrings, type VersionString } from "./version-info.ts";

const RT_VERSION = 16;
const VERSIONS_MAX = 16;

/** A Windows program, library or driver. */
export class PeFile extends PeImage {
  readonly format = "pe";
  #imports: readonly ImportedLibrary[] | undefined;
  #delayedImports: readonly ImportedLibrary[] | undefined;
  #exports: { found: Exports | undefined } | undefined;
  #signatures: readonly Authenticode[] | undefined;
  #versionStrings: readonly VersionString[] | undefined;
  #assembly: { found: Assembly | undefined } | undefined;
  #resources: { found: Resources | undefined } | undefined;

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

  /** The resource tree, undefined if there is none. */
  get resources(): Resources | undefined {
    this.#resources ??= { found: readResources(this) };
    return this.#resources.found;
  }

  /** The strings of all version resources. */
  get versionStrings(): readonly VersionString[] {
    this.#versionStrings ??= this.#readVersions();
    return this.#versionStrings;
  }

  #readVersions(): VersionString[] {
    const versions = this.resources?.list.filter(({ type }) => type === RT_VERSION) ?? [];
    return versions
      .slice(0, VERSIONS_MAX)
      .flatMap(({ offset, size }) =>
        offset < 0 ? [] : readVersionStrings(this.reader, offset, size),
      );
  }

  /** The signatures it carries, unverified. */
  get signatures(): readonly Authenticode[] {
    this.#signatures ??= readSignatures(this);
    return this.#signatures;
  }

  /** The .NET program in it, undefined if there is none. */
  get assembly(): Assembly | undefined {
    this.#assembly ??= { found: readAssembly(this) };
    return this.#assembly.found;
  }

  /** The "Rich" header, undefined if there is none. */
  get richHeader(): RichHeader | undefined {
    return readRichHeader(this);
  }

  /** The path of the debugging database, "" if none is named. */
  get debugPath(): string {
    return readDebugPath(this);
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
