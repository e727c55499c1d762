// What a reader sees of a mail, by mailparser: subject, names, texts, attachments.
import { createHash } from "node:crypto";
import { simpleParser } from "mailparser";

interface Parsed {
  readonly subject?: string;
  readonly from?: { readonly text: string };
  readonly to?: { readonly text: string };
  readonly text?: string;
  readonly html?: string | false;
  readonly attachments: readonly {
    readonly filename?: string;
    readonly contentType: string;
    readonly content: Buffer;
  }[];
}

// The package has no types, and tests declare only what they use of it.
const parse = simpleParser as unknown as (
  bytes: Uint8Array,
  options: { readonly skipTextToHtml: boolean },
) => Promise<Parsed>;

/** The same text for mails that a reader sees alike. */
export async function seen(mail: Uint8Array): Promise<string> {
  const { subject, from, to, text, html, attachments } = await parse(mail, {
    skipTextToHtml: true,
  });
  const inside: unknown[] = [];
  for (const { filename, contentType, content } of attachments) {
    const isMail = contentType === "message/rfc822";
    const hash = createHash("sha256").update(content).digest("hex");
    // A mail in a mail is seen alike if what is in it is.
    const what = isMail ? JSON.parse(await seen(content)) : `${content.length} ${hash}`;
    inside.push({ filename, contentType, what });
  }
  const head = { subject, from: from?.text, to: to?.text, text, html };
  return JSON.stringify({ ...head, inside }, undefined, 1);
}
