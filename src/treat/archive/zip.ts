// ZIP archives, rebuilt with members left out, replaced or renamed. What is kept is copied as it is,
// compressed data and all. Only plain archives are edited: one directory, at its place, no zip64.
// APPNOTE.TXT 6.3.10.

import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { ScannedObject } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { type Edit, type Editor, type Edits, noteName, safeName } from "../editor.ts";

const LOCAL_SIGNATURE = 0x04034b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
const COMMENT_MAX = 65_535;
const MEMBERS_MAX = 20_000;
const FLAG_ENCRYPTED = 1;
const FLAG_DESCRIPTOR = 8;
const FLAG_UTF8 = 0x800;
const STORED = 0;
const DEFLATED = 8;

/** A member as directory and local header agree on it. */
interface Member {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly start: number;
  readonly dataStart: number;
  /** Its record in the central directory. */
  readonly record: Buffer;
}

/** A member as it goes into the new archive. */
interface Piece {
  readonly local: Buffer;
  readonly record: Buffer;
}

/** Opens an archive for editing; undefined if it is not a plain one. */
export function openZip(bytes: Uint8Array, budget: Budget): ZipEditor | undefined {
  const input = asBuffer(bytes);
  const end = endOf(input);
  if (end < 0) return undefined;
  const size = input.readUInt32LE(end + 12);
  const offset = input.readUInt32LE(end + 16);
  // A stub in front, a zip64 record or a gap would each mean offsets that we do not keep.
  if (offset + size !== end) return undefined;
  const members = readMembers(input, { start: offset, end });
  if (members === undefined || members.length !== input.readUInt16LE(end + 10)) return undefined;
  return new ZipEditor(input, { members, directory: offset, end }, budget);
}

function endOf(input: Buffer): number {
  const lowest = Math.max(0, input.length - END_SIZE - COMMENT_MAX);
  for (let at = input.length - END_SIZE; at >= lowest; at--) {
    if (input.readUInt32LE(at) !== END_SIGNATURE) continue;
    if (at + END_SIZE + input.readUInt16LE(at + 20) === input.length) return at;
  }
  return -1;
}

function readMembers(
  input: Buffer,
  directory: { readonly start: number; readonly end: number },
): Member[] | undefined {
  const members: Member[] = [];
  let at = directory.start;
  while (at < directory.end) {
    if (at + 46 > directory.end || input.readUInt32LE(at) !== CENTRAL_SIGNATURE) return undefined;
    const nameEnd = at + 46 + input.readUInt16LE(at + 28);
    const next = nameEnd + input.readUInt16LE(at + 30) + input.readUInt16LE(at + 32);
    if (next > directory.end || members.length >= MEMBERS_MAX) return undefined;
    const flags = input.readUInt16LE(at + 8);
    const start = input.readUInt32LE(at + 42);
    if (start + 30 > directory.start || input.readUInt32LE(start) !== LOCAL_SIGNATURE) return;
    const dataStart = start + 30 + input.readUInt16LE(start + 26) + input.readUInt16LE(start + 28);
    const packedSize = input.readUInt32LE(at + 20);
    if (dataStart + packedSize > directory.start) return undefined;
    members.push({
      name: input.toString((flags & FLAG_UTF8) !== 0 ? "utf8" : "latin1", at + 46, nameEnd),
      method: input.readUInt16LE(at + 10),
      crc: input.readUInt32LE(at + 16),
      size: input.readUInt32LE(at + 24),
      record: input.subarray(at, next),
      ...{ flags, start, dataStart, packedSize },
    });
    at = next;
  }
  return members;
}

/** An archive that has been opened. */
export class ZipEditor implements Editor {
  readonly members: readonly Member[];
  readonly #input: Buffer;
  readonly #directory: number;
  readonly #end: number;
  readonly #budget: Budget;

  constructor(
    input: Buffer,
    parts: { readonly members: readonly Member[]; directory: number; end: number },
    budget: Budget,
  ) {
    this.#input = input;
    this.members = parts.members;
    this.#directory = parts.directory;
    this.#end = parts.end;
    this.#budget = budget;
  }

  read(child: ScannedObject): Uint8Array | undefined {
    const [member, ...others] = this.#find(child);
    return member === undefined || others.length > 0 ? undefined : this.content(member);
  }

