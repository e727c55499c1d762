// Documents: chains of filters in PDF, entities in XML, groups in RTF, loops in compound files.
import { deflateSync, gzipSync } from "node:zlib";
import { buildZip } from "../../unpack/build-zip.ts";
import { buildCompound } from "../../unpack/office/build-compound.ts";
import { buildPdf, objectStream } from "../../unpack/pdf/build-pdf.ts";
import { type Bomb, GIB, gzipOf, MIB, nested, zerosDeflated } from "./bomb.ts";

const zlibOf = (stream: Buffer) => Buffer.concat([Buffer.from("789c", "hex"), stream]);
const CATALOG = "<< /Type /Catalog >>";
const repeat = (text: string, count: number) => Buffer.from(text.repeat(count), "latin1");

function filterChain(length: number): Buffer {
  const data = nested(length - 1, zlibOf(zerosDeflated(GIB)), (inner) => deflateSync(inner));
  const filters = "/FlateDecode ".repeat(length);
  return buildPdf([CATALOG, { dict: `/Filter [${filters}]`, data }]);
}

// Ten references to ten references to … : expanded by readers that know no bound.
function billionLaughs(): Buffer {
  const entities = Array.from(
    { length: 12 },
    (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`,
  );
  const xml = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">${entities.join("")}]><x>&l12;</x>`;
  return buildZip([
    { name: "[Content_Types].xml", bytes: Buffer.from("<Types/>") },
    { name: "word/document.xml", bytes: Buffer.from(xml) },
    {
      name: "word/media/zeros.bin",
      bytes: Buffer.alloc(0),
      packed: zerosDeflated(2 * GIB),
      declaredSize: 2 * GIB,
    },
  ]);
}

// Every sector's next one is itself.
function compoundLoop(): Buffer {
  const bytes = Buffer.from(buildCompound({ Stream: Buffer.alloc(MIB, 1) }));
  for (let sector = 0, at = 512; at + 512 <= bytes.length; sector++, at += 512) {
    if (bytes.readInt32LE(at + 4) !== sector) continue;
  }
  const first = bytes.readInt32LE(76);
  const table = 512 + first * 512;
  for (let i = 8; i < 128; i++) bytes.writeInt32LE(i, table + i * 4);
  return bytes;
}

/** PDF, Office and text. */
export const DOCUMENT_BOMBS: readonly Bomb[] = [
  { name: "PDF, FlateDecode four times", wouldBe: "1 GB", build: () => filterChain(4) },
  { name: "PDF, FlateDecode 500 times", wouldBe: "1 GB", build: () => filterChain(500) },
  {
    name: "PDF, 400 streams of zeros",
    wouldBe: "24 GB",
    build: () => {
      const data = zlibOf(zerosDeflated(64 * MIB - 16 * MIB));
      const stream = { dict: "/Filter /FlateDecode", data };
      return buildPdf([CATALOG, ...Array<typeof stream>(400).fill(stream)]);
    },
  },
  {
    name: "PDF, 600,000 objects in streams",
    wouldBe: "600,000 objects",
    build: () => {
      const some = (from: number) =>
        objectStream(
          Object.fromEntries(
            Array.from({ length: 5000 }, (_, i) => [
              from + i,
              `<< /S /JavaScript /JS (${i + from}) >>`,
            ]),
          ),
        );
      return buildPdf([CATALOG, ...Array.from({ length: 120 }, (_, i) => some(1000 + i * 5000))]);
    },
  },
  {
    name: "PDF, dictionaries 2,500,000 deep",
    wouldBe: "a stack overflow",
    build: () => buildPdf([CATALOG, `${"<< /A ".repeat(2_500_000)}1${" >>".repeat(2_500_000)}`]),
  },
  { name: "DOCX, entities and a picture of zeros", wouldBe: "3 TB", build: billionLaughs },
  { name: "compound file whose sectors are loops", wouldBe: "no end", build: compoundLoop },
  {
    name: "RTF, 2,000,000 groups deep",
    wouldBe: "a stack overflow",
    build: () => Buffer.concat([Buffer.from("{\\rtf1"), repeat("{\\object\\objdata 00", 600_000)]),
  },
  {
    name: "HTML, 100,000 data: URLs",
    wouldBe: "100,000 objects",
    build: () =>
      Buffer.concat([
        Buffer.from("<html><body>"),
        Buffer.from(
          Array.from(
            { length: 100_000 },
            (_, i) => `<a href="data:text/html;base64,${btoa(String(i).padEnd(90))}">x</a>`,
          ).join(""),
        ),
      ]),
  },
  {
    name: "SVG, gzip of a comment",
    wouldBe: "2 GB",
    build: () => gzipSync(gzipOf(zerosDeflated(2 * GIB), 2 * GIB)),
  },
];
