import { expect, test } from "bun:test";
import { fileType } from "../../../../src/scan/file-type.ts";
import { unpackerFor } from "../../../../src/unpack/registry.ts";
import { explodeAnyText } from "../../../../src/unpack/script/text/any-text.ts";
import { budgetOf, drain, textOf } from "../../../harness/extracts.ts";

const open = (bytes: Uint8Array) => {
  const { status, extracts } = drain(explodeAnyText(bytes, budgetOf()));
  return { status, files: extracts.map((one) => [one.name, Buffer.from(one.bytes).toString()]) };
};
const latin1 = (text: string) => Buffer.from(text, "latin1");
const filesIn = (text: string) => open(latin1(text)).files;

const PAGE = "<html><body>héllo</body></html>";
const marked = Buffer.from(`\ufeff${PAGE}`, "utf16le");

test.each<[string, Buffer]>([
  ["with a mark", marked],
  ["with a mark, big endian", Buffer.from(marked).swap16()],
  ["without a mark", Buffer.from(PAGE, "utf16le")],
  ["without a mark, big endian", Buffer.from(PAGE, "utf16le").swap16()],
  ["with half a character at its end", Buffer.concat([marked, Buffer.from("x")])],
])("explodeAnyText() gives UTF-16 %s as UTF-8", (_, bytes) => {
  expect(fileType(bytes)).toBe("html");
  expect(open(bytes)).toEqual({ status: "clean", files: [["text in UTF-8", PAGE]] });
});

test("explodeAnyText() gives UTF-7 that hides markup", () => {
  const text = "<html>+ADw-script+AD4-alert(1) a+-b+ADw-/script+AD4-</html>";
  expect(filesIn(text)).toContainEqual([
    "text in UTF-8",
    "<html><script>alert(1) a+b</script></html>",
  ]);
  expect(filesIn("a mail with base64: c+ADq/x and 1+1")).toEqual([]);
});

// The encoding of `MsgBox "Hello"` as the encoder of Windows writes it.
const ENCODED = "#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@";

test("explodeAnyText() decodes encoded scripts, alone and in pages", () => {
  expect(filesIn(ENCODED)).toEqual([["decoded script.vbs", 'MsgBox "Hello"']]);
  const page = `<script language="VBScript.Encode">${ENCODED}</script> ${ENCODED}`;
  expect(filesIn(page).length).toBe(2);
  expect(unpackerFor("encoded-script")).toBe(explodeAnyText);
});

test("explodeAnyText() calls a cut encoded script damaged and decodes it", () => {
  expect(open(latin1(ENCODED.slice(0, 25)))).toEqual({
    status: "damaged",
    files: [["decoded script.vbs", 'MsgBox "Hello']],
  });
  expect(filesIn("the mark #@~^ begins it")).toEqual([]);
});

