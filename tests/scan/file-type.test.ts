import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { deflateRawSync } from "node:zlib";
import { FILE_TYPES, type FileType, fileType, secondType } from "../../src/scan/file-type.ts";
import { buildZip } from "../unpack/build-zip.ts";

const bytesOf = (text: string) => Buffer.from(text, "latin1");

/** `parts` as [offset, text] in a field of zeros of `size` bytes. */
function sparse(size: number, ...parts: readonly (readonly [number, string])[]): Buffer {
  const bytes = Buffer.alloc(size);
  for (const [at, text] of parts) bytes.write(text, at, "latin1");
  return bytes;
}

function zipOf(...members: readonly (readonly [name: string, body: string])[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [name, body] of members) {
    const head = sparse(30 + name.length, [0, "PK\x03\x04"], [30, name]);
    head.writeUInt32LE(body.length, 18);
    head.writeUInt16LE(name.length, 26);
    const entry = sparse(46 + name.length, [0, "PK\x01\x02"], [46, name]);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    central.push(entry);
    local.push(head, bytesOf(body));
    at += head.length + body.length;
  }
  const end = sparse(22, [0, "PK\x05\x06"]);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(Buffer.concat(central).length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...local, ...central, end]);
}

function peOf(signature: string): Buffer {
  const bytes = sparse(512, [0, "MZ"], [0x3c, "\x80"], [0x80, signature]);
  return bytes;
}

