// A header field with bytes above 127, written in ASCII: encoded words in texts and in the names of
// people, RFC 2231 parameters in Content fields. What is in neither place can't be written so.
import { decodeWords, eightBitText } from "../../entity/charset.ts";
import { headerText, parameter } from "../../entity/encode.ts";

// RFC 5322 §3.6.2, §3.6.3: addresses, where only names, comments and group names are free text.
const ADDRESSES =
  /^(?:resent-)?(?:from|to|cc|bcc|sender|reply-to)$|^(?:mail-followup-to|disposition-notification-to|errors-to)$/;
// Fields of a strict form; a byte above 127 in them means nothing that could be said otherwise.
const STRICT =
  /^(?:received|return-path|(?:resent-)?message-id|references|in-reply-to|(?:resent-)?date|mime-version|content-id|content-transfer-encoding|dkim-signature|arc-.*|authentication-results)$/;

const HIGH = /[\x80-\xff]/;
const ESCAPED = /\\([\s\S])/g;

/** True if latin1 text has bytes above 127. */
export function isHigh(latin1: string): boolean {
  return HIGH.test(latin1);
}

/** `raw`, one field without its last line end, in ASCII; undefined if it can't be. Latin1 text. */
export function asciiField(raw: string): string | undefined {
  if (!isHigh(raw)) return raw;
  const colon = raw.indexOf(":");
  const name = raw.slice(0, colon).trim().toLowerCase();
  const value = raw.slice(colon + 1);
  if (colon < 0 || isHigh(name) || STRICT.test(name)) return undefined;
  const converted = convertedValue(name, value);
  return isHigh(converted) ? undefined : `${raw.slice(0, colon + 1)}${converted}`;
}

function convertedValue(name: string, value: string): string {
  if (name === "content-type" || name === "content-disposition") return asciiParameters(value);
  return ADDRESSES.test(name) ? asciiAddresses(value) : asciiWords(value);
}

function asciiParameters(value: string): string {
  return value.replace(
    /;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s;"]*))/g,
    (whole, key: string, quoted: string | undefined, token: string | undefined) => {
      if (!isHigh(whole)) return whole;
      const text = quoted?.replace(ESCAPED, "$1") ?? token ?? "";
      return parameter(key, eightBitText(text.replace(/\r\n[ \t]*/g, " ")), "\r\n");
    },
  );
}

// Words with such bytes, raw or in what means to be an encoded word, and the white space between them: that between two encoded words is not
// read as part of the text. RFC 2047 §2.
function asciiWords(value: string): string {
  return value.replace(/[^\s]*[\x80-\xff][^\s]*(?:\s+[^\s]*[\x80-\xff][^\s]*)*/g, (run) =>
    headerText(decodeWords(run.replace(/\r\n/g, ""))),
  );
}

// Quoted names and words of names; what stands in angle brackets is left, and then not ASCII.
function asciiAddresses(value: string): string {
  return value.replace(
    /<[^<>]*>|"(?:[^"\\]|\\[\s\S])*"|[^\s"(),<>:;@[\]]*[\x80-\xff][^\s"(),<>:;@[\]]*(?:[ \t]+[^\s"(),<>:;@[\]]*[\x80-\xff][^\s"(),<>:;@[\]]*)*/g,
    (run, at: number) => {
      if (run.startsWith("<") || !isHigh(run) || value[at + run.length] === "@") return run;
      const text = run.startsWith('"') ? run.slice(1, -1).replace(ESCAPED, "$1") : run;
      const before = at === 0 || /\s$/.test(value.slice(0, at)) ? "" : " ";
      const after = /^\s|^$/.test(value.slice(at + run.length)) ? "" : " ";
      return `${before}${headerText(decodeWords(text.replace(/\r\n/g, "")))}${after}`;
    },
  );
}
