// Broken mail attachments and scriptable documents from a fixed seed: taking them apart must neither
// throw, hang nor swell.
import { expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { decompressRtf } from "../../src/codec/lzfu.ts";
import { unpackerFor } from "../../src/unpack/registry.ts";
import { budgetOf, drain } from "../harness/extracts.ts";
import { attachment, attribute, mapi, storedRtf, tnef } from "../unpack/mail/build-tnef.ts";
import { drive, environment, file, localInfo, shellLink } from "../unpack/script/build-link.ts";
import { embedded, packaged } from "../unpack/script/build-rtf.ts";
import { mutated, random } from "./mutate.ts";

const SEED = 20_261_124;
const ROUNDS = 6000;
const LIMITS = { objectSizeMax: 1 << 20, expandedSizeMax: 4 << 20, objectCountMax: 500 };
const DICTIONARY = [
  ...["\xff\xff\xff\xff", "\0\0\0\0", "\x80\0", "\x30\x80", "\x24\x80", "\x04\x84\xff\xff\xff\xff"],
  ...["{\\*\\objdata ", "\\bin99999 ", "\\'", "}", "{", "\\objupdate", "0105000002000000"],
  ...['"', "'", '" + "', "atob(", "%41%42%43%44", "&#106;", "srcdoc='", "#@~^AAAAAA==", "==^#~@"],
  ...[
    "\r\n ",
    ";ENCODING=BASE64:",
    "(This file must be converted with BinHex",
    "\r\n:",
    "\x90\xff",
  ],
  ...["-----BEGIN PGP MESSAGE-----\n\n", "\xd2\xff", "\x78\x9c", "\ufeff", "a\0b\0"],
];

const SIGNED = Buffer.from(
  "3080" +
    "06092a864886f70d010702" +
    "a0803080" +
    "020101" +
    "3100" +
    "3080" +
    "06092a864886f70d010701" +
    "a0802480" +
    "040d436f6e74656e742d547970653a" +
    "040178" +
    "0000".repeat(6),
  "hex",
);

function samples(): (readonly [type: string, bytes: Buffer])[] {
  const text = "some content ".repeat(30);
  const base64 = Buffer.from(text).toString("base64");
  const properties = mapi(
    { id: 0x3707, type: 0x1f, value: "a.exe" },
    { id: 0x3701, type: 0x102, value: Buffer.from(text) },
    { id: 0x1009, type: 0x102, value: storedRtf("{\\rtf1 x}") },
    { id: 0x8001, type: 3, value: 1, named: "x-name" },
  );
  const object = embedded({ className: "Package", data: packaged("a.js", text) }).toString("hex");
  const note = Buffer.concat([
    Buffer.from("e4525c7b8cd8a74daeb15378d02996d3", "hex"),
    Buffer.from("\x10\0\0\0a\0.\0e\0x\0e\0\0\0\0\0\0\0", "latin1"),
    Buffer.from("e716e3bd65261145a4c48d4d0b7a9eac0800000000000000", "hex"),
    Buffer.alloc(12),
    Buffer.from("contents"),
    Buffer.from("22a7fb71790f0b4abb13899256426b24", "hex"),
  ]);
  const link = { items: [drive("C"), file("A~1.EXE", "a long.exe")], info: localInfo("C:\\a") };
  const page =
    `<iframe srcdoc="&lt;b&gt;"><a href="java&#115;cript:%41"><script>eval(atob("${base64}"));` +
    `unescape("${"%41".repeat(30)}");String.fromCharCode(${Array(40).fill("65").join(",")})</script>`;
  return [
    ["tnef", tnef(attachment("a", text), attribute(2, 0x0006_9005, properties))],
    ["tnef", tnef(attribute(1, 0x0006_9003, properties))],
    ["smime", SIGNED],
    [
      "pem",
      Buffer.from(`-----BEGIN PKCS7-----\n${SIGNED.toString("base64")}\n-----END PKCS7-----`),
    ],
    [
      "pgp",
      Buffer.concat([
        Buffer.from([0xa3, 2]),
        deflateSync(Buffer.from("\xcb\x0cb\x01a\0\0\0\0text!", "latin1")),
      ]),
    ],
    [
      "pgp",
      Buffer.from(`-----BEGIN PGP MESSAGE-----\n\n${base64}\n=abcd\n-----END PGP MESSAGE-----`),
    ],
    [
      "applefile",
      Buffer.from(`000516000002${"00".repeat(18)}000100000001000000260000000461626364`, "hex"),
    ],
    [
      "ics",
      Buffer.from(
        `BEGIN:VCALENDAR\r\nATTACH;ENCODING=BASE64:${base64.slice(0, 40)}\r\n ${base64}\r\n`,
      ),
    ],
    ["rtf", Buffer.from(`{\\rtf1{\\object\\objupdate{\\*\\objclass x}{\\*\\objdata ${object}}}}`)],
    ["one", note],
    ["lnk", shellLink({ ...link, args: "/c calc", icon: "x", blocks: [environment("%x%")] })],
    ["swf", Buffer.concat([Buffer.from("CWS\x0a\x40\0\0\0"), deflateSync(Buffer.from(text))])],
    ["swf", Buffer.from("4657530a4000000008000018010000c6150900000001000000000061620000", "hex")],
    ["html", Buffer.from(page)],
    ["html", Buffer.from(page, "utf16le")],
    ["encoded-script", Buffer.from("#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@")],
    ["url", Buffer.from("[InternetShortcut]\r\nURL=file://x/a.%65xe\r\n")],
    [
      "binhex",
      Buffer.from('(This file must be converted with BinHex 4.0)\r\n:"@*KA8PdFf9ZG(0[FQ&"!!!!:'),
    ],
  ];
}

test("unpackers of oddities survive broken input", () => {
  const next = random(SEED);
  const all = samples();
  let slowest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [type, sample] = all[next(all.length)] as (typeof all)[number];
    const bytes = mutated(sample, DICTIONARY, next);
    const unpack = unpackerFor(type);
    if (unpack === undefined) throw new Error(`no unpacker for ${type}`);
    const startedAt = performance.now();
    const { extracts } = drain(unpack(bytes, budgetOf(LIMITS)));
    slowest = Math.max(slowest, performance.now() - startedAt);
    const size = extracts.reduce((sum, extract) => sum + extract.bytes.length, 0);
    expect(size).toBeLessThanOrEqual(LIMITS.expandedSizeMax);
  }
  expect(slowest).toBeLessThan(1000);
}, 120_000);

test("decompressRtf() survives broken input", () => {
  const next = random(SEED + 1);
  const sample = Buffer.from(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
    "hex",
  );
  for (let round = 0; round < 5000; round++) {
    const { bytes } = decompressRtf(mutated(sample, DICTIONARY, next), 10_000);
    expect(bytes.length).toBeLessThanOrEqual(10_000);
  }
});
