// Mails, and what only mail programs write.
import { deflateRawSync } from "node:zlib";
import { isArchiveBase64 } from "../../../src/unpack/inline.ts";
import { base64Lines, quotedPrintable, uuencode, yencode } from "../../harness/encode.ts";
import { appleFile, binhex } from "../mail/build-forks.ts";
import { der, octets, pgpLiteral, pgpPacket, signed } from "../mail/build-secure.ts";
import { attachment, tnef } from "../mail/build-tnef.ts";
import { buildMessage } from "../office/build-office.ts";
import { NAME, text, type Wrapper } from "./wrapper.ts";

const mail = (encoding: string, body: string) =>
  Buffer.from(
    [
      ...["From: a@example.org", "To: b@example.org", "Subject: x", "MIME-Version: 1.0"],
      ...["Content-Type: multipart/mixed; boundary=b", "", "--b"],
      ...[`Content-Type: application/octet-stream; name=${NAME}`],
      ...[`Content-Transfer-Encoding: ${encoding}`, "", body, "--b--", ""],
    ].join("\r\n"),
    "latin1",
  );

/** Mails, and parts of mails. */
export const MAILS: readonly Wrapper[] = [
  { name: "mail, base64", wrap: (content) => mail("base64", base64Lines(content)) },
  {
    name: "mail, quoted-printable",
    wrap: (content) => mail("quoted-printable", quotedPrintable(text(content))),
  },
  { name: "mail, uuencode", wrap: (content) => mail("x-uuencode", uuencode(NAME, text(content))) },
  { name: "mail, yEnc", wrap: (content) => mail("x-yenc", yencode(NAME, text(content))) },
  {
    name: "mail, uuencode in text",
    wrap: (content) => mail("7bit", `see:\r\n${uuencode(NAME, text(content))}`),
  },
  {
    name: "mbox",
    wrap: (content) =>
      Buffer.concat([
        Buffer.from("From a@example.org Sun Nov 22 10:00:00 2026\n"),
        mail("base64", base64Lines(content)),
      ]),
  },
  { name: "TNEF", wrap: (content) => tnef(attachment(NAME, content)) },
  {
    name: "mail, yEnc in text",
    wrap: (content) => mail("7bit", `see:\r\n${yencode(NAME, text(content))}`),
  },
  { name: "mail, BinHex", wrap: (content) => mail("7bit", binhex(NAME, content)) },
  {
    // Nobody's mail program decodes it; only people do, with what is worth the trouble.
    name: "mail, base64 in text",
    takes: (content) => isArchiveBase64(content.toString("base64")),
    wrap: (content) => mail("7bit", `see:\r\n\r\n${base64Lines(content)}\r\n`),
  },
  {
    name: "mail in a mail",
    wrap: (content) => carrying("message/rfc822", mail("base64", base64Lines(content))),
  },
  {
    name: "mail in a delivery report",
    wrap: (content) => report(mail("base64", base64Lines(content))),
  },
  {
    name: "S/MIME, signed",
    wrap: (content) => signed(der(0xa0, octets(mail("base64", base64Lines(content))))),
  },
  {
    name: "PGP, compressed",
    wrap: (content) =>
      pgpPacket(
        8,
        Buffer.concat([Buffer.from([1]), deflateRawSync(pgpPacket(11, pgpLiteral(content, NAME)))]),
      ),
  },
  { name: "AppleSingle", wrap: (content) => appleFile(0x0005_1600, [3, NAME], [1, text(content)]) },
  { name: "message of Outlook", wrap: (content) => buildMessage(content, Buffer.alloc(0)) },
  {
    name: "calendar",
    wrap: (content) =>
      Buffer.from(
        [
          ...["BEGIN:VCALENDAR", "BEGIN:VEVENT"],
          `ATTACH;ENCODING=BASE64;VALUE=BINARY;X-FILENAME="${NAME}":${content.toString("base64")}`,
          ...["END:VEVENT", "END:VCALENDAR", ""],
        ].join("\r\n"),
      ),
  },
];

function carrying(type: string, inner: Buffer): Buffer {
  const head = ["From: a@example.org", "MIME-Version: 1.0", `Content-Type: ${type}`, "", ""];
  return Buffer.concat([Buffer.from(head.join("\r\n")), inner]);
}

// RFC 3464: what came back, as the third part.
function report(inner: Buffer): Buffer {
  const parts = [
    ...["--r", "Content-Type: text/plain", "", "It could not be delivered."],
    ...["--r", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; example.org"],
    ...["", "Final-Recipient: rfc822; b@example.org", "Action: failed", "Status: 5.1.1", ""],
    ...["--r", "Content-Type: message/rfc822", "", ""],
  ];
  return carrying(
    "multipart/report; report-type=delivery-status; boundary=r",
    Buffer.concat([Buffer.from(parts.join("\r\n")), inner, Buffer.from("\r\n--r--\r\n")]),
  );
}
