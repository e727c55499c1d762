// Names of objects as they came in hostile input. They are for people and for name filters, and
// are never used as paths.

const NAME_LENGTH_MAX = 240;

// C0, C1 and DEL could forge log lines; the bidirectional controls make "exe.fdp" look like
// "pdf.exe" turned round; zero-width characters split a name for filters but not for the eye.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

// What runs when it is opened: of two names that disagree, this is the one that matters.
const RUNNABLE =
  /\.(?:exe|com|scr|pif|bat|cmd|lnk|js|jse|vbs|vbe|wsf|wsh|hta|ps1|msi|dll|jar|cpl|chm|reg|url|iso|img|vhdx?|one|xll|docm|xlsm|pptm)$/i;

/** `name` without characters that hide or forge; too long ones lose their middle. */
export function cleanName(name: string): string {
  const visible = name.replace(INVISIBLE, "").trim();
  if (visible.length <= NAME_LENGTH_MAX) return visible;
  const half = NAME_LENGTH_MAX / 2;
  return `${visible.slice(0, half)}…${visible.slice(-half)}`;
}

/**
 * One name for an object that goes by several: all of them joined by " | ". A name of something
 * that runs comes last, so that rules like `*.exe` see it.
 */
export function joinNames(candidates: Iterable<string>): string {
  const names = new Set<string>();
  for (const candidate of candidates) {
    const name = cleanName(candidate);
    if (name !== "") names.add(name);
  }
  if (names.size < 2) return names.values().next().value ?? "";
  const all = [...names].slice(0, 8);
  const harmless = all.filter((name) => !RUNNABLE.test(name));
  return [...harmless, ...all.filter((name) => RUNNABLE.test(name))].join(" | ");
}
