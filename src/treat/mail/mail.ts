// Edits of a message that leave all else as it is, byte for byte: parts are spliced, never written
// anew from a parsed form. After an edit the message is read again; unless it has the planned parts,
// and the others unchanged, there was no edit.

import { asBuffer } from "../../base/bytes.ts";
import { base64Lines, encodeBody, parameter } from "../../entity/encode.ts";
import { type Field, parseField } from "../../entity/field.ts";
import { readings } from "../../entity/transfer.ts";
import type { ScannedObject, Stretch } from "../../message.ts";
import { type Edit, type Editor, type Edits, noteName, safeName } from "../editor.ts";
import { leavesOf, type Part, type PartTree, readParts } from "./parts.ts";

interface Splice extends Stretch {
  readonly bytes: Buffer;
}

const CONTENT_FIELDS =
  /^content-(?:type|disposition|transfer-encoding|md5|description)[ \t]*:[^\r\n]*(?:(?:\r\n|\r|\n)[ \t]+[^\r\n]*)*(?:\r\n|\r|\n|$)/gim;
// The gravest edit wins where several objects lie in one part.
const GRAVITY: readonly Edit["kind"][] = ["replace", "rename", "text", "remove"];

/** Opens a message for editing. */
export function openMail(bytes: Uint8Array): Editor {
  return new MailEditor(asBuffer(bytes));
}

class MailEditor implements Editor {
  readonly #bytes: Buffer;
  readonly #tree: PartTree;
  readonly #eol: string;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#tree = readParts(bytes);
    const lineFeed = bytes.indexOf(10);
    this.#eol = lineFeed > 0 && bytes[lineFeed - 1] !== 13 ? "\n" : "\r\n";
  }

  read(child: ScannedObject): Uint8Array | undefined {
    const part = this.#partOf(child);
    if (part === undefined || part.isSealed) return undefined;
    const body = this.#bytes.subarray(part.bodyStart, part.end);
    // Only the likeliest reading is what would be put back.
    const reading = readings(body, part.encoding)[0];
    return reading?.bytes.length === child.size ? reading.bytes : undefined;
  }

  rebuild(edits: Edits): Uint8Array | string {
    if (this.#tree.problem !== "") return this.#tree.problem;
    const byPart = new Map<Part, { readonly child: ScannedObject; readonly edit: Edit }>();
    for (const [child, edit] of edits) {
      const part = this.#partOf(child);
      if (part === undefined) return `${child.name} stands outside of the message's parts`;
      if (part.isSealed) return `${child.name} is in a signed or encrypted part`;
      const known = byPart.get(part)?.edit.kind;
      if (known === undefined || GRAVITY.indexOf(edit.kind) > GRAVITY.indexOf(known)) {
        byPart.set(part, { child, edit });
      }
    }
    const emptied = this.#emptied(byPart);
    const splices: Splice[] = [];
    for (const [part, { child, edit }] of byPart) {
      const isKept = edit.kind !== "remove" || emptied.has(part);
      splices.push(
        isKept ? this.#rewritten(part, child, edit) : { ...part.cut, bytes: Buffer.alloc(0) },
      );
    }
    const result = spliced(this.#bytes, splices);
    return checked(this.#bytes, result, { tree: this.#tree, edited: byPart, emptied }) || result;
  }

  // The leaf that holds the child's bytes. Where readers disagree about its end there is none.
  #partOf({ place }: ScannedObject): Part | undefined {
    if (place === undefined) return undefined;
    const found = this.#tree.parts.find(
      (part) => part.isLeaf && part.bodyStart <= place.start && place.end === part.end,
    );
    // A multipart without the boundary it declares: only by guessing has it parts.
    return found?.type.startsWith("multipart") ? undefined : found;
  }

  // A multipart must keep one part, and a message its body: that one is emptied, not removed.
  #emptied(byPart: ReadonlyMap<Part, { readonly edit: Edit }>): Set<Part> {
    const emptied = new Set<Part>();
    this.#tree.parts.forEach((parent, index) => {
      if (parent.isLeaf) {
        if (index === 0 && byPart.get(parent)?.edit.kind === "remove") emptied.add(parent);
        return;
      }
      const children = this.#tree.parts.filter((part) => part.parent === index);
      const [first] = children;
      const isGone = (part: Part) => byPart.get(part)?.edit.kind === "remove";
      if (first !== undefined && children.every(isGone)) emptied.add(first);
    });
    return emptied;
  }

  #rewritten(part: Part, child: ScannedObject, edit: Edit): Splice {
    const eol = this.#eol;
    const header = this.#bytes.toString("latin1", part.start, part.bodyStart);
    const body = this.#bytes.subarray(part.bodyStart, part.end);
    const name = part.name || child.name;
    switch (edit.kind) {
      case "remove":
        return this.#made(part, header, `Content-Type: text/plain${eol}`, Buffer.alloc(0));
      case "text": {
        const fields = [
          "Content-Type: text/plain; charset=utf-8",
          "Content-Transfer-Encoding: base64",
          `Content-Disposition: attachment${parameter("filename", noteName(name), eol)}`,
          "",
        ].join(eol);
        const text = Buffer.from(edit.text.toWellFormed().replace(/\r?\n/g, "\r\n"));
        return this.#made(part, header, fields, base64Lines(text, eol));
      }
      case "rename":
        return this.#made(part, header, renamed(header, safeName(edit.name), eol), body);
      case "replace": {
        const encoded = encodeBody(edit.bytes, { encoding: part.encoding, body }, eol);
        if (encoded.encoding === "") {
          return { start: part.bodyStart, end: part.end, bytes: encoded.bytes };
        }
        const kept = (header.match(CONTENT_FIELDS) ?? []).filter(
          (field) => !/^content-(?:transfer-encoding|md5)/i.test(field),
        );
        const fields = kept.map((field) => field.replace(/[\r\n]*$/, eol)).join("");
        const coding = `Content-Transfer-Encoding: ${encoded.encoding}${eol}`;
        return this.#made(part, header, fields + coding, encoded.bytes);
      }
      default:
        return edit satisfies never;
    }
  }

  #made(part: Part, header: string, fields: string, body: Buffer): Splice {
    const head = withFields(header, fields, this.#eol);
    const bytes = Buffer.concat([Buffer.from(head, "latin1"), body]);
    return { start: part.start, end: part.end, bytes };
  }
}