const SCRIPT = "<script>document.location='https://x.example/'</script>";
const b64 = (text: string) => Buffer.from(text).toString("base64");
const percent = (text: string) =>
  text.replace(/[^a-z]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
const wide = (text: string) =>
  [...text].map((char) => `%u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
const escaped = (text: string) =>
  [...text].map((char) => `\\x${char.charCodeAt(0).toString(16)}`).join("");
const codes = (text: string) => [...text].map((char) => char.charCodeAt(0));
const reversed = (text: string) => [...text].reverse().join("");
const chunks = (text: string) => text.match(/.{1,13}/g) ?? [];

test.each<[string, string]>([
  ["atob", `eval(atob("${b64(SCRIPT)}"))`],
  ["atob of a variable", `var d = '${b64(SCRIPT)}'; el.innerHTML = window["atob"](d)`],
  ["atob of pieces", `atob("${chunks(b64(SCRIPT)).join('" +\n  "')}")`],
  ["atob of an array", `x=['${chunks(b64(SCRIPT)).join("', '")}'];atob(x.join(''))`],
  ["atob of concat", `atob("${chunks(b64(SCRIPT)).join('".concat("')}"))`],
  [
    "atob of a string turned round",
    `atob("${reversed(b64(SCRIPT))}".split("").reverse().join(""))`,
  ],
  ["atob of escapes", `atob("${escaped(b64(SCRIPT))}")`],
  ["unescape", `document.write(unescape('${percent(SCRIPT)}'))`],
  ["unescape of wide codes", `document.write(unescape("${wide(SCRIPT)}"))`],
  ["decodeURIComponent", `document.write(decodeURIComponent("${percent(SCRIPT)}"))`],
  ["escapes", `document.write("${escaped(SCRIPT)}")`],
  ["fromCharCode", `document.write(String.fromCharCode(${codes(SCRIPT).join(",")}))`],
  [
    "fromCharCode of hex",
    `String.fromCharCode(${codes(SCRIPT)
      .map((code) => `0x${code.toString(16)}`)
      .join(", ")})`,
  ],
  ["a byte array", `new Blob([new Uint8Array([${codes(SCRIPT).join(", ")}])])`],
  [
    "hex",
    `for(i=0;i<h.length;i+=2)s+=String.fromCharCode(parseInt(h.substr(i,2),16));h="${Buffer.from(SCRIPT).toString("hex")}"`,
  ],
  [
    "Chr of VBScript",
    `Execute ${codes(SCRIPT)
      .map((code) => `Chr(${code})`)
      .join(" & ")}`,
  ],
  [
    "Chr over lines",
    `Execute ${codes(SCRIPT)
      .map((code) => `ChrW(&H${code.toString(16)})`)
      .join(" & _\r\n  ")}`,
  ],
  [
    "characters of PowerShell",
    `iex (${codes(SCRIPT)
      .map((code) => `[char]${code}`)
      .join("+")})`,
  ],
  ["base64 of PowerShell", `[Convert]::FromBase64String('${b64(SCRIPT)}')`],
  ["a page with apostrophes", `<p>don't</p><script>eval(atob("${b64(SCRIPT)}"))</script>`],
])("explodeAnyText() decodes %s", (_, text) => {
  expect(filesIn(text)).toContainEqual(["decoded string", SCRIPT]);
});

test("explodeAnyText() gives the command of PowerShell, in UTF-16 as it is", () => {
  const command = Buffer.from("Invoke-Something", "utf16le");
  const { extracts } = drain(
    explodeAnyText(latin1(`powershell -nop -enc ${command.toString("base64")}`), budgetOf()),
  );
  expect(extracts.map(({ bytes }) => textOf(bytes))).toEqual([textOf(command)]);
});

test("chains of encodings open step by step", () => {
  const inner = `document.write(unescape("${percent(SCRIPT)}"))`;
  const [first] = filesIn(`eval(atob("${b64(inner)}"))`);
  expect(first?.[1]).toBe(inner);
  expect(filesIn(first?.[1] ?? "")).toContainEqual(["decoded string", SCRIPT]);
});

test.each<[string, string]>([
  [
    "a library's words",
    'var a="addEventListener",b="prototypeConstructor";unescape(x);String.fromCharCode(x)',
  ],
  ["colours and matrices", "x=atob(y); m=[1,0,0,1,0,0,0,0,0,0]; rgba(0,0,0,0)"],
  ["an address", 'atob(x); "https://www.example.org/abcdefghijklmnop?q=%20"'],
  ["text without any decoder", `"${b64(SCRIPT)}"`],
])("explodeAnyText() finds nothing in %s", (_, text) => {
  expect(open(latin1(text))).toEqual({ status: "clean", files: [] });
});

const entities = (text: string) =>
  codes(text)
    .map((code) => `&#${code};`)
    .join("");

