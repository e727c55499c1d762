// Made-up mail for loads: text of words, attachments of several kinds, every message different from
// every other one, the same on every run of the same seed.
import { crc32, deflateRawSync, deflateSync } from "node:zlib";

/** A source of numbers from 0 up to 1 that a seed determines (mulberry32). */
export type Random = () => number;

/** Numbers that depend on nothing but the seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 up to `below`. */
export function pick(random: Random, below: number): number {
  return Math.floor(random() * below);
}

const WORDS = (
  "about account address after amount answer april arrival balance because before between board " +
  "budget build business call carry change charge clear client close company contract copy cost " +
  "count country course customer date day deal delivery desk detail document draft early east " +
  "engine entry estimate every example factory figure file final first follow form forward free " +
  "garden general goods group growth half handle harbour head help history hour house idea " +
  "index inside invoice island issue item january journey keep kind label large later ledger " +
  "letter level light line list little local long machine main market matter measure meeting " +
  "member message method middle minute model month morning moving name nearly need network " +
  "never north note notice number offer office open order other outside owner paper parcel part " +
  "partner payment people period person phone picture place plain plan point port present price " +
  "print problem produce project purpose quality quarter question quick quote rail rate reach " +
  "reader ready reason receipt record region reply report request result return review river " +
  "road room round sale sample school search season second section sector send series service " +
  "seven shape share sheet ship short side simple site small south space spring staff stage " +
  "start state station stock store street strong study subject summer supply surface system " +
  "table task term test thank third time title together total town trade train travel under " +
  "unit until update usual valley value various village visit voice volume wait water week west " +
  "where which while white whole window winter within without word work world write year yellow"
).split(" ");
const LINE_WIDTH = 72;

/** About `size` bytes of words and figures, in lines of some 72 characters. */
export function wordyText(random: Random, size: number, lineEnd = "\r\n"): string {
  let text = "";
  let line = "";
  while (text.length + line.length < size) {
    line += WORDS[pick(random, WORDS.length)];
    if (line.length >= LINE_WIDTH) {
      // A figure per line or so: text of words alone would pack too well to be like the real.
      text += `${line} ${pick(random, 2 ** 31).toString(36)}${lineEnd}`;
      line = "";
    } else {
      line += " ";
    }
  }
  return text + line.trimEnd();
}

/** Bytes that don't compress. */
export function noise(random: Random, size: number): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0; i < words.length; i++) words[i] = random() * 2 ** 32;
  return Buffer.from(words.buffer, 0, size);
}

interface Member {
  readonly name: string;
  readonly data: Buffer;
  readonly isStored?: boolean;
}

// Packing is not what is measured: the fastest level serves.
const LEVEL = { level: 1 };

// The fields that a local header and a directory entry share, from "version needed" on.
function zipFields(member: Member, packed: Buffer): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt16LE(member.isStored ? 0 : 8, 4);
  fields.writeUInt16LE(0x58c1, 8);
  fields.writeUInt32LE(crc32(member.data), 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(member.data.length, 18);
  fields.writeUInt16LE(member.name.length, 22);
  return fields;
}

/** A ZIP archive. */
export function zipArchive(members: readonly Member[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const member of members) {
    const packed = member.isStored ? member.data : deflateRawSync(member.data, LEVEL);
    const name = Buffer.from(member.name);
    const fields = zipFields(member, packed);
    files.push(Buffer.from("PK\x03\x04"), fields, name, packed);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), fields, place, name);
    offset += 4 + fields.length + name.length + packed.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, listing, end]);
}

/** A ZIP with a text, a table and something incompressible; about `size` bytes. */
export function sampleZip(random: Random, size: number): Buffer {
  return zipArchive([
    { name: "report/readme.txt", data: Buffer.from(wordyText(random, size * 0.7)) },
    {
      name: "report/data.csv",
      data: Buffer.from(wordyText(random, size * 0.2).replace(/ /g, ";")),
    },
    { name: "report/scan.bin", data: noise(random, size * 0.6), isStored: true },
  ]);
}

