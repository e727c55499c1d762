// A report as mail: its text to read at once, and the page with pictures as an attachment.
import { base64Lines, headerText, quotedPrintable } from "../../entity/encode.ts";
import type { Envelope, MessageRecord } from "../../message.ts";
import { headerDate } from "../../text/header-date.ts";
import type { Figures } from "./figures.ts";
import { reportPage } from "./page.ts";
import { reportText, showMoment } from "./text.ts";

/** What a mail is made of. */
export interface ReportMailOptions {
  /** Queue id of the mail itself. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

/** A report, ready to be stored as a message of its own. */
export interface ReportMail {
  readonly bytes: Buffer;
  readonly record: MessageRecord;
}

const EOL = "\r\n";

// Addresses come from settings, which have been checked; a header is worth a second look all the same.
function addressIn(address: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not get into a header
  return address.replace(/[\x00-\x20\x7f<>]/g, "");
}

function partOf(fields: readonly string[], body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${[...fields, "", ""].join(EOL)}`), body, Buffer.from(EOL)]);
}

/** Composes the mail. Nothing answers it: null sender, marked as automatic (RFC 3834 §3.1). */
export function reportMail(figures: Figures, { id, from, to }: ReportMailOptions): ReportMail {
  const { hostname, madeAt } = figures;
  const day = showMoment(figures.from).slice(0, 10);
  const subject = `Report of the mail gateway ${hostname}, ${day}`;
  const messageId = `<${id}@${hostname}>`;
  const isUtf8 = /[^ -~]/.test(to);
  // Encoded parts have no line that begins so.
  const boundary = `=_report_${id}`;
  const header = [
    `Date: ${headerDate(madeAt)}`,
    `From: Mail gateway <${from === "" ? `MAILER-DAEMON@${hostname}` : addressIn(from)}>`,
    `To: <${addressIn(to)}>`,
    `Subject: ${headerText(subject)}`,
    `Message-ID: ${messageId}`,
    "Auto-Submitted: auto-generated",
    "X-Auto-Response-Suppress: All",
    "MIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "",
    "",
  ].join(EOL);
  const delimiter = Buffer.from(`--${boundary}${EOL}`);
  const text = quotedPrintable(Buffer.from(reportText(figures).replace(/\n/g, EOL)), EOL);
  const bytes = Buffer.concat([
    Buffer.from(header),
    delimiter,
    partOf(
      ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable"],
      Buffer.from(text),
    ),
    delimiter,
    partOf(
      [
        "Content-Type: text/html; charset=utf-8",
        `Content-Disposition: attachment; filename="report-${day}.html"`,
        "Content-Transfer-Encoding: base64",
      ],
      base64Lines(Buffer.from(reportPage(figures)), EOL),
    ),
    Buffer.from(`--${boundary}--${EOL}`),
  ]);
  const envelope: Envelope = {
    sender: "",
    recipients: [{ address: to, notify: ["never"] }],
    ...{ isUtf8, body: isUtf8 ? "8bitmime" : "7bit" },
  };
  const record: MessageRecord = {
    ...{ id, receivedAt: madeAt, trace: "", size: bytes.length, envelope, messageId, subject },
    client: { address: "", port: 0, helo: "", protocol: "local" },
    ...{ status: "clean", findings: [] },
  };
  return { bytes, record };
}
