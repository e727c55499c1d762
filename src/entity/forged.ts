// Fields of a header that only gw itself may write: whoever sends them in from outside wants to be
// believed by those behind gw. RFC 8601 §5.

const TAG_FIELD = /^x-gw-tag[ \t]*:/i;
const RESULTS_FIELD = /^authentication-results[ \t]*:(.*)$/is;
// Comments may be nested; what is hidden in deeper ones is not worth the search.
const COMMENT = /\((?:[^()\\]|\\.)*\)/gs;
const COMMENT_DEPTH = 5;

/** True of a whole header field that claims to have been written by the host of that name. */
export function isForged(field: string, hostname: string): boolean {
  if (TAG_FIELD.test(field)) return true;
  let value = RESULTS_FIELD.exec(field)?.[1];
  if (value === undefined) return false;
  for (let depth = 0; depth < COMMENT_DEPTH; depth++) value = value.replace(COMMENT, " ");
  // RFC 8601 §2.2: the identifier, maybe quoted, maybe with a version behind it.
  const [, quoted, plain = ""] = /^\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/.exec(value) ?? [];
  const identifier = quoted?.replace(/\\(.)/g, "$1") ?? plain;
  return identifier.trim().toLowerCase() === hostname.toLowerCase();
}

const FIELD = /^[!-9;-~]+[ \t]*:[^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*(?:\r\n|\r|\n|$)/gm;

/** A header section (one character per byte) without such fields; all others stay as they are. */
export function withoutForged(header: string, hostname: string): string {
  return header.replace(FIELD, (field) => (isForged(field, hostname) ? "" : field));
}
