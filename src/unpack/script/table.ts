// Which type of scriptable document or text is taken apart by what.

import type { Budget } from "../../base/budget.ts";
import type { Explosion, Extract } from "../../message.ts";
import { explodeFlash } from "./flash.ts";
import { explodeOneNote } from "./onenote.ts";
import { explodeRtf } from "./rtf.ts";
import { explodeShellLink } from "./shell-link.ts";
import { explodeAnyText } from "./text/any-text.ts";

type Unpacker = (bytes: Uint8Array, budget: Budget) => Generator<Extract, Explosion>;

// Text with a NUL in it is "binary", and mail programs still open the files written in it.
const TEXTS = [
  ...["text", "html", "hta", "xml", "svg", "wsf", "shell", "batch", "encoded-script", "url"],
  ...["reg", "slk", "iqy", "postscript", "uuencode", "yenc", "binhex", "binary"],
] as const;

/** Unpackers by type, as `scan/file-type.ts` names it. */
export const SCRIPT_UNPACKERS: readonly (readonly [type: string, unpack: Unpacker])[] = [
  ...TEXTS.map((type) => [type, explodeAnyText] as const),
  ["rtf", explodeRtf],
  ["one", explodeOneNote],
  ["lnk", explodeShellLink],
  ["swf", explodeFlash],
];
