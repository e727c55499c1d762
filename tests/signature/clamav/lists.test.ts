// Passwords and phishing lists: from ClamAV's files through a compiled set to the engine.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { openImage, SECTIONS } from "../../../src/gwdb/image.ts";
import { readLists } from "../../../src/gwdb/lists/lists.ts";
import { Engine } from "../../../src/scan/engine.ts";
import { loadSet } from "../../../src/scan/signature-set.ts";
import { compileSignatures } from "../../../src/signature/compile.ts";
import { loadSignatures } from "../../../src/signature/import/load.ts";
import { buildCore } from "../../../wasm/build.ts";

const HASH = createHash("sha256").update("evil.example.com/").digest("hex");

function load(name: string, text: string) {
  const loaded = loadSignatures([{ path: name, bytes: Buffer.from(text, "latin1") }]);
  const [report] = loaded.reports;
  if (report === undefined) throw new Error("there is no report");
  return { lists: loaded.lists, report };
}

test.each([
  ["a.pwdb", "A;Engine:81-255,Container:CL_TYPE_ZIP;0;a;b", { passwords: ["a;b"] }],
  ["a.pwdb", "A;Target:0;1;c3a4", { passwords: ["ä"] }],
  ["a.pdb", "H:PayPal.com", { posed: [{ kind: "hosts", real: "", display: "paypal.com" }] }],
  [
    "a.pdb",
    "R:.+\\.a\\.(de|com)([/?].*)?:17-",
    {
      posed: [{ kind: "both", expression: ".+\\.a\\.(de|com)([/?].*)?" }],
    },
  ],
  [
    "a.wdb",
    "M:www.a.de:www.b.de:17-255",
    {
      allowed: [{ kind: "hosts", real: "www.a.de", display: "www.b.de" }],
    },
  ],
  [
    "a.wdb",
    "X:.+a\\.de:.+b\\.de",
    { allowed: [{ kind: "both", expression: ".+a\\.de:.+b\\.de" }] },
  ],
  ["a.wdb", "Y:.+a\\.de", { allowed: [{ kind: "real", expression: ".+a\\.de" }] }],
  ["a.gdb", `S1:F:${HASH}`, { addresses: { [HASH]: "blocked" } }],
  [
    "a.gdb",
    `S:P:01020304\nS:F:${HASH}\nS:W:${HASH}\nS2:F:${HASH}`,
    {
      addresses: { [HASH]: "allowed" },
    },
  ],
])("%s: %s is loaded", (name, text, expected) => {
  const { lists, report } = load(name, text);
  expect(lists).toMatchObject(expected);
  expect(report).toMatchObject({ loaded: text.split("\n").length, malformed: 0, skipped: {} });
});

test.each([
  ["a.pwdb", "A;Engine:81-255;0", "3 fields"],
  ["a.pwdb", "A;Engine:81-255;2;x", "bad form"],
  ["a.pwdb", "A;Engine:81-255;1;xyz", "no hex"],
  ["a.pwdb", "A;Engine:81-255;0;", "bad password"],
  ["a.pdb", "paypal.com", "1 field"],
  ["a.pdb", "Q:paypal.com", "unknown kind Q"],
  ["a.pdb", "H:pay pal.com", "no host"],
  ["a.pdb", "R:(a", ""],
  ["a.wdb", "M:a.de", "1 fields"],
  ["a.gdb", "S3:F:00", "unknown list S3"],
  ["a.gdb", "S:Q:00", "unknown use"],
  ["a.gdb", "S:F:0011", "no hash"],
])("%s: %s is malformed", (name, text, message) => {
  const { report } = load(name, `${text}\n# a remark`);
  expect(report).toMatchObject({ loaded: 0, malformed: 1 });
  expect(report.diagnostics[0]).toMatchObject({ file: name, line: 1 });
  expect(report.diagnostics[0]?.message).toContain(message);
});

test("lines for other engines are skipped", () => {
  expect(load("a.pdb", "H:a.de:300-").report).toMatchObject({ loaded: 0, malformed: 0 });
  expect(load("a.wdb", "X:a:b:10-20").report).toMatchObject({ loaded: 0, malformed: 0 });
  expect(load("a.pwdb", "A;Engine:10-20;0;x").report).toMatchObject({ loaded: 0, malformed: 0 });
});

async function engineOf(files: Readonly<Record<string, string>>, isPhishingChecked?: boolean) {
  const named = Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) }));
  const { signatures, lists } = loadSignatures(named);
  const core = await buildCore();
  const { image } = await compileSignatures({ signatures, diagnostics: [] }, core, { lists });
  const set = loadSet(image, { arenas: 1, arenaSize: 65_536, core });
  const options = isPhishingChecked === undefined ? {} : { isPhishingChecked };
  return { image, engine: await Engine.attach(set, 0, options) };
}

const FILES = { "a.pwdb": "A;Engine:81-255;0;secret", "a.pdb": "H:paypal.com" };
const PAGE = {
  bytes: Buffer.from('<a href="http://evil.example.com">www.paypal.com</a>'),
  ...{ name: "", type: "html", containerType: "mail", depth: 1 },
};

test("a set without signatures carries its lists to the engine", async () => {
  const { image, engine } = await engineOf(FILES);
  const opened = openImage(image);
  expect(readLists(opened.section(SECTIONS.lists).bytes).passwords).toEqual(["secret"]);
  expect(engine.passwords).toEqual(["secret"]);
  expect(engine.scan(PAGE).findings).toMatchObject([
    { signature: "Heuristics.Phishing.Email.SpoofedDomain", severity: "suspicious", offset: -1 },
  ]);
  expect(engine.scan({ ...PAGE, containerType: "zip" }).findings).toEqual([]);
});

test("links are not looked at where that is turned off", async () => {
  const { engine } = await engineOf(FILES, false);
  expect(engine.scan(PAGE).findings).toEqual([]);
});

test.each([
  "",
  "{",
  "[]",
  '{"passwords":[1],"posed":[],"allowed":[],"addresses":{}}',
  '{"passwords":[],"posed":[{"kind":"hosts"}],"allowed":[],"addresses":{}}',
  '{"passwords":[],"posed":[],"allowed":[],"addresses":{"a":"b"}}',
])("lists that are none are refused: %s", (text) => {
  const bytes = Buffer.from(text);
  if (text === "") expect(readLists(bytes).passwords).toEqual([]);
  else expect(() => readLists(bytes)).toThrow("damaged");
});
