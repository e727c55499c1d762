// The same file under many wrappers and many names, for tests of filters: what a sender can do so
// that a mail still brings it to its reader.
import { gzipSync } from "node:zlib";
import { build7z, buildCab, buildLha } from "../unpack/archive/build-archives.ts";
import { tarMember } from "../unpack/archive/build-tar.ts";
import { buildZip } from "../unpack/build-zip.ts";
import { base64Lines, quotedPrintable, uuencode, yencode } from "./encode.ts";

const CONTENT = "just a text, whatever its name says\n";

/** A disguise, and the parts of a multipart/mixed body that wear it. */
export type Disguise = readonly [what: string, parts: readonly string[]];

function part(headers: readonly string[], body: string): string {
  return `${headers.join("\r\n")}\r\n\r\n${body}`;
}

function attached(name: string, content: string | Uint8Array, fileName = `"${name}"`): string {
  return part(
    [
      "Content-Type: application/octet-stream",
      `Content-Disposition: attachment; filename=${fileName}`,
      "Content-Transfer-Encoding: base64",
    ],
    base64Lines(content),
  );
}

function headed(header: string): string {
  return part([header, "Content-Transfer-Encoding: base64"], base64Lines(CONTENT));
}

function multipart(boundary: string, ...parts: readonly string[]): string {
  const joined = parts.map((one) => `--${boundary}\r\n${one}\r\n`).join("");
  return `${joined}--${boundary}--`;
}

function mailOf(...parts: readonly string[]): string {
  const head = `Subject: inner\r\nMIME-Version: 1.0\r\n`;
  const type = 'Content-Type: multipart/mixed; boundary="inner"';
  return `${head}${type}\r\n\r\n${multipart("inner", ...parts)}\r\n`;
}

/** `evil.exe` in twelve wrappers and more. */
export function wrappers(): readonly Disguise[] {
  const name = "evil.exe";
  const file = { name, content: CONTENT };
  const bytes = Buffer.from(CONTENT);
  const zip = buildZip([{ name, bytes }]);
  const tar = Buffer.concat([tarMember({ name, content: CONTENT }), Buffer.alloc(1024)]);
  const inner = mailOf(attached(name, CONTENT));
  const rfc822 = (mail: string) => part(["Content-Type: message/rfc822"], mail);
  return [
    ["an attachment", [attached(name, CONTENT)]],
    ["zip", [attached("a.zip", zip)]],
    ["zip in zip", [attached("a.zip", buildZip([{ name: "b.zip", bytes: zip }]))]],
    ["zip under another name", [attached("picture.png", zip)]],
    ["tar", [attached("a.tar", tar)]],
    ["tar.gz", [attached("a.tgz", gzipSync(tar))]],
    ["7z", [attached("a.7z", build7z([file]))]],
    ["cab", [attached("a.cab", buildCab([file]))]],
    ["lha", [attached("a.lzh", buildLha([file]))]],
    ["an attached message", [rfc822(inner)]],
    ["a message in a message", [rfc822(mailOf(rfc822(inner)))]],
    [
      "a message in a zip",
      [attached("a.zip", buildZip([{ name: "m.eml", bytes: Buffer.from(inner) }]))],
    ],
    ["uuencode in the text", [part(["Content-Type: text/plain"], uuencode(name, CONTENT))]],
    ["yEnc in the text", [part(["Content-Type: text/plain"], yencode(name, CONTENT))]],
    [
      "quoted-printable",
      [
        part(
          [
            `Content-Type: text/plain; name="${name}"`,
            "Content-Transfer-Encoding: quoted-printable",
          ],
          quotedPrintable(CONTENT),
        ),
      ],
    ],
    [
      "nested multiparts",
      [
        part(
          ['Content-Type: multipart/related; boundary="deep"'],
          multipart("deep", attached(name, CONTENT)),
        ),
      ],
    ],
  ];
}

/** A banned file under names that are `….exe` to whoever opens it. */
export function nameTricks(): readonly Disguise[] {
  const word = (text: string) => `=?utf-8?B?${Buffer.from(text).toString("base64")}?=`;
  const pct = (text: string) =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const plain = (text: string) => [attached(text, CONTENT)];
  const coded = (text: string) => [attached(text, CONTENT, `"${word(text)}"`)];
  const disposition = (value: string) => [headed(`Content-Disposition: attachment; ${value}`)];
  return [
    ["upper case", plain("EVIL.EXE")],
    ["dot at the end", plain("evil.exe.")],
    ["spaces and dots at the end", plain("evil.exe . . ")],
    ["an encoded word", coded("evil.exe")],
    ["encoded words cut in two", disposition(`filename="${word("evil.e")} ${word("xe")}"`)],
    ["RFC 2231", disposition(`filename*=utf-8''${pct("evil.exe")}`)],
    ["RFC 2231 in pieces", disposition(`filename*0="evil."; filename*1="exe"`)],
    ["two names that disagree", disposition(`filename="evil.txt"; filename="evil.exe"`)],
    ["the name of the type", [headed('Content-Type: text/plain; name="evil.exe"')]],
    ["right-to-left override", coded("evil\u202egpj.exe")],
    ["zero-width letters", coded("evil.e\u200bx\u200de")],
    ["full-width letters", coded("evil\uff0e\uff45\uff58\uff45")],
    ["an alternate stream", plain("evil.exe:Zone.Identifier")],
    ["a path", plain("../../evil.exe")],
    ["no quotes", [attached("", CONTENT, "evil.exe")]],
    ["a comment", disposition("filename=(harmless) evil.exe")],
    [
      "a zip's member with a dot at the end",
      [attached("a.zip", buildZip([{ name: "evil.exe.", bytes: Buffer.from(CONTENT) }]))],
    ],
  ];
}

/** A mail with parts. */
export function disguisedMail(id: string, parts: readonly string[]): string {
  const head = [
    "From: Alice <alice@example.com>",
    `Subject: ${id}`,
    `Message-ID: <${id}@example.com>`,
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="next"',
  ];
  const text = part(["Content-Type: text/plain"], "Please see the file.");
  return part(head, multipart("next", text, ...parts));
}
