// tar archives, rebuilt with members left out, replaced or renamed; all other blocks are copied.
// POSIX.1-2017 pax, "ustar Interchange Format".

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { ScannedObject } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { type Edit, type Editor, type Edits, noteName, safeName } from "../editor.ts";

const BLOCK = 512;
const MEMBERS_MAX = 20_000;
const NAME_SIZE = 100;

/** A member with the extended headers that belong to it. */
interface Member {
  readonly name: string;
  readonly size: number;
  /** Where its first extended header, its header and its data begin, and where the next one does. */
  readonly start: number;
  readonly header: number;
  readonly end: number;
  readonly hasExtendedSize: boolean;
}

/** Opens an archive for editing; undefined if it is not wholly understood. */
export function openTar(bytes: Uint8Array, _budget: Budget): Editor | undefined {
  const input = asBuffer(bytes);
  const found = readMembers(input);
  return found === undefined ? undefined : new TarEditor(input, found.members, found.end);
}

function readMembers(input: Buffer): { members: Member[]; end: number } | undefined {
  const members: Member[] = [];
  let start = 0;
  let at = 0;
  let extended: { name?: string; hasSize: boolean } = { hasSize: false };
  while (at + BLOCK <= input.length && !isZero(input, at)) {
    const size = octal(input, at + 124, 12);
    if (size === undefined || octal(input, at + 148, 8) !== checksum(input, at)) return undefined;
    const next = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (next > input.length + BLOCK || members.length >= MEMBERS_MAX) return undefined;
    const type = String.fromCharCode(input[at + 156] || 0x30);
    const data = input.subarray(at + BLOCK, at + BLOCK + size);
    if (type === "x" || type === "L" || type === "K") {
      extended = { ...extended, ...extension(type, data.toString("utf8")) };
    } else if (type === "S" || type === "M") {
      return undefined;
    } else {
      const name = extended.name ?? headerName(input, at);
      members.push({
        ...{ name, size, start, header: at, end: Math.min(next, input.length) },
        hasExtendedSize: extended.hasSize,
      });
      start = next;
      extended = { hasSize: false };
    }
    at = next;
  }
  return members.length === 0 ? undefined : { members, end: start };
}

function extension(type: string, text: string): { name?: string; hasSize: boolean } {
  const hasSize = type === "x" && /(?:^|\n)\d+ (?:size|GNU\.sparse[^=]*)=/.test(text);
  if (type === "L") return { name: text.replace(/\0[\s\S]*$/, ""), hasSize };
  const path = type === "x" ? /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1] : undefined;
  return path === undefined ? { hasSize } : { name: path, hasSize };
}

class TarEditor implements Editor {
  readonly #input: Buffer;
  readonly #members: readonly Member[];
  readonly #end: number;

  constructor(input: Buffer, members: readonly Member[], end: number) {
    this.#input = input;
    this.#members = members;
    this.#end = end;
  }

  read(child: ScannedObject): Uint8Array | undefined {
    const [member, ...others] = this.#find(child);
    if (member === undefined || others.length > 0) return undefined;
    const start = member.header + BLOCK;
    return this.#input.subarray(start, start + member.size);
  }

  rebuild(edits: Edits): Uint8Array | string {
    const byMember = new Map<Member, Edit>();
    for (const [child, edit] of edits) {
      const found = this.#find(child);
      if (found.length === 0) return `${child.name} is not among the archive's files`;
      for (const member of found) byMember.set(member, edit);
    }
    const pieces = this.#members.flatMap((member) => this.#piece(member, byMember.get(member)));
    if (pieces.length === 0) return "the archive would be empty";
    return Buffer.concat([...pieces, this.#input.subarray(this.#end)]);
  }

  #piece(member: Member, edit: Edit | undefined): Buffer[] {
    const { start, header, end, size } = member;
    const data = this.#input.subarray(header + BLOCK, header + BLOCK + size);
    switch (edit?.kind) {
      case undefined:
        return [this.#input.subarray(start, end)];
      case "remove":
        return [];
      case "text":
        return this.#made(member, Buffer.from(edit.text), noteName(member.name));
      case "rename":
        return this.#made(member, data, safeName(member.name));
      case "replace":
        // Extended headers stay, for the name; one that tells a size would tell a wrong one.
        return member.hasExtendedSize
          ? this.#made(member, edit.bytes, member.name)
          : [this.#input.subarray(start, header), ...this.#made(member, edit.bytes, undefined)];
      default:
        return edit satisfies never;
    }
  }

  #made(member: Member, bytes: Uint8Array, name: string | undefined): Buffer[] {
    const head = Buffer.from(this.#input.subarray(member.header, member.header + BLOCK));
    head.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124, "latin1");
    head[156] = 0x30;
    if (name !== undefined) {
      const raw = Buffer.from(name.toWellFormed());
      // Too long a name loses its beginning: its end says what the file is.
      const short = raw.length <= NAME_SIZE ? raw : raw.subarray(-NAME_SIZE);
      head.fill(0, 0, NAME_SIZE).set(short, 0);
      if (head.toString("latin1", 257, 262) === "ustar") head.fill(0, 345, 500);
    }
    const sum = checksum(head, 0).toString(8).padStart(6, "0");
    head.write(`${sum}\0 `, 148, "latin1");
    const padding = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
    return [head, Buffer.from(bytes), padding];
  }

  #find(child: ScannedObject): Member[] {
    const names = child.name.split(" | ");
    return this.#members.filter(
      (member) => member.size === child.size && names.includes(cleanName(member.name)),
    );
  }
}

function isZero(input: Buffer, at: number): boolean {
  return input.subarray(at, at + BLOCK).every((byte) => byte === 0);
}

function octal(input: Buffer, at: number, length: number): number | undefined {
  const text = input.toString("latin1", at, at + length);
  const digits = /^ *([0-7]+)[ \0]*$/.exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

function checksum(input: Buffer, at: number): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += input[at + i] ?? 0;
  return sum;
}

function headerName(input: Buffer, at: number): string {
  const field = (from: number, length: number) =>
    input.toString("utf8", from, from + length).replace(/\0[\s\S]*$/, "");
  const prefix = input.toString("latin1", at + 257, at + 263) === "ustar\0";
  const folder = prefix ? field(at + 345, 155) : "";
  return folder === "" ? field(at, 100) : `${folder}/${field(at, 100)}`;
}