// The header with `fields` where its first Content-* field was, and none of the old ones.
function withFields(header: string, fields: string, eol: string): string {
  let isPlaced = false;
  const replaced = header.replace(CONTENT_FIELDS, () => {
    if (isPlaced) return "";
    isPlaced = true;
    return fields;
  });
  if (isPlaced) return /(?:\r\n|\n)\r?\n$/.test(replaced) ? replaced : `${replaced}${eol}`;
  // The empty line that ends a header may be all there is of it.
  const end = header.replace(/(?:\r\n|\r|\n)$/, "");
  return `${end}${end === "" || /[\r\n]$/.test(end) ? "" : eol}${fields}${eol}`;
}

// Content-Type and Content-Disposition with another name; a type that programs open by itself is
// not said any more.
function renamed(header: string, name: string, eol: string): string {
  const found = new Map<string, string>();
  for (const field of header.match(CONTENT_FIELDS) ?? []) {
    const key = field.slice(0, field.indexOf(":")).trim().toLowerCase();
    if (!found.has(key)) found.set(key, field);
  }
  const encoding = found.get("content-transfer-encoding")?.replace(/[\r\n]*$/, eol) ?? "";
  const disposition = found.get("content-disposition");
  const parsed = disposition === undefined ? undefined : fieldOf(disposition);
  const kept = (parsed?.parameters ?? []).filter(
    (one) => !one.name.startsWith("filename") && /^[!-~]+$/.test(one.name),
  );
  const rest = kept.map((one) => parameter(one.name, one.value, eol)).join("");
  const value = /^[a-z-]+$/.test(parsed?.value ?? "") ? parsed?.value : "attachment";
  return [
    `Content-Type: application/octet-stream${parameter("name", name, eol)}${eol}`,
    encoding,
    `Content-Disposition: ${value}${parameter("filename", name, eol)}${rest}${eol}`,
  ].join("");
}

function fieldOf(raw: string): Field {
  return parseField(raw.slice(raw.indexOf(":") + 1));
}

function spliced(bytes: Buffer, splices: readonly Splice[]): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const splice of [...splices].sort((a, b) => a.start - b.start)) {
    pieces.push(bytes.subarray(at, splice.start), splice.bytes);
    at = splice.end;
  }
  return Buffer.concat([...pieces, bytes.subarray(at)]);
}

interface Plan {
  readonly tree: PartTree;
  readonly edited: ReadonlyMap<Part, { readonly edit: Edit }>;
  readonly emptied: ReadonlySet<Part>;
}

// Reads the result again: the planned leaves in the planned order, those not edited unchanged.
function checked(before: Buffer, after: Buffer, { tree, edited, emptied }: Plan): string {
  const isGone = (part: Part) => edited.get(part)?.edit.kind === "remove" && !emptied.has(part);
  const planned = leavesOf(tree).filter((part) => !isGone(part));
  const result = readParts(after);
  const found = leavesOf(result);
  if (result.problem !== "" || found.length !== planned.length) {
    return `the edited message would have ${found.length} parts and not ${planned.length}`;
  }
  for (const [index, part] of planned.entries()) {
    if (edited.has(part)) continue;
    const other = found[index] as Part;
    const old = before.subarray(part.start, part.end);
    if (!old.equals(after.subarray(other.start, other.end))) return "another part would change";
  }
  return "";
}
