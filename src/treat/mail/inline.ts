// Files written out in a text between `begin` and `end`, cut out of it or replaced by a note. The
// rest of the text stays as it is.

import { asBuffer } from "../../base/bytes.ts";
import { type EncodedBlock, uuBlocks } from "../../codec/uuencode.ts";
import type { ScannedObject } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { type Edit, type Editor, type Edits, safeName } from "../editor.ts";

const BLOCKS_MAX = 1000;
const SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----";

/** Opens a text with files in it; undefined if there are none, or if it is signed. */
export function openText(bytes: Uint8Array): Editor | undefined {
  const text = asBuffer(bytes);
  // RFC 9580 §7: an edit would break the signature.
  if (text.includes(SIGNED)) return undefined;
  const blocks: EncodedBlock[] = [];
  for (const block of uuBlocks(text)) if (blocks.push(block) >= BLOCKS_MAX) break;
  if (blocks.length === 0) return undefined;
  const find = (child: ScannedObject) =>
    blocks.filter(
      ({ bytes: content, name }) =>
        content.length === child.size &&
        (cleanName(name) === child.name || child.name === "encoded file"),
    );
  return {
    read: (child) => find(child)[0]?.bytes,
    rebuild: (edits: Edits) => {
      const wanted = new Map<EncodedBlock, Edit>();
      for (const [child, edit] of edits) {
        const found = find(child);
        if (found.length === 0) return `${child.name} is not between begin and end`;
        if (edit.kind === "replace") return "what is written out in a text is not replaced";
        for (const block of found) wanted.set(block, edit);
      }
      return rewritten(text, wanted);
    },
  };
}

function rewritten(text: Buffer, edits: ReadonlyMap<EncodedBlock, Edit>): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const [block, edit] of [...edits].sort(([a], [b]) => a.start - b.start)) {
    pieces.push(text.subarray(at, block.start));
    const end = endOf(text, block);
    if (edit.kind === "text") {
      const note = edit.text.toWellFormed().replace(/\r?\n/g, "\r\n");
      pieces.push(Buffer.from(note.endsWith("\n") ? note : `${note}\r\n`));
    }
    if (edit.kind === "rename") pieces.push(renamed(text.subarray(block.start, end), block.name));
    at = end;
  }
  return Buffer.concat([...pieces, text.subarray(at)]);
}

// The data ends before the closing lines: a line of no bytes, and "end" or "====".
function endOf(text: Buffer, block: EncodedBlock): number {
  const rest = text.toString("latin1", block.end, block.end + 200);
  return (
    block.end +
    (/^\s{0,8}(?:[` ]?[ \t]*\r?\n)?(?:end|====)[ \t]*\r?\n?/.exec(rest)?.[0].length ?? 0)
  );
}

function renamed(block: Buffer, name: string): Buffer {
  const lineFeed = block.indexOf(10);
  const first = block.subarray(0, lineFeed < 0 ? block.length : lineFeed).toString("latin1");
  const safe = name === "" ? "" : safeName(name);
  const line = first.slice(0, first.length - name.length - (first.endsWith("\r") ? 1 : 0));
  const head = Buffer.from(`${line}${safe}${first.endsWith("\r") ? "\r" : ""}`, "latin1");
  return Buffer.concat([head, block.subarray(first.length)]);
}
