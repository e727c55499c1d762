// Shortcuts that are text: Internet shortcuts (.url), Explorer commands (.scf), libraries and search
// connectors. Their targets are given in the words that binary shortcuts get as well.

import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";

const HEAD_BYTES = 65_536;
/** What kind of text it is stands this early. */
const START_BYTES = 4096;
const SHORTCUT =
  /\[(?:internetshortcut(?:\.[aw])?|shell|taskbar)\]|<(?:\w{1,20}:)?(?:library|searchconnector)description/i;
const LINES_MAX = 200;
const VALUE_MAX = 4096;
// INI keys that name a place, and what is said for them.
const KEYS: Readonly<Record<string, string>> = {
  url: "url",
  baseurl: "url",
  iconfile: "icon",
  workingdirectory: "working directory",
  command: "command",
};

/** Yields a text about where a shortcut leads; quick for text that is none. */
export function* explodeShortcutText(
  bytes: Uint8Array,
  budget: Budget,
): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const start = input.toString("latin1", 0, Math.min(bytes.length, START_BYTES));
  if (!SHORTCUT.test(start)) return { status: "clean", note: "" };
  const head = input.toString("latin1", 0, Math.min(bytes.length, HEAD_BYTES));
  const lines = start.trimStart().startsWith("<") ? libraryLines(head) : iniLines(head);
  if (lines.length > 0) {
    const text = Buffer.from(`${lines.join("\n")}\n`, "latin1");
    if (!budget.takeObject(text.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    yield { name: "shortcut", declaredType: "", bytes: text };
  }
  return { status: "clean", note: "" };
}

function iniLines(head: string): string[] {
  const lines: string[] = [];
  const isShortcut = /(?:^|\n)[ \t]{0,20}\[(?:internetshortcut(?:\.[aw])?|shell|taskbar)\]/i.test(
    head,
  );
  if (!isShortcut) return lines;
  for (const [, key = "", value = ""] of head.matchAll(/^[ \t]*(\w{1,40})[ \t]*=([^\r\n]*)/gm)) {
    const label = KEYS[key.toLowerCase()];
    if (typeof label === "string" && lines.length < LINES_MAX) lines.push(line(label, value));
  }
  return lines;
}

function libraryLines(head: string): string[] {
  const lines: string[] = [];
  for (const [, tag = "", value = ""] of head.matchAll(
    /<(?:\w+:)?(url|iconReference)>([^<]*)</gi,
  )) {
    if (lines.length >= LINES_MAX) break;
    lines.push(line(tag.toLowerCase() === "url" ? "url" : "icon", value.replaceAll("&amp;", "&")));
  }
  return lines;
}

// Percent codes are written out: they hide an ending like ".%65xe".
function line(label: string, value: string): string {
  const plain = value
    .slice(0, VALUE_MAX)
    .replace(/%([2-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
  return `${label}: ${plain
    .replace(/\s+/g, " ")
    .replaceAll("<", "< ")
    .replace(/^ ?"?|"? ?$/g, "")}`;
}
