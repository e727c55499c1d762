// Documents, pages and programs that can carry a file, and can be written here.
import { deflateSync } from "node:zlib";
import { dotnetPart } from "../../harness/dotnet-builder.ts";
import { buildPe, resourcePart } from "../../harness/pe-builder.ts";
import { buildZip } from "../build-zip.ts";
import { buildCompound } from "../office/build-compound.ts";
import { packageStream } from "../office/build-office.ts";
import { buildPdf, objectStream, type Part } from "../pdf/build-pdf.ts";
import { flashTag, ONENOTE_HEAD, oneNoteFile, oneNoteName } from "../script/build-carriers.ts";
import { embedded, packaged } from "../script/build-rtf.ts";
import { NAME, text, type Wrapper } from "./wrapper.ts";

const latin1 = (value: string) => Buffer.from(value, "latin1");
const base64 = (content: Buffer) => content.toString("base64");
const rtf = (object: Buffer) =>
  latin1(`{\\rtf1{\\object\\objemb{\\*\\objdata ${object.toString("hex")}}}}`);

// The file is object 3, whatever else there is.
const pdf = (file: Part) =>
  buildPdf(["<< /Type /Catalog >>", `<< /Type /Filespec /F (${NAME}) /EF << /F 3 0 R >> >>`, file]);

/** ISO 32000-2 §7.4: what streams are packed with, beside Flate. */
const PDF_FILTERS: readonly (readonly [name: string, filter: string, pack: typeof latin1Hex])[] = [
  ["ASCIIHex", "/ASCIIHexDecode", latin1Hex],
  ["ASCII85", "/ASCII85Decode", ascii85],
  ["RunLength", "/RunLengthDecode", runLength],
  [
    "Flate in ASCIIHex",
    "[/ASCIIHexDecode /FlateDecode]",
    (content) => latin1Hex(deflateSync(content)),
  ],
];

function latin1Hex(content: Buffer): Buffer {
  return latin1(`${content.toString("hex")}>`);
}

// Four bytes in five digits; five zeros are never written as "z".
function ascii85(content: Buffer): Buffer {
  let made = "";
  for (let at = 0; at < content.length; at += 4) {
    const piece = content.subarray(at, at + 4);
    let value = Buffer.concat([piece, Buffer.alloc(4 - piece.length)]).readUInt32BE();
    let digits = "";
    for (let i = 0; i < 5; i++) {
      digits = String.fromCharCode(33 + (value % 85)) + digits;
      value = Math.floor(value / 85);
    }
    made += digits.slice(0, piece.length + 1);
  }
  return latin1(`${made}~>`);
}

// Runs of what stands there.
function runLength(content: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; at += 128) {
    const piece = content.subarray(at, at + 128);
    pieces.push(Buffer.from([piece.length - 1]), piece);
  }
  return Buffer.concat([...pieces, Buffer.from([128])]);
}

const PDFS: readonly Wrapper[] = [
  { name: "PDF attachment", wrap: (content) => pdf({ data: content }) },
  { name: "PDF attachment, Flate", wrap: (content) => pdf({ data: content, isFlate: true }) },
  ...PDF_FILTERS.map(([name, filter, pack]) => ({
    name: `PDF attachment, ${name}`,
    wrap: (content: Buffer) => pdf({ data: pack(content), dict: `/Filter ${filter}` }),
  })),
  {
    name: "PDF attachment named in an object stream",
    wrap: (content) =>
      buildPdf([
        "<< /Type /Catalog >>",
        objectStream({ 4: `<< /Type /Filespec /F (${NAME}) /EF << /F 3 0 R >> >>` }),
        { data: content },
      ]),
  },
];

const OFFICE: readonly Wrapper[] = [
  { name: "OLE2 stream", wrap: (content) => buildCompound({ Stream: content }) },
  {
    name: "OLE2 package",
    wrap: (content) => buildCompound({ "\x01Ole10Native": packageStream(NAME, content) }),
  },
  {
    name: "OOXML embedding",
    wrap: (content) =>
      buildZip([
        { name: "[Content_Types].xml", bytes: latin1("<Types/>") },
        { name: "word/document.xml", bytes: latin1("<w:document/>") },
        { name: "word/embeddings/oleObject1.bin", bytes: content },
      ]),
  },
  {
    name: "OpenDocument object",
    wrap: (content) =>
      buildZip([
        {
          ...{ name: "mimetype", method: 0 },
          bytes: latin1("application/vnd.oasis.opendocument.text"),
        },
        { name: "content.xml", bytes: latin1("<office:document-content/>") },
        { name: "Object 1", bytes: content },
      ]),
  },
  {
    name: "RTF object",
    wrap: (content) => rtf(embedded({ className: "Test.1", data: content })),
  },
  {
    name: "RTF package",
    wrap: (content) => rtf(embedded({ className: "Package", data: packaged(NAME, content) })),
  },
  {
    name: "OneNote file",
    wrap: (content) => Buffer.concat([ONENOTE_HEAD, oneNoteName(NAME), oneNoteFile(text(content))]),
  },
];

const page = (body: string) => latin1(`<html><body>${body}</body></html>`);

const PAGES: readonly Wrapper[] = [
  {
    name: "HTML with a data: URL",
    wrap: (content) => page(`<a href="data:application/zip;base64,${base64(content)}">x</a>`),
  },
  {
    name: "HTML with atob",
    wrap: (content) => page(`<script>save(atob("${base64(content)}"));</script>`),
  },
  {
    name: "HTML with atob of pieces",
    wrap: (content) => {
      const half = base64(content).replace(/.{1,60}/g, '"$&" + ');
      return page(`<script>var b = ${half}""; save(atob(b));</script>`);
    },
  },
  {
    name: "SVG with a data: URL",
    wrap: (content) =>
      latin1(
        `<svg xmlns="http://www.w3.org/2000/svg"><a href="data:application/zip;base64,${base64(content)}"/></svg>`,
      ),
  },
];

const flash = (packed: string, body: Buffer) => {
  const head = latin1(`${packed}WS\x0a\0\0\0\0`);
  head.writeUInt32LE(body.length + 8, 4);
  return Buffer.concat([head, packed === "C" ? deflateSync(body) : body]);
};
const flashBody = (content: Buffer) =>
  Buffer.concat([
    Buffer.from("080000180100", "hex"),
    flashTag(87, `\x01\0\0\0\0\0${text(content)}`),
    Buffer.from([0, 0]),
  ]);

const PROGRAMS: readonly Wrapper[] = [
  { name: "behind a program", wrap: (content) => buildPe({ overlay: content }) },
  {
    name: "resource of a program",
    wrap: (data) => buildPe({ parts: [resourcePart([{ type: 10, name: 1, data }])] }),
  },
  {
    name: "resource of a .NET program",
    sizeMax: 60_000,
    wrap: (content) => buildPe({ parts: [dotnetPart({ resource: content })] }),
  },
  { name: "Flash", wrap: (content) => flash("F", flashBody(content)) },
  { name: "Flash, compressed", wrap: (content) => flash("C", flashBody(content)) },
];

/** Documents of all kinds. */
export const DOCUMENTS: readonly Wrapper[] = [...OFFICE, ...PDFS, ...PAGES, ...PROGRAMS];
