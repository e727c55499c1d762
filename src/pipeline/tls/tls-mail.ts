// A report about encryption as mail. RFC 8460 §5.3.
import { base64Lines, headerText } from "../../entity/encode.ts";
import type { Envelope, MessageRecord } from "../../message.ts";
import { headerDate } from "../../text/header-date.ts";

/** What the mail is made of. */
export interface TlsMailOptions {
  /** Queue id of the mail itself. */
  readonly id: string;
  readonly reportId: string;
  readonly hostname: string;
  readonly from: string;
  readonly to: string;
  /** Whom the report is about. */
  readonly domain: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly fileName: string;
  /** The JSON, packed with gzip. */
  readonly packed: Uint8Array;
}

/** Tag of the envelope: this mail goes out whatever the domain's policy says. RFC 8460 §3. */
export const TLS_REPORT_TAG = "tls_report";

const EOL = "\r\n";

/** The mail, without a signature. */
export function tlsMail(options: TlsMailOptions): Buffer {
  const { id, reportId, hostname, from, to, domain, now, fileName, packed } = options;
  // Encoded parts have no line that begins so.
  const boundary = `=_report_${id}`;
  const subject = `Report Domain: ${domain} Submitter: ${hostname} Report-ID: <${reportId}>`;
  const header = [
    `Date: ${headerDate(now)}`,
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${headerText(subject)}`,
    `Message-ID: <${id}@${hostname}>`,
    `TLS-Report-Domain: ${domain}`,
    `TLS-Report-Submitter: ${hostname}`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type="tlsrpt"; boundary="${boundary}"`,
  ];
  const text = [
    "Content-Type: text/plain; charset=us-ascii",
    "",
    `This is a report of ${hostname} on encryption with the mail hosts of`,
    `${domain}, which asks for such reports (TLS-RPT, RFC 8460).`,
  ];
  const file = [
    "Content-Type: application/tlsrpt+gzip",
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment;${EOL}\tfilename="${fileName}"`,
  ];
  const delimiter = `${EOL}--${boundary}`;
  return Buffer.concat([
    Buffer.from([...header, "", ""].join(EOL)),
    Buffer.from(`${delimiter}${EOL}${[...text, ""].join(EOL)}`),
    Buffer.from(`${delimiter}${EOL}${[...file, "", ""].join(EOL)}`),
    base64Lines(Buffer.from(packed), EOL),
    Buffer.from(`${delimiter}--${EOL}`),
  ]);
}

/** The mail's row. Nothing answers it: null sender, and no report about the report. */
export function tlsMailRecord(
  { id, hostname, to, now }: TlsMailOptions,
  bytes: Uint8Array,
): MessageRecord {
  const envelope: Envelope = {
    sender: "",
    recipients: [{ address: to, notify: ["never"] }],
    ...{ isUtf8: false, body: "7bit", tags: [TLS_REPORT_TAG] },
  };
  return {
    ...{ id, receivedAt: now, trace: "", size: bytes.length, envelope },
    ...{ messageId: `<${id}@${hostname}>`, subject: "TLS report" },
    client: { address: "", port: 0, helo: "", protocol: "local" },
    ...{ status: "clean", findings: [] },
  };
}