  /** A member's bytes; undefined if they are encrypted, damaged or more than may be extracted. */
  content(member: Member): Buffer | undefined {
    const { method, flags, dataStart, packedSize, size } = member;
    if ((flags & FLAG_ENCRYPTED) !== 0 || !this.#budget.takeObject(size)) return undefined;
    const packed = this.#input.subarray(dataStart, dataStart + packedSize);
    const bytes = method === STORED ? packed : method === DEFLATED ? inflated(packed, size) : null;
    const isRight = bytes?.length === size && crc32(bytes) === member.crc;
    return isRight ? bytes : undefined;
  }

  rebuild(edits: Edits): Uint8Array | string {
    const byMember = new Map<Member, Edit>();
    for (const [child, edit] of edits) {
      const found = this.#find(child);
      if (found.length === 0) return `${child.name} is not in the archive's directory`;
      if (found.length > 1 && edit.kind === "replace") return `${child.name} is there twice`;
      for (const member of found) byMember.set(member, edit);
    }
    return this.rebuilt((member) => byMember.get(member));
  }

  /** The archive with what `editOf` wants done to each member. */
  rebuilt(editOf: (member: Member) => Edit | undefined): Uint8Array | string {
    const ordered = [...this.members].sort((a, b) => a.start - b.start);
    const pieces = new Map<Member, Piece>();
    ordered.forEach((member, index) => {
      const edit = editOf(member);
      if (edit?.kind === "remove") return;
      const end = ordered[index + 1]?.start ?? this.#directory;
      pieces.set(member, this.#piece(member, end, edit));
    });
    if (pieces.size === 0) return "the archive would be empty";
    const offsets = new Map<Member, number>();
    const files: Buffer[] = [this.#input.subarray(0, ordered[0]?.start)];
    let offset = files[0]?.length ?? 0;
    for (const [member, { local }] of pieces) {
      offsets.set(member, offset);
      files.push(local);
      offset += local.length;
    }
    const records = this.members.flatMap((member) => {
      const record = pieces.get(member)?.record;
      if (record === undefined) return [];
      record.writeUInt32LE(offsets.get(member) ?? 0, 42);
      return [record];
    });
    const listing = Buffer.concat(records);
    const end = Buffer.from(this.#input.subarray(this.#end));
    end.writeUInt16LE(records.length, 8);
    end.writeUInt16LE(records.length, 10);
    end.writeUInt32LE(listing.length, 12);
    end.writeUInt32LE(offset, 16);
    return Buffer.concat([...files, listing, end]);
  }

  #piece(member: Member, end: number, edit: Edit | undefined): Piece {
    const { start, dataStart, record } = member;
    if (edit?.kind === "replace") return made(member, record.subarray(46, nameEnd(record)), edit);
    if (edit?.kind === "text") {
      return made(member, utf8Name(noteName(member.name)), { bytes: Buffer.from(edit.text) });
    }
    if (edit?.kind !== "rename") {
      return { local: this.#input.subarray(start, end), record: Buffer.from(record) };
    }
    const name = utf8Name(safeName(member.name));
    const local = Buffer.from(this.#input.subarray(start, start + 30));
    const fixed = Buffer.from(record.subarray(0, 46));
    for (const [header, at] of [[local, 6] as const, [fixed, 8] as const]) {
      header.writeUInt16LE(header.readUInt16LE(at) | FLAG_UTF8, at);
    }
    setLengths(local, 26, name.length);
    setLengths(fixed, 28, name.length);
    fixed.writeUInt16LE(0, 32);
    return {
      local: Buffer.concat([local, name, this.#input.subarray(dataStart, end)]),
      record: Buffer.concat([fixed, name]),
    };
  }

  #find(child: ScannedObject): Member[] {
    const names = child.name.split(" | ");
    return this.members.filter(
      (member) => member.size === child.size && names.includes(cleanName(member.name)),
    );
  }
}

const nameEnd = (record: Buffer) => 46 + record.readUInt16LE(28);
const utf8Name = (name: string) => Buffer.from(name.toWellFormed());

// Behind the fixed part stand the name and extra fields, which speak of the name or sizes that were.
function setLengths(header: Buffer, at: number, nameLength: number): void {
  header.writeUInt16LE(nameLength, at);
  header.writeUInt16LE(0, at + 2);
}

function made(member: Member, name: Buffer, { bytes }: { readonly bytes: Uint8Array }): Piece {
  const isStored = member.method === STORED && bytes.length < 64;
  const packed = isStored ? Buffer.from(bytes) : deflateRawSync(bytes);
  const record = Buffer.from(member.record.subarray(0, 46));
  const isOurs = !name.equals(member.record.subarray(46, nameEnd(member.record)));
  const flags = member.flags & ~(FLAG_DESCRIPTOR | FLAG_ENCRYPTED | 6);
  record.writeUInt16LE(20, 6);
  record.writeUInt16LE(isOurs ? flags | FLAG_UTF8 : flags, 8);
  record.writeUInt16LE(isStored ? STORED : DEFLATED, 10);
  record.writeUInt32LE(crc32(bytes), 16);
  record.writeUInt32LE(packed.length, 20);
  record.writeUInt32LE(bytes.length, 24);
  setLengths(record, 28, name.length);
  record.writeUInt16LE(0, 32);
  // The two headers share their layout from "version needed" to the length of the name.
  const local = Buffer.alloc(30);
  local.writeUInt32LE(LOCAL_SIGNATURE, 0);
  record.copy(local, 4, 6, 32);
  return {
    local: Buffer.concat([local, name, packed]),
    record: Buffer.concat([record, name]),
  };
}

function inflated(packed: Buffer, size: number): Buffer | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    // Corrupt, or larger than it says: not to be edited either way.
    return undefined;
  }
}
