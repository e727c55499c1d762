// The check corpus: what every set of signatures must find, and what none may find anything in. It is
// made when it is needed: gw's own file holds nothing that a scanner could take for a virus.
import { deflateRawSync, gzipSync } from "node:zlib";

/** A file that is scanned to try a set. */
export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
}

// The test file every scanner knows (eicar.org), in pieces.
function eicar(): string {
  const middle = ["EICAR", "STANDARD", "ANTIVIRUS", "TEST", "FILE"].join("-");
  return ["X5O!P%@AP[4", "\\PZX54(P^)7CC)7}$", middle, "!$H+H*"].join("");
}

function mail(type: string, encoding: string, body: string): Buffer {
  return Buffer.from(
    [
      "From: Trial <trial@example.org>",
      "To: <trial@example.org>",
      "Subject: Trial of signatures",
      "Date: Mon, 23 Nov 2026 02:00:00 +0000",
      "Message-ID: <trial@example.org>",
      "MIME-Version: 1.0",
      `Content-Type: ${type}`,
      `Content-Transfer-Encoding: ${encoding}`,
      "",
      body,
      "",
    ].join("\r\n"),
  );
}

/** A ZIP file with one member. */
function zip(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content);
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(Bun.hash.crc32(content));
  const common = Buffer.concat([
    Buffer.from([20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0x5a]),
    crc,
    uint32(packed.length),
    uint32(content.length),
    uint16(name.length),
    uint16(0),
  ]);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), packed]);
  const fromCentral = Buffer.alloc(14);
  const central = Buffer.concat([
    Buffer.from("PK\x01\x02\x14\0", "latin1"),
    common,
    fromCentral,
    Buffer.from(name),
  ]);
  const end = [uint16(0), uint16(0), uint16(1), uint16(1), uint32(central.length)];
  const tail = Buffer.concat([...end, uint32(local.length), uint16(0)]);
  return Buffer.concat([local, central, Buffer.from("PK\x05\x06"), tail]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** What every set must find. */
export function harmfulSamples(): Sample[] {
  const bytes = Buffer.from(eicar());
  const folded = bytes.toString("base64");
  return [
    { name: "eicar.com", bytes },
    { name: "eicar.zip", bytes: zip("eicar.com", bytes) },
    { name: "eicar.com.gz", bytes: gzipSync(bytes) },
    { name: "eicar.eml", bytes: mail("application/octet-stream", "base64", folded) },
  ];
}

const TEXT = `Dear all,

the minutes of Monday's meeting are attached. Please send corrections by Friday; the budget for the
next year (12,400 EUR for travel, 3,150 EUR for books) is to be decided in December.

Best regards
`;

const HTML = `<!DOCTYPE html><html><head><title>News</title><style>p { color: #333 }</style></head>
<body><h1>News of the week</h1><p>Our shop has new opening hours: <b>9-18</b>.</p>
<p><a href="https://www.example.org/news?id=7">Read on</a></p>
<img src="cid:logo" alt="logo"><table><tr><td>1</td><td>2</td></tr></table></body></html>`;

const SCRIPT = `#!/bin/sh
# Rotates the log once a day.
set -eu
for file in /var/log/example/*.log; do
  mv "$file" "$file.1" && gzip -f "$file.1"
done
`;

const PDF = `%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R >> endobj
4 0 obj << /Length 44 >> stream
BT /F1 12 Tf 20 50 Td (An invoice of 12 EUR) Tj ET
endstream endobj
trailer << /Root 1 0 R >>
%%EOF
`;

// The shortest program of its kind: a header that says DOS, and zeros.
function dosProgram(): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write("MZ");
  bytes.writeUInt16LE(1, 4);
  bytes.writeUInt16LE(4, 8);
  return bytes;
}

function elfProgram(): Buffer {
  const bytes = Buffer.alloc(120);
  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(62, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeUInt16LE(64, 52);
  return bytes;
}

function picture(): Buffer {
  const gif = "R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw==";
  return Buffer.from(gif, "base64");
}

/** What no set may find anything in. */
export function harmlessSamples(): Sample[] {
  const text = Buffer.from(TEXT);
  const parts = [
    "--b",
    "Content-Type: text/plain; charset=utf-8",
    "",
    TEXT,
    "--b",
    'Content-Type: application/pdf; name="invoice.pdf"',
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from(PDF).toString("base64"),
    "--b--",
  ];
  return [
    { name: "empty", bytes: Buffer.alloc(0) },
    { name: "zeros.bin", bytes: Buffer.alloc(65_536) },
    { name: "bytes.bin", bytes: Buffer.from(Array.from({ length: 4096 }, (_, i) => i & 255)) },
    { name: "letter.txt", bytes: text },
    { name: "letter-utf16.txt", bytes: Buffer.from(`\ufeff${TEXT}`, "utf16le") },
    { name: "news.html", bytes: Buffer.from(HTML) },
    { name: "rotate.sh", bytes: Buffer.from(SCRIPT) },
    { name: "table.csv", bytes: Buffer.from("name;amount\nBooks;3150\nTravel;12400\n") },
    { name: "settings.json", bytes: Buffer.from('{"name": "gw", "list": [1, 2, 3]}\n') },
    { name: "invoice.pdf", bytes: Buffer.from(PDF) },
    { name: "dot.gif", bytes: picture() },
    { name: "small.exe", bytes: dosProgram() },
    { name: "small.elf", bytes: elfProgram() },
    { name: "letter.zip", bytes: zip("letter.txt", text) },
    { name: "letter.txt.gz", bytes: gzipSync(text) },
    { name: "plain.eml", bytes: mail("text/plain; charset=utf-8", "8bit", TEXT) },
    { name: "news.eml", bytes: mail("text/html; charset=utf-8", "8bit", HTML) },
    { name: "parts.eml", bytes: mail("multipart/mixed; boundary=b", "7bit", parts.join("\r\n")) },
  ];
}
