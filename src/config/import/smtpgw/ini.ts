// The format of smtpgw.conf: sections in brackets, `Name=value`, comments that begin with # or ;.
// Names and sections are known in upper and lower case alike; a name may be given several times.
import type { Entry } from "../entry.ts";

/** Most parameters of a file. */
const ENTRIES_MAX = 20_000;

/** A line that is none of these. */
export interface BadLine {
  readonly line: number;
  readonly text: string;
  readonly why: string;
}

/** A file taken apart. `sections` has every header, those without parameters as well. */
export interface Ini {
  readonly entries: readonly Entry[];
  readonly sections: readonly Entry[];
  readonly bad: readonly BadLine[];
}

// A header that only this product's files have, at the beginning of a line.
const OWN_SECTION = /^[ \t]*\[(smtpgw\.[a-z]+|smtpgw\.group:[^\]\n]*|mailgw\.[a-z]+)\][ \t]*\r?$/im;
const HEADER = /^\s*\[([^\]]*)\]\s*$/;
const SETTING = /^(\s*)([A-Za-z][A-Za-z0-9_-]*)(\s*=\s*)(.*?)\s*$/;

/** True of the text of an smtpgw.conf: no file of gw's own has such a section. */
export function isSmtpgw(text: string): boolean {
  return OWN_SECTION.test(text);
}

/** Takes the text of an smtpgw.conf apart; never throws. */
export function parseIni(text: string): Ini {
  const entries: Entry[] = [];
  const sections: Entry[] = [];
  const bad: BadLine[] = [];
  let section = "";
  let offset = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = index + 1;
    const trimmed = raw.trim();
    const start = offset;
    offset += raw.length + 1;
    if (trimmed === "" || trimmed.startsWith("#") || trimmed.startsWith(";")) continue;
    const header = HEADER.exec(raw)?.[1]?.trim();
    if (header !== undefined) {
      // The name of a group keeps its letters.
      section = header.replace(/^[^:]*/, (kind) => kind.toLowerCase());
      const at = { offset: start, valueOffset: start };
      sections.push({ section, name: `[${header}]`, value: "", line, ...at });
      continue;
    }
    const [, indent = "", name, equals = "", value = ""] = SETTING.exec(raw) ?? [];
    if (name === undefined)
      bad.push({ line, text: trimmed, why: "neither [section] nor name=value" });
    else if (section === "") bad.push({ line, text: trimmed, why: "stands in no section" });
    else if (entries.length < ENTRIES_MAX) {
      const at = start + indent.length;
      const valueOffset = at + name.length + equals.length;
      entries.push({ section, name, value: unquoted(value), line, offset: at, valueOffset });
    } else {
      bad.push({ line, text: trimmed, why: `more than ${ENTRIES_MAX} parameters` });
      break;
    }
  }
  return { entries, sections, bad };
}

function unquoted(value: string): string {
  return /^"(.*)"$/.exec(value)?.[1] ?? value;
}

const WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  y: true,
  "1": true,
  false: false,
  no: false,
  n: false,
  "0": false,
};

/** `true|false = yes|no = y|n = 1|0`. */
export function flagOf(value: string): boolean | undefined {
  const word = value.toLowerCase();
  return Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
}

/** The words of a list, with commas, semicolons or blanks between them. */
export function wordsOf(value: string): string[] {
  return value.split(/[\s,;]+/).filter((word) => word !== "");
}