function oldTar(): Buffer {
  const block = sparse(512, [0, "notes.txt"], [100, "0000644\0"], [124, "00000000000\0"]);
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

const pgpDeflated = (head: string, packet: string) =>
  Buffer.concat([bytesOf(head), deflateRawSync(Buffer.from(packet, "latin1"))]);

const TYPED: readonly (readonly [what: string, bytes: Buffer, type: FileType])[] = [
  ["nothing", bytesOf(""), "empty"],
  ["one byte", bytesOf("\x01"), "binary"],
  ["noise", bytesOf("\x9a\x01\x02\x03\xff\xfe\x00"), "binary"],
  // Mail.
  ["a mail", bytesOf("From: a@example.org\r\nTo: b@example.org\r\n\r\nhi"), "mail"],
  ["a mail that begins with a trace field", bytesOf("Received: from x\r\n by y\r\n"), "mail"],
  [
    "a mail with unknown fields first",
    bytesOf("X-A: 1\r\nFoo: 2\r\nMessage-ID: <1@x>\r\n"),
    "mail",
  ],
  ["a mail after an empty line", bytesOf("\r\nMIME-Version: 1.0\r\n"), "mail"],
  ["a mail behind one odd line", bytesOf("odd line\r\nReceived: x\r\nMessage-ID: y\r\n"), "mail"],
  ["a mail with space before the colon", bytesOf("Content-Type : text/plain\r\n\r\n"), "mail"],
  ["a mail with NUL in its body", bytesOf("Date: x\r\nSubject: y\r\n\r\n\0\0\0"), "mail"],
  ["an mbox", bytesOf("From a@b Mon Jan  1 00:00:00 2024\nReceived: x\n"), "mbox"],
  ["an escaped mbox line", bytesOf(">From a@b Mon Jan  1\nMIME-Version: 1.0\n"), "mbox"],
  ["a memo with one field", bytesOf("Subject: lunch\r\n\r\nAt noon?"), "text"],
  ["an HTTP reply", bytesOf("HTTP/1.1 200 OK\r\nDate: x\r\nContent-Type: y\r\n\r\n"), "text"],
  // Text.
  ["prose", bytesOf("Dear colleague,\r\nnumbers attached.\r\n"), "text"],
  ["prose in UTF-8", Buffer.from("Grüße aus Köln — bis später\n"), "text"],
  ["prose in UTF-16", Buffer.from("\ufeffDear colleague", "utf16le"), "text"],
  ["HTML", bytesOf("<!DOCTYPE html><html></html>"), "html"],
  ["HTML in capitals, late", bytesOf(" \r\n\t<HTML>"), "html"],
  ["HTML behind a comment", bytesOf("<!-- x --><table>"), "html"],
  ["HTML behind an endless comment", bytesOf(`<!-- ${"x".repeat(5000)}`), "html"],
  ["HTML after words", bytesOf("hello <body onload=x>"), "html"],
  ["HTML with a byte order mark", bytesOf("\xef\xbb\xbf<div>"), "html"],
  ["HTML in UTF-16 without a mark", Buffer.from("<html><body>", "utf16le"), "html"],
  ["HTML in big-endian UTF-16", Buffer.from("\ufeff<script>", "utf16le").swap16(), "html"],
  ["XHTML", bytesOf('<?xml version="1.0"?>\n<html xmlns="x">'), "html"],
  ["an address in angle brackets", bytesOf("<user@example.org> wrote:\n> hi"), "text"],
  ["an HTML application", bytesOf('<html><head><hta:application id="a"></head>'), "hta"],
  ["XML", bytesOf('<?xml version="1.0"?><note/>'), "xml"],
  ["XML without declaration", bytesOf('<Relationships xmlns="x"/>'), "xml"],
  ["SVG", bytesOf('<?xml version="1.0"?><!-- a > b --><svg xmlns="x">'), "svg"],
  ["SVG alone", bytesOf("<svg width='1'>"), "svg"],
  ["a script file", bytesOf('<job id="a"><script language="VBScript">'), "wsf"],
  ["a scriptlet", bytesOf('<?XML version="1.0"?><scriptlet>'), "wsf"],
  ["RTF", bytesOf("{\\rtf1\\ansi hello}"), "rtf"],
  ["RTF with a broken version", bytesOf("{\\rt{\\object"), "rtf"],
  ["a shell script", bytesOf("#!/bin/sh\n"), "shell"],
  ["an encoded script", bytesOf("#@~^AAAAAA=="), "encoded-script"],
  ["a batch file", bytesOf("@Echo OFF\r\n"), "batch"],
  ["an Internet shortcut", bytesOf("[InternetShortcut]\r\nURL=x\r\n"), "url"],
  ["an Internet shortcut, late", bytesOf("[{000214A0}]\r\nA=b\r\n[internetshortcut]\r\n"), "url"],
  ["a registry file", bytesOf("Windows Registry Editor Version 5.00\r\n"), "reg"],
  ["a SYLK sheet", bytesOf("ID;PWXL;N;E\r\n"), "slk"],
  ["a web query", bytesOf("WEB\r\n1\r\nhttp://example.org/\r\n"), "iqy"],
  ["a calendar", bytesOf("BEGIN:VCALENDAR\r\n"), "ics"],
  ["a card", bytesOf("begin:vcard\r\n"), "vcard"],
  ["PGP text", bytesOf("-----BEGIN PGP MESSAGE-----\r\n"), "pgp"],
  ["a certificate", bytesOf("-----BEGIN CERTIFICATE-----\n"), "pem"],
  ["PostScript", bytesOf("%!PS-Adobe-3.0\n"), "postscript"],
  ["uuencode", bytesOf("begin 644 a.exe\nM...\n"), "uuencode"],
  ["yEnc", bytesOf("=ybegin line=128 size=1 name=a\r\n"), "yenc"],
  ["BinHex", bytesOf("(This file must be converted with BinHex 4.0)\n"), "binhex"],
  // Documents.
  ["PDF", bytesOf("%PDF-1.7\n"), "pdf"],
  ["PDF behind junk", bytesOf(`${"x".repeat(900)}%PDF-1.4\n`), "pdf"],
  ["OLE2", bytesOf("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "ole2"],
  ["OneNote", bytesOf("\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"), "one"],
  ["compiled help", bytesOf("ITSF\x03\0\0\0"), "chm"],
  ["ActiveMime", bytesOf("ActiveMime\0\0\x01\xf0"), "activemime"],
  // ZIP and what is built on it.
  ["ZIP", zipOf(["a.txt", "hi"]), "zip"],
  ["an empty ZIP", zipOf(), "zip"],
  ["OOXML", zipOf(["[Content_Types].xml", "<x/>"], ["word/document.xml", ""]), "ooxml"],
  ["OOXML, members in another order", zipOf(["a", "x"], ["xl/workbook.xml", ""]), "ooxml"],
  ["ODF", zipOf(["mimetype", "application/vnd.oasis.opendocument.text"]), "odf"],
  ["EPUB", zipOf(["mimetype", "application/epub+zip"]), "epub"],
  ["JAR", zipOf(["META-INF/MANIFEST.MF", "Main-Class: A"]), "jar"],
  ["APK", zipOf(["a", ""], ["AndroidManifest.xml", ""]), "apk"],
  ["ZIP behind junk", Buffer.concat([bytesOf("\x01\x02junk\0"), zipOf(["a", "b"])]), "zip"],
  ["ZIP behind words", Buffer.concat([bytesOf("words "), zipOf(["a", "b"])]), "zip"],
  // Archives and streams.
  ["gzip", bytesOf("\x1f\x8b\x08\0"), "gzip"],
  ["bzip2", bytesOf("BZh91AY&SY\0"), "bzip2"],
  ["a word that begins like bzip2", bytesOf("BZhang wrote this"), "text"],
  ["xz", bytesOf("\xfd7zXZ\0"), "xz"],
  ["zstd", bytesOf("\x28\xb5\x2f\xfd\0"), "zstd"],
  ["lz4 behind a skippable frame", bytesOf("\x50\x2a\x4d\x18\x01\0\0\0X\x04\x22\x4d\x18"), "lz4"],
  ["LZMA", bytesOf(`\x5d\0\0\x80\0${"\xff".repeat(8)}\0data`), "lzma"],
  ["7z", bytesOf("7z\xbc\xaf\x27\x1c\0\x04"), "7z"],
  ["RAR", bytesOf("Rar!\x1a\x07\x01\0"), "rar"],
  ["tar", sparse(1024, [0, "a.txt"], [257, "ustar"]), "tar"],
  ["tar of old", oldTar(), "tar"],
  ["CAB", bytesOf("MSCF\0\0\0\0"), "cab"],
  ["ARJ", sparse(64, [0, "\x60\xea\x22\0"], [10, "\x02"]), "arj"],
  ["LHA", bytesOf("\x20\x11-lh5-"), "lha"],
  ["ACE", bytesOf("\x01\x02\x31\0\0\0\0**ACE**"), "ace"],
  // Disk images.
  ["ISO 9660", sparse(34_816, [32_769, "CD001"]), "iso9660"],
  ["ISO 9660 behind text", sparse(34_816, [0, "From: a\nTo: b\n"], [32_769, "CD001"]), "iso9660"],
  ["UDF", sparse(34_816, [32_769, "BEA01"]), "udf"],
  ["VHD", sparse(2048, [1536, "conectix"]), "vhd"],
  ["VHDX", bytesOf("vhdxfile"), "vhdx"],
  ["VMDK", bytesOf("KDMV\x01\0\0\0"), "vmdk"],
  // Programs.
  ["a Windows program", peOf("PE\0\0"), "pe"],
  ["a DOS program", peOf("NE\0\0"), "dosexe"],
  ["a DOS program cut short", bytesOf("MZ\x90\0\x03"), "dosexe"],
  ["words that begin with MZ", bytesOf("MZ is what programs begin with"), "text"],
  ["ELF", bytesOf("\x7fELF\x02"), "elf"],
  ["Mach-O", bytesOf("\xcf\xfa\xed\xfe\x07"), "macho"],
  ["universal Mach-O", bytesOf("\xca\xfe\xba\xbe\0\0\0\x02"), "macho"],
  ["a Java class", bytesOf("\xca\xfe\xba\xbe\0\0\0\x34"), "class"],
  ["Flash", bytesOf("CWS\x0a\x00\x01\0\0\0"), "swf"],
  ["a shell link", bytesOf("L\0\0\0\x01\x14\x02\0"), "lnk"],
  // Pictures and sound.
  ["PNG", bytesOf("\x89PNG\r\n\x1a\n"), "png"],
  ["JPEG", bytesOf("\xff\xd8\xff\xe0"), "jpeg"],
  ["GIF", bytesOf("GIF89a"), "gif"],
  ["BMP", sparse(64, [0, "BM"], [14, "\x28"]), "bmp"],
  ["words that begin with BM", bytesOf("BMW is a car maker in Munich"), "text"],
  ["WebP", bytesOf("RIFF\x10\0\0\0WEBPVP8 "), "webp"],
  ["TIFF", bytesOf("II*\0"), "tiff"],
  // Mail's wrappings.
  ["TNEF", bytesOf("\x78\x9f\x3e\x22\x01\0"), "tnef"],
  ["S/MIME", bytesOf("\x30\x82\x01\0\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"), "smime"],
  ["S/MIME in BER", bytesOf("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), "smime"],
  ["a PGP file", bytesOf("\xac\x0fb\x05a.txt\0\0\0\0text"), "pgp"],
  ["a PGP file with partial lengths", bytesOf("\xcb\xe9t\0\0\0\0\0text"), "pgp"],
  ["a PGP file, deflated", pgpDeflated("\xa3\x01", "\xac\x0fb\x05a.txt\0\0\0\0text"), "pgp"],
  ["a PGP signature, deflated", pgpDeflated("\xc8\x30\x01", "\xc4\x0d\x03"), "pgp"],
  ["deflated data that are no packet", pgpDeflated("\xa3\x01", "\xfe\x01\x02"), "binary"],
  ["what only begins as a PGP file", bytesOf("\xac\x0fb\x05a\x01txt\0\0\0\0\x02"), "binary"],
  ["what only begins as a PGP packet", bytesOf("\xa3\x01\xff\xff\xff\xff"), "binary"],
  ["a PGP session key", sparse(20, [0, "\x85\x01\x0c\x03"], [12, "\x01"]), "pgp"],
];

describe("fileType()", () => {
  test.each(TYPED)("names %s", (_what, bytes, type) => {
    expect(fileType(bytes)).toBe(type);
  });

  test("does not throw on any cut or changed start", () => {
    for (const [, bytes] of TYPED) {
      for (const length of [1, 2, 3, 5, 8, 13, 21, 34, 55]) {
        expect(FILE_TYPES).toContain(fileType(bytes.subarray(0, length)));
      }
    }
    for (let first = 0; first < 256; first++) {
      expect(FILE_TYPES).toContain(fileType(Uint8Array.of(first, 255 - first, first ^ 0x55)));
    }
  });

  test("sees the same bytes at any place of a larger buffer", () => {
    for (const [, bytes, type] of TYPED) {
      const larger = Buffer.concat([bytesOf("MZ%PDF"), bytes]);
      expect(fileType(larger.subarray(6))).toBe(type);
    }
  });

  test("is quick on headers made to be slow", () => {
    const hostile = [
      `A:${" ".repeat(70_000)}`,
      "<!".repeat(50_000),
      "<a".repeat(50_000),
      "-\n".repeat(50_000),
      `<?xml ${"<!-- --".repeat(20_000)}`,
      "%".repeat(100_000),
      "[".repeat(100_000),
    ];
    const began = performance.now();
    for (const text of hostile) fileType(bytesOf(text));
    expect(performance.now() - began).toBeLessThan(200);
  });
});

describe("secondType()", () => {
  const jpeg = bytesOf("\xff\xd8\xff\xe0\0\x10JFIF\0");
  const zip = zipOf(["a.exe", "x"]);

  test("finds an archive behind a picture or a program", () => {
    expect(secondType(Buffer.concat([jpeg, zip]), "jpeg")).toBe("zip");
    expect(secondType(Buffer.concat([peOf("PE\0\0"), zip]), "pe")).toBe("zip");
    const zip64 = buildZip([{ name: "a", bytes: bytesOf("b"), isZip64: true }]);
    expect(secondType(Buffer.concat([jpeg, zip64]), "jpeg")).toBe("zip");
  });

  test("finds a disk image behind a PDF", () => {
    expect(secondType(sparse(34_816, [0, "%PDF-1.7"], [32_769, "CD001"]), "pdf")).toBe("iso9660");
  });

  test("finds nothing in what is only itself", () => {
    expect(secondType(jpeg, "jpeg")).toBeUndefined();
    expect(secondType(zip, "zip")).toBeUndefined();
    expect(secondType(bytesOf("about PK\x05\x06"), "text")).toBeUndefined();
  });
});

const { GW_CORPUS = "../shared/corpus" } = process.env;
const corpus = resolve(import.meta.dir, "../..", GW_CORPUS);

// Extension -> the types files of that name have in the sample collection.
const NAMED: readonly (readonly [string, string, readonly FileType[]])[] = [
  ["containers/oletools/test-data/oleobj", ".docm", ["ooxml"]],
  ["containers/oletools/test-data/oleobj", ".doc", ["ole2"]],
  ["containers/oletools/test-data/oleobj", ".ods", ["odf"]],
  ["containers/libarchive/libarchive", ".cab", ["cab"]],
  ["containers/libarchive/libarchive", ".7z", ["7z"]],
  ["containers/libarchive/libarchive", ".rar", ["rar"]],
  ["containers/libarchive/libarchive", ".iso", ["iso9660"]],
  ["containers/libarchive/libarchive", ".lzh", ["lha"]],
  ["mime/stalwart-mail-parser", ".eml", ["mail", "mbox"]],
];

test.each(NAMED)("fileType() agrees with the sample files in %s named %s", (folder, end, types) => {
  const path = join(corpus, folder);
  const names = existsSync(path) ? readdirSync(path, { recursive: true }) : [];
  for (const name of names.map(String).filter((one) => one.endsWith(end))) {
    expect([name, types.includes(fileType(readFileSync(join(path, name))))]).toEqual([name, true]);
  }
  expect(types.every((type) => FILE_TYPES.includes(type))).toBe(true);
});
