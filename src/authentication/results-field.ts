// The Authentication-Results field, for those behind gw. RFC 8601.
import type { Authentication } from "../message.ts";

// RFC 2045 §5.1 token, as far as names of domains and selectors need it.
function token(text: string): string {
  return /^[\w.+@-]+$/.test(text) ? text : `"${text.replace(/[^ -~]|["\\]/g, "?")}"`;
}

function property(name: string, value: string): string {
  return value === "" ? "" : ` ${name}=${token(value)}`;
}

/** The field with its line end. RFC 8601 §2.2; folded, so that no line is long. */
export function resultsField(
  hostname: string,
  { spf, dkim, dmarc, arc }: Authentication,
  { isNullSender }: { readonly isNullSender: boolean },
): string {
  const identity = isNullSender ? "smtp.helo" : "smtp.mailfrom";
  const signed = dkim.map(({ result, domain, selector }) => {
    return `dkim=${result}${property("header.d", domain)}${property("header.s", selector)}`;
  });
  const policy = dmarc.result === "none" ? "" : ` (p=${dmarc.policy})`;
  const lines = [
    `spf=${spf.result}${property(identity, spf.domain)}`,
    ...(signed.length === 0 ? ["dkim=none"] : signed),
    `dmarc=${dmarc.result}${policy}${property("header.from", dmarc.domain)}`,
    ...(arc.result === "none" ? [] : [`arc=${arc.result}${property("header.d", arc.domain)}`]),
  ];
  return `Authentication-Results: ${token(hostname)};\r\n\t${lines.join(";\r\n\t")}\r\n`;
}
