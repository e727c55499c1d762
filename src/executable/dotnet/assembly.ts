// What the metadata of a .NET program tells: its name and version, GUIDs, resources, types, and the
// strings its code uses. ECMA-335 part II §22 and §24.

import type { PeImage } from "../pe/image.ts";
import { blobHead, dotnetLayout, Metadata } from "./metadata.ts";
import { CODED, TABLE } from "./schema.ts";

const GUIDS_MAX = 1024;
const STRINGS_MAX = 16_384;
const ROWS_MAX = 16_384;
const STRING_CONSTANT = 0x0e;
const EMBEDDED = 0;

/** Numbers of a version. */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
  readonly revision: number;
}

/** A library that the program refers to. */
export interface AssemblyReference {
  readonly name: string;
  readonly version: Version;
  readonly publicKey: Buffer;
}

/** A resource in the program, behind its length. */
export interface ManagedResource {
  readonly name: string;
  /** File offset of the data, -1 if it lies elsewhere. */
  readonly offset: number;
  readonly size: number;
}

/** A .NET program. What a table holds is read when it is asked for. */
export class Assembly {
  readonly metadata: Metadata;
  readonly #image: PeImage;
  readonly #resources: number;

  constructor(image: PeImage, metadata: Metadata, resources: number) {
    this.#image = image;
    this.metadata = metadata;
    this.#resources = resources;
  }

  get moduleName(): string {
    return this.metadata.name(TABLE.module, 1, 1);
  }

  /** The assembly's own name, culture and version; undefined for a mere module. */
  get identity(): { name: string; culture: string; version: Version } | undefined {
    const { metadata } = this;
    if (metadata.count(TABLE.assembly) === 0) return undefined;
    return {
      name: metadata.name(TABLE.assembly, 1, 7),
      culture: metadata.name(TABLE.assembly, 1, 8),
      version: this.#version(TABLE.assembly, 1, 1),
    };
  }

  #version(table: number, row: number, column: number): Version {
    const [major = 0, minor = 0, build = 0, revision = 0] = [0, 1, 2, 3].map((i) =>
      this.metadata.cell(table, row, column + i),
    );
    return { major, minor, build, revision };
  }

  get references(): AssemblyReference[] {
    return this.#rows(TABLE.assemblyRef).map((row) => ({
      name: this.metadata.name(TABLE.assemblyRef, row, 6),
      version: this.#version(TABLE.assemblyRef, row, 0),
      publicKey: this.metadata.blob(TABLE.assemblyRef, row, 5),
    }));
  }

  get moduleReferences(): string[] {
    return this.#rows(TABLE.moduleRef).map((row) => this.metadata.name(TABLE.moduleRef, row, 0));
  }

  /** GUIDs as they are written: `de37ec6b-4312-4073-81ea-903f0a340a11`. */
  get guids(): string[] {
    const stream = this.metadata.stream("#GUID");
    const guids: string[] = [];
    const { reader } = this.metadata;
    for (let i = 0; stream !== undefined && i < GUIDS_MAX && (i + 1) * 16 <= stream.size; i++) {
      const at = stream.offset + i * 16;
      if (!reader.has(at, 16)) break;
      guids.push(guidText(reader.slice(at, 16)));
    }
    return guids;
  }

  /** The strings that code loads, UTF-16, but for empty ones. */
  get userStrings(): Buffer[] {
    const stream = this.metadata.stream("#US");
    const strings: Buffer[] = [];
    if (stream === undefined) return strings;
    const { reader } = this.metadata;
    const end = Math.min(reader.size, stream.offset + stream.size);
    let at = stream.offset + 1;
    for (let count = 0; at < end && count < STRINGS_MAX; count++) {
      const { length, size } = blobHead(reader, at);
      if (size === 0) break;
      at += size;
      // §24.2.4: behind the text stands a byte that says whether it has special characters.
      if (length > 1 && at + length <= end) strings.push(reader.slice(at, length - 1));
      at += length;
    }
    return strings;
  }

  /** Constants that are strings, UTF-16. */
  get constants(): Buffer[] {
    return this.#rows(TABLE.constant)
      .filter((row) => (this.metadata.cell(TABLE.constant, row, 0) & 0xff) === STRING_CONSTANT)
      .map((row) => this.metadata.blob(TABLE.constant, row, 2));
  }

  /** File offsets of fields that have their first value in the file. */
  get fieldOffsets(): number[] {
    return this.#rows(TABLE.fieldRva)
      .map((row) => this.#image.offsetOf(this.metadata.cell(TABLE.fieldRva, row, 0)))
      .filter((offset) => offset >= 0);
  }

  /** Resources, those in other files included. */
  get resources(): ManagedResource[] {
    const { metadata } = this;
    return this.#rows(TABLE.resource).map((row) => {
      const name = metadata.name(TABLE.resource, row, 2);
      const at = this.#resources + metadata.cell(TABLE.resource, row, 0);
      const isHere = metadata.cell(TABLE.resource, row, 3) === EMBEDDED && this.#resources >= 0;
      if (!isHere || !metadata.reader.has(at, 4)) return { name, offset: -1, size: 0 };
      return { name, offset: at + 4, size: metadata.reader.u32(at) };
    });
  }

  /** The GUID that makes the assembly a type library, "" if it is none. */
  get typeLibrary(): string {
    for (const row of this.#rows(TABLE.customAttribute)) {
      if (!this.#isGuidAttribute(row)) continue;
      // ECMA-335 §23.3: a prologue of two bytes, then a counted string.
      const value = this.metadata.blob(TABLE.customAttribute, row, 2);
      const length = value[2] ?? 0;
      if (value.readUInt16LE(0) === 1) return value.toString("latin1", 3, 3 + length);
    }
    return "";
  }

  // An attribute of the assembly whose constructor is that of GuidAttribute.
  #isGuidAttribute(row: number): boolean {
    const { metadata } = this;
    const parent = metadata.cell(TABLE.customAttribute, row, 0);
    const { tables } = CODED.hasCustomAttribute;
    if (tables[parent & 31] !== TABLE.assembly) return false;
    const constructorOf = metadata.cell(TABLE.customAttribute, row, 1);
    if ((constructorOf & 7) !== 3) return false;
    const owner = metadata.cell(TABLE.memberRef, constructorOf >> 3, 0);
    if ((owner & 7) !== 1 || metadata.blob(TABLE.customAttribute, row, 2).length < 4) return false;
    return metadata.name(TABLE.typeRef, owner >> 3, 1) === "GuidAttribute";
  }

  #rows(table: number): number[] {
    const count = Math.min(this.metadata.count(table), ROWS_MAX);
    return Array.from({ length: count }, (_, i) => i + 1);
  }
}

/** The .NET program in `image`, or undefined if it is none. */
export function readAssembly(image: PeImage): Assembly | undefined {
  const layout = dotnetLayout(image);
  if (layout === undefined) return;
  return new Assembly(image, new Metadata(image.reader, layout.metadata), layout.resources);
}

function guidText(bytes: Buffer): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  const [first, second, third] = [
    bytes.readUInt32LE(0),
    bytes.readUInt16LE(4),
    bytes.readUInt16LE(6),
  ];
  const [rest, last] = [bytes.toString("hex", 8, 10), bytes.toString("hex", 10, 16)];
  return `${hex(first, 8)}-${hex(second, 4)}-${hex(third, 4)}-${rest}-${last}`;
}