test.each<[string, string, [string, string]]>([
  ["a nested page", '<iframe srcdoc="&lt;b&gt;x&lt;/b&gt;">', ["srcdoc.html", "<b>x</b>"]],
  ["a nested page in odd case", "<IFRAME SrcDoc = '<b>x</b>'>", ["srcdoc.html", "<b>x</b>"]],
  [
    "a handler in entities",
    `<img src=x onerror="${entities("alert(1)")}">`,
    ["scripts", "alert(1)\n"],
  ],
  ["a handler in hex entities", '<a onclick="&#x61;lert&lpar;1&#41">', ["scripts", "alert(1)\n"]],
  [
    "an address in entities",
    `<a href="${entities("javascript:")}x()">`,
    ["scripts", "javascript:x()\n"],
  ],
  [
    "an address in percent codes",
    "<a href='javascript:%61lert(1)'>",
    ["scripts", "javascript:alert(1)\n"],
  ],
  ["an address with tabs", '<a href="java\tscript:x()">', ["scripts", "javascript:x()\n"]],
  ["a drawing's script", "<svg><script>&#x61;lert(1)</script></svg>", ["scripts", "alert(1)\n"]],
  [
    "a drawing's animation",
    '<set attributeName="href" to="&#106;avascript:x()"/>',
    ["scripts", "javascript:x()\n"],
  ],
])("explodeAnyText() gives %s decoded", (_, text, file) => {
  expect(filesIn(text)).toEqual([file]);
});

test("explodeAnyText() gives data: URLs with percent codes, but not plain drawings", () => {
  const url = (type: string, text: string) => `<a href="data:${type},${encodeURIComponent(text)}">`;
  const long = `<script>${"x".repeat(80)}</script>`;
  expect(filesIn(url("text/html", long))).toEqual([["data url", long]]);
  expect(filesIn(url("image/svg+xml;utf8", `<svg>${long}</svg>`))).toEqual([
    ["data url", `<svg>${long}</svg>`],
  ]);
  expect(filesIn(url("image/svg+xml", `<svg>${"<path/>".repeat(20)}</svg>`))).toEqual([]);
});

test("explodeAnyText() leaves ordinary pages clean and whole", () => {
  const text =
    '<a href="https://x.example/?a=1&amp;b=2" onclick="go(this)">It\'s</a><script>f("a","b")</script>';
  expect(open(latin1(text))).toEqual({ status: "clean", files: [] });
});

test("explodeAnyText() is bounded", () => {
  const many = `atob(x);${Array.from({ length: 700 }, (_, n) => `f("${b64(`some text of its own, number ${n}`)}");`).join("")}`;
  expect(open(latin1(many)).status).toBe("unscanned");
  const few = drain(explodeAnyText(latin1(many), budgetOf({ objectCountMax: 3 })));
  expect([few.status, few.extracts.length]).toEqual(["unscanned", 3]);
});

test.each<[string, string]>([
  ["quotes", `atob${'"'.repeat(1_000_000)}`],
  ["joints", `atob${'"a"+'.repeat(250_000)}`],
  ["numbers", `fromCharCode${"1,".repeat(500_000)}`],
  ["numbers and blanks", `Chr(${"1 ".repeat(500_000)}`],
  ["Chr", "Chr(65)&".repeat(120_000)],
  ["half a Chr", "Chr(Chr(65".repeat(100_000)],
  ["percent codes", `unescape("${"%41".repeat(300_000)}")`],
  ["equals signs", `<${"href=".repeat(200_000)}`],
  ["open attributes", `<${"srcdoc='href=\"".repeat(70_000)}`],
  ["scripts", `&#1;${"<script>".repeat(120_000)}`],
  ["data addresses", "data:text/html,".repeat(70_000)],
  ["quoted data addresses", '"data:text/html,'.repeat(70_000)],
  ["section marks", "[shell]\n".repeat(120_000)],
  ["encoded scripts", "#@~^AAAAAA==".repeat(80_000)],
  ["armour", "-----BEGIN PGP MESSAGE-----\n".repeat(40_000)],
  ["BinHex", "must be converted with BinHex\r\n:a".repeat(30_000)],
  ["UTF-7", "+ADw-".repeat(200_000)],
  ["commands", `-enc${" -e ".repeat(200_000)}`],
])("explodeAnyText() is linear in %s", (_, text) => {
  const startedAt = performance.now();
  open(latin1(text));
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

test("explodeAnyText() does not call a text clean that has more strings than are looked at", () => {
  const strings = Array.from({ length: 20_100 }, (_, index) => `"abcd${index}"`);
  const script = `atob(x);\n${strings.join(" : somewhat later : ")}`;
  expect(open(latin1(script)).status).toBe("unscanned");
});