/** A picture with noise; about `size` bytes. */
export function samplePng(random: Random, size: number): Buffer {
  const width = Math.max(16, Math.floor(Math.sqrt(size / 3)));
  const row = 1 + width * 3;
  const pixels = noise(random, row * Math.ceil(size / row));
  for (let at = 0; at < pixels.length; at += row) pixels[at] = 0;
  const chunk = (type: string, data: Buffer) => {
    const made = Buffer.alloc(12 + data.length);
    made.writeUInt32BE(data.length, 0);
    made.write(type, 4, "latin1");
    data.copy(made, 8);
    made.writeUInt32BE(crc32(made.subarray(4, 8 + data.length)), 8 + data.length);
    return made;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(pixels.length / row, 4);
  header.set([8, 2], 8);
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(pixels, LEVEL)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** A Word document with text and a picture; about `size` bytes. */
export function sampleDocx(random: Random, size: number): Buffer {
  const paragraphs: string[] = [];
  for (let left = size * 1.1; left > 0; left -= 400) {
    paragraphs.push(`<w:p><w:r><w:t>${wordyText(random, 350, " ")}</w:t></w:r></w:p>`);
  }
  const office = "http://schemas.openxmlformats.org";
  const xml = (body: string) =>
    Buffer.from(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>${body}`);
  const types = `<Types xmlns="${office}/package/2006/content-types"><Default Extension="png" ContentType="image/png"/><Default Extension="xml" ContentType="application/xml"/></Types>`;
  const relation = `<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="rId1" Type="${office}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`;
  const text = `<w:document xmlns:w="${office}/wordprocessingml/2006/main"><w:body>${paragraphs.join("")}</w:body></w:document>`;
  return zipArchive([
    { name: "[Content_Types].xml", data: xml(types) },
    { name: "_rels/.rels", data: xml(relation) },
    { name: "word/document.xml", data: xml(text) },
    { name: "word/media/image1.png", data: samplePng(random, size * 0.55), isStored: true },
  ]);
}

/** A PDF with pages of text in Flate streams and a picture; about `size` bytes. */
export function samplePdf(random: Random, size: number): Buffer {
  const objects: Buffer[] = [];
  const add = (text: string) => objects.push(Buffer.from(text, "latin1"));
  const addStream = (dictionary: string, data: Buffer) => {
    const packed = deflateSync(data, LEVEL);
    const start = `<< ${dictionary} /Filter /FlateDecode /Length ${packed.length} >>\nstream\n`;
    objects.push(Buffer.concat([Buffer.from(start), packed, Buffer.from("\nendstream")]));
  };
  const pages = Math.max(1, Math.min(40, Math.floor(size / 12_000)));
  const kids = Array.from({ length: pages }, (_, i) => `${5 + i * 2} 0 R`);
  add("<< /Type /Catalog /Pages 2 0 R >>");
  add(`<< /Type /Pages /Kids [${kids.join(" ")}] /Count ${pages} >>`);
  add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
  addStream("/Type /XObject /Subtype /Image /Width 64 /Height 64", noise(random, size * 0.5));
  for (let page = 0; page < pages; page++) {
    const use = `/Contents ${6 + page * 2} 0 R /Resources << /Font << /F 3 0 R >> >>`;
    add(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] ${use} >>`);
    const lines = wordyText(random, (size * 0.95) / pages, "\n").replace(/^.*$/gm, "($&) Tj T*");
    addStream("", Buffer.from(`BT /F 10 Tf 50 800 Td 12 TL\n${lines}\nET`));
  }
  const pieces: Buffer[] = [Buffer.from("%PDF-1.5\n")];
  const places: string[] = [];
  let offset = pieces[0]?.length ?? 0;
  for (const [index, body] of objects.entries()) {
    const start = Buffer.from(`${index + 1} 0 obj\n`);
    const end = Buffer.from("\nendobj\n");
    places.push(`${String(offset).padStart(10, "0")} 00000 n \n`);
    pieces.push(start, body, end);
    offset += start.length + body.length + end.length;
  }
  const count = objects.length + 1;
  const table = `xref\n0 ${count}\n0000000000 65535 f \n${places.join("")}`;
  const trailer = `trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${offset}\n%%EOF\n`;
  return Buffer.concat([...pieces, Buffer.from(table + trailer)]);
}

/** What a made-up message is called and holds. */
export interface SampleMail {
  /** Message-ID without its angle brackets. */
  readonly messageId: string;
  readonly text: string;
  readonly attachments?: readonly { readonly name: string; readonly data: Buffer }[];
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  pdf: "application/pdf",
  png: "image/png",
  zip: "application/zip",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
};

function attachmentPart(name: string, data: Buffer): string {
  const type = MEDIA_TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  return [
    `Content-Type: ${type}; name="${name}"`,
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment; filename="${name}"`,
    "",
    data.toString("base64").replace(/.{76}/g, "$&\r\n"),
    "",
  ].join("\r\n");
}

/** The message in wire form but without dot-stuffing: header, text, attachments. */
export function composeMail(mail: SampleMail): Buffer {
  const boundary = `=_${mail.messageId.replace(/\W/g, "_")}`;
  const plain = [
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 7bit",
    "",
    mail.text,
    "",
  ].join("\r\n");
  const attachments = mail.attachments ?? [];
  const parts = [plain, ...attachments.map((one) => attachmentPart(one.name, one.data))];
  const mixed = [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "",
    ...parts.map((part) => `--${boundary}\r\n${part}`),
    `--${boundary}--`,
    "",
  ].join("\r\n");
  const header = [
    "From: Alice <alice@sender.example.net>",
    "To: Bob <bob@example.org>",
    `Subject: sample ${mail.messageId}`,
    "Date: Mon, 01 Jun 2026 10:00:00 +0000",
    `Message-ID: <${mail.messageId}>`,
    "MIME-Version: 1.0",
    "",
  ].join("\r\n");
  return Buffer.from(header + (attachments.length === 0 ? plain : mixed), "latin1");
}

/** The harmless file that every scanner detects; assembled here so that no source file holds it. */
export function eicarFile(): Buffer {
  const parts = ["X5O!P%@AP[4", "PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"];
  return Buffer.from(`${parts[0]}\\${parts[1]}${parts[2]}`);
}
