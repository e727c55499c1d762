// A signature's own cure: cutting what it says out of the bytes it was found in.

import { asBuffer } from "../../base/bytes.ts";
import type { Remedy } from "../../message.ts";

/** Objects larger than this are not cut: the search is by regular expression. */
const SIZE_MAX = 16 << 20;
const CUTS_MAX = 100;

/** The bytes after all cuts; undefined if there is nothing to cut or nothing would be left. */
export function applyRemedies(
  bytes: Uint8Array,
  remedies: readonly Remedy[],
): Uint8Array | undefined {
  if (bytes.length > SIZE_MAX) return undefined;
  let text = asBuffer(bytes).toString("latin1");
  const before = text.length;
  for (const remedy of remedies) {
    if (remedy.kind === "truncate") text = truncated(text, remedy.at);
    if (remedy.kind === "cut") text = cutAll(text, remedy);
  }
  if (text.length === before || text.length === 0) return undefined;
  return Buffer.from(text, "latin1");
}

function truncated(text: string, at: string): string {
  const found = new RegExp(at).exec(text);
  return found === null ? text : text.slice(0, found.index);
}

function cutAll(
  text: string,
  { from, to }: { readonly from: string; readonly to: string },
): string {
  let rest = text;
  for (let count = 0; count < CUTS_MAX; count++) {
    const start = new RegExp(from).exec(rest);
    if (start === null) break;
    const end = new RegExp(to, "g");
    end.lastIndex = start.index;
    const stop = end.exec(rest);
    if (stop === null) break;
    const next = stop.index + stop[0].length;
    if (next <= start.index) break;
    rest = rest.slice(0, start.index) + rest.slice(next);
  }
  return rest;
}
