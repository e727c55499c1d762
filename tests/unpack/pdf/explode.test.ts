import { expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import type { Extract } from "../../../src/message.ts";
import { explodePdf } from "../../../src/unpack/pdf/explode.ts";
import { budgetOf, drain, EICAR, textOf } from "../../harness/extracts.ts";
import { buildPdf, objectOf, objectStream, type Part } from "./build-pdf.ts";

const CATALOG = "<< /Type /Catalog >>";
const explode = (bytes: Uint8Array) => drain(explodePdf(bytes, budgetOf()));
const open = (...parts: readonly Part[]) => explode(buildPdf([CATALOG, ...parts]));
const named = (extracts: readonly Extract[], name: string) =>
  extracts.filter((one) => one.name === name).map(({ bytes }) => textOf(bytes));
const linesOf = (extracts: readonly Extract[]) =>
  (named(extracts, "actions")[0] ?? "PDF actions\n").split("\n").slice(1, -1);
const all = (extracts: readonly Extract[]) => extracts.map(({ bytes }) => textOf(bytes)).join("");

test("explodePdf() of an ordinary document is clean and gives its pages together", () => {
  const found = explode(
    buildPdf([
      "<< /Type /Catalog /Pages 2 0 R /OpenAction [3 0 R /Fit] >>",
      "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      "<< /Type /Page /Parent 2 0 R /Contents [4 0 R 5 0 R] >>",
      { data: "BT (one) Tj ET", isFlate: true },
      { data: "BT (two) Tj ET", isFlate: true },
    ]),
  );
  expect(found).toMatchObject({ status: "clean", note: "" });
  expect(found.extracts.map(({ name }) => name)).toEqual(["streams"]);
  expect(textOf(found.extracts[0]?.bytes ?? Buffer.alloc(0))).toBe(
    "BT (one) Tj ET\nBT (two) Tj ET",
  );
});

test.each<[string, Part[]]>([
  ["a literal string", ["<< /S /JavaScript /JS (app.alert\\(1\\)) >>"]],
  ["octal escapes", ["<< /S /JavaScript /JS (\\141pp\\.al\\145rt\\0501\\51) >>"]],
  ["a hex string", ["<< /S /JavaScript /JS <6170702E616C657274283129> >>"]],
  [
    "UTF-16",
    ["<< /S /JavaScript /JS <FEFF006100700070002E0061006C00650072007400280031> >>"].map((s) =>
      s.replace("0031>", "00310029>"),
    ),
  ],
  ["an escaped name", ["<< /#53 /J#61vaScript /#4a#53 (app.alert\\(1\\)) >>"]],
  ["an indirect string", ["<< /JS 3 0 R >>", "(app.alert\\(1\\))"]],
  ["a stream", ["<< /JS 3 0 R >>", { data: "app.alert(1)", isFlate: true }]],
  ["a reference to a reference", ["<< /JS 3 0 R >>", "4 0 R", { data: "app.alert(1)" }]],
  ["an object stream", [objectStream({ 8: "[1]", 9: "<< /JS (app.alert\\(1\\)) >>" })]],
  ["a repeated key", ["<< /JS (app.alert\\(1\\)) /JS (x) >>"]],
  ["a repeated key, second", ["<< /JS (x) /JS (app.alert\\(1\\)) >>"]],
  ["a nested value", ["[ << /Names [ (n) << /JS (app.alert\\(1\\)) >> ] >> ]"]],
])("explodePdf() finds a script in %s", (_, parts) => {
  const { status, extracts } = open(...parts);
  const scripts = extracts.filter(({ declaredType }) => declaredType === "text/javascript");
  expect(status).toBe("clean");
  expect(scripts.map(({ bytes }) => textOf(bytes))).toContain("app.alert(1)");
  expect(scripts[0]?.name).toBe("javascript 1");
});

test("explodePdf() gives each script once, and many together", () => {
  const twice = open("<< /JS (one) >>", "<< /JS (one) >>", "<< /JS (two) >>");
  expect(named(twice.extracts, "javascript 2")).toEqual(["two"]);
  const many = open(...Array.from({ length: 300 }, (_, n) => `<< /JS (script${n};) >>`));
  expect(many.extracts.length).toBe(101);
  expect(named(many.extracts, "javascript")[0]).toContain("script250;");
});

test("explodePdf() gives attached files under their names and types", () => {
  const { status, extracts } = open(
    "<< /Type /Filespec /F (a.txt) /UF <FEFF03C0002E00740078007400> /EF << /F 4 0 R >> >>",
    "<< /F (set.exe) /EF << /F 5 0 R >> /RF << /F [ (more.dll) 6 0 R ] >> >>",
    { dict: "/Type /EmbeddedFile /Subtype /text#2Fplain", data: "hello", isFlate: true },
    { data: "MZ" },
    { data: "related" },
    { dict: "/Type /EmbeddedFile", data: "nobody names me" },
  );
  expect(status).toBe("clean");
  const files = extracts.map(({ name, declaredType, bytes }) => [
    name,
    declaredType,
    textOf(bytes),
  ]);
  expect(files.slice(0, 4)).toEqual([
    ["π.txt | a.txt", "text/plain", "hello"],
    ["set.exe", "", "MZ"],
    ["more.dll", "", "related"],
    ["embedded file 4", "", "nobody names me"],
  ]);
  expect(linesOf(extracts)).toContain("EmbeddedFile set.exe");
});

test.each<[string, string[]]>([
  ["<< /S /Launch /F (a.exe) >>", ["Launch a.exe"]],
  ["<< /S /Launch /Win << /F (cmd.exe) /P (/c\\ncalc) >> >>", ["Launch cmd.exe /c calc"]],
  ["<< /S /#4caunch /F << /F (a) /UF (b) >> >>", ["Launch b | a"]],
  ["<< /S /URI /URI (http://x.example/) >>", ["URI http://x.example/"]],
  ["<< /S /GoToR /F (\\\\\\\\srv\\\\a.pdf) >>", ["GoToR \\\\srv\\a.pdf"]],
  ["<< /S /GoToE /F (\\\\\\\\srv\\\\a.pdf) /T << /N (x) >> >>", ["GoToE \\\\srv\\a.pdf"]],
  [
    "<< /S /SubmitForm /F << /FS /URL /F (http://x.example/) >> >>",
    ["SubmitForm http://x.example/"],
  ],
  ["<< /S /ImportData /F (a.fdf) >>", ["ImportData a.fdf"]],
  [
    "<< /OpenAction << /S /JavaScript /JS (x) /Next << /S /Launch /F (y) >> >> >>",
    ["Launch y", "OpenAction JavaScript"],
  ],
  ["<< /OpenAction 3 0 R >>", ["OpenAction Launch", "Launch z"]],
  ["<< /OpenAction << /S /GoTo >> >>", []],
  ["<< /AA << /O 3 0 R /C << /S /JavaScript >> >> >>", ["AA C JavaScript", "AA O Launch"]],
  ["<< /Subtype /RichMedia >>", ["RichMedia"]],
  ["<< /XFA [] >>", ["XFA"]],
  ["<< /S /URI /URI () >>", []],
])("explodePdf() tells the action %s", (text, lines) => {
  const found = open(text, "<< /S /Launch /F (z) >>");
  const own = linesOf(found.extracts).filter((line) => line !== "Launch z");
  expect(own.toSorted()).toEqual(lines.filter((line) => line !== "Launch z").toSorted());
});

test("explodePdf() tells of data that lies elsewhere and of scripts stored as pictures", () => {
  const { status, extracts } = open(
    { dict: "/F (\\\\\\\\srv\\\\x)", data: "" },
    "<< /JS 4 0 R >>",
    { dict: "/Filter /DCTDecode", data: "app.alert(1)" },
  );
  expect(status).toBe("unscanned");
  expect(linesOf(extracts)).toEqual([
    "ExternalStream \\\\srv\\x",
    "HiddenByPictureFilter DCTDecode",
  ]);
});

test("explodePdf() takes a stream for all that it is used as", () => {
  const { extracts } = open("<< /JS 4 0 R >>", "<< /F (a.txt) /EF << /F 4 0 R >> >>", {
    data: "app.alert(1)",
    isFlate: true,
  });
  const names = extracts.map(({ name }) => name);
  expect(names.slice(0, 2)).toEqual(["javascript 1", "a.txt"]);
});

test("explodePdf() joins the pieces of a form", () => {
  const { extracts } = open(
    "<< /XFA [ (template) 3 0 R (datasets) 4 0 R ] >>",
    { data: "<template>", isFlate: true },
    { data: "</template>", isFlate: true },
  );
  expect(named(extracts, "XFA form")).toEqual(["<template>\n</template>"]);
});

test.each<[string, Part]>([
  ["hex", { dict: "/Filter /ASCIIHexDecode", data: Buffer.from(EICAR).toString("hex") }],
  [
    "two filters and short names",
    { dict: "/Filter [/AHx /Fl]", data: deflateSync(EICAR).toString("hex") },
  ],
  ["escaped filter names", { dict: "/Filter /#46lateDecode", data: deflateSync(EICAR) }],
  ["an indirect filter", { dict: "/Filter 3 0 R", data: deflateSync(EICAR) }],
  ["a wrong length", { data: EICAR, isFlate: true, length: "3" }],
  ["a length that is far too large", { data: EICAR, isFlate: true, length: "999999" }],
  ["an indirect length", { data: EICAR, isFlate: true, length: "4 0 R" }],
  ["a length that leads nowhere", { data: EICAR, isFlate: true, length: "99 0 R" }],
  [
    "a predictor",
    {
      dict: `/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns ${EICAR.length} >>`,
      data: deflateSync(Buffer.concat([Buffer.from([0]), Buffer.from(EICAR)])),
    },
  ],
  ["no zlib header", { dict: "/Filter /FlateDecode", data: deflateSync(EICAR).subarray(2) }],
])("explodePdf() decodes a stream with %s", (_, part) => {
  const { status, extracts } = open(part, "/FlateDecode", "83");
  expect(status).toBe("clean");
  expect(all(extracts)).toContain(EICAR);
});

test("explodePdf() finds objects wherever they are", () => {
  const hidden = objectOf(7, { data: EICAR, isFlate: true });
  const plain = buildPdf([CATALOG]);
  const inside = buildPdf([CATALOG, { data: Buffer.concat([hidden, hidden]) }]);
  // A comment within the header: only the cross-reference leads there.
  const comment = Buffer.from(hidden.toString("latin1").replace("7 0 obj", "7 0 %\nobj"), "latin1");
  const at = plain.length + 40;
  const table = `\nxref\n7 1\n${String(at).padStart(10, "0")} 00000 n \ntrailer <<>>`;
  const spoilt = Buffer.from(hidden.toString("latin1").replace("7 0 obj", "x 0 obj"), "latin1");
  for (const bytes of [
    Buffer.concat([plain, hidden]),
    Buffer.concat([plain, spoilt]),
    Buffer.concat([Buffer.from("junk\n"), hidden, plain]),
    Buffer.concat([
      plain,
      Buffer.from(hidden.toString("latin1").replace("7 0 obj", "07\t00\r\nobj"), "latin1"),
    ]),
    inside,
    Buffer.concat([plain, Buffer.alloc(40, " "), comment, Buffer.from(table)]),
  ]) {
    expect(all(explode(bytes).extracts)).toContain(EICAR);
  }
});

test("explodePdf() follows cross-reference streams", () => {
  const stray = objectOf(7, { data: EICAR, isFlate: true }).toString("latin1");
  const plain = buildPdf([CATALOG]);
  const entry = Buffer.from([1, 0, 0, 0]);
  entry.writeUInt16BE(plain.length, 1);
  const dict =
    "/Type /XRef /W [1 2 1] /Size 8 /Root 1 0 R /DecodeParms << /Predictor 12 /Columns 4 >>";
  const rows = Buffer.concat([Buffer.from([2]), entry]);
  const bytes = Buffer.concat([
    plain,
    Buffer.from(stray.replace("7 0 obj", "7 %\n0 % \nobj"), "latin1"),
    objectOf(8, { dict, data: rows, isFlate: true }),
  ]);
  expect(all(explode(bytes).extracts)).toContain(EICAR);
});

test("explodePdf() leaves an attached document to itself", () => {
  const inner = buildPdf([CATALOG, "<< /JS (inner) >>"]);
  const { status, extracts } = open({ dict: "/Type /EmbeddedFile", data: inner });
  expect(status).toBe("clean");
  expect(extracts.map(({ name }) => name)).toEqual(["embedded file 1"]);
  const portfolio = Array.from({ length: 100 }, () => ({
    dict: "/Type /EmbeddedFile",
    data: inner,
  }));
  expect(open("<< /JS 2 0 R >>", ...portfolio)).toMatchObject({ status: "clean" });
});

test("explodePdf() sets files in streams apart from what pages are made of", () => {
  const page = "q 1 0 0 1 0 0 cm Q";
  const { extracts } = open(
    { data: page, isFlate: true },
    { data: "MZ\x90\0", isFlate: true },
    { data: "<script>alert(1)</script>", isFlate: true },
    { data: '<?xpacket begin="" ?>', isFlate: true },
    { data: "\0\x01\0\0 a font", isFlate: true },
  );
  expect(extracts.map(({ name }) => name)).toEqual([
    "stream 3",
    "stream 4",
    "streams",
    "streams 2",
  ]);
});

test("explodePdf() leaves out pixels and pictures that the file shows as they are", () => {
  const image = (rest: string) => `/Subtype /Image /Width 1024 /Height 1024 ${rest}`;
  const jpeg = Buffer.concat([Buffer.from([255, 216, 255]), Buffer.alloc(9000)]);
  const pixels = Buffer.alloc(1024 * 1024 * 3);
  const rgb = image("/BitsPerComponent 8");
  const quiet = open(
    { dict: image("/Filter /DCTDecode"), data: jpeg },
    { dict: rgb, data: pixels, isFlate: true },
  );
  expect(quiet).toMatchObject({ status: "clean", extracts: [] });
  const loud = open(
    { dict: image("/Filter /DCTDecode"), data: Buffer.alloc(9000, "no picture ") },
    { dict: rgb, data: Buffer.concat([pixels, Buffer.from("more")]), isFlate: true },
  );
  expect(loud.extracts.map(({ bytes }) => bytes.length)).toEqual([pixels.length + 4, 9000]);
});

test("explodePdf() gives what stands before and behind the document", () => {
  const plain = buildPdf([CATALOG]);
  const bytes = Buffer.concat([Buffer.from("before "), plain, Buffer.from("MZ behind")]);
  const { status, extracts } = explode(bytes);
  expect(status).toBe("clean");
  expect(extracts.map(({ name, bytes: content }) => [name, textOf(content)])).toEqual([
    ["data before the document", "before "],
    ["data behind the document", "\nMZ behind"],
  ]);
});

test.each<[string, Buffer, string]>([
  ["nothing but a header", Buffer.from("%PDF-1.7\n"), "damaged"],
  ["no end", buildPdf([CATALOG]).subarray(0, 60), "damaged"],
  [
    "an object cut short",
    Buffer.concat([buildPdf([CATALOG]), Buffer.from("2 0 obj << /A (")]),
    "damaged",
  ],
  [
    "a stream without end",
    Buffer.concat([buildPdf([CATALOG]), Buffer.from("2 0 obj <<>> stream\nabc")]),
    "damaged",
  ],
  ["an unknown filter", buildPdf([CATALOG, { dict: "/Filter /Foo", data: "x" }]), "unscanned"],
  [
    "too many filters",
    buildPdf([CATALOG, { dict: `/Filter [${"/AHx ".repeat(40)}]`, data: "" }]),
    "unscanned",
  ],
  [
    "two opinions on filters",
    buildPdf([CATALOG, { dict: "/Filter /AHx /Filter /RL", data: "\x80" }]),
    "damaged",
  ],
])("explodePdf() does not call %s clean", (_, bytes, status) => {
  expect(explode(bytes).status).toBe(status as "damaged");
});

test("explodePdf() gives what a damaged stream holds", () => {
  const content = Array.from({ length: 9000 }, (_, i) => `${i * i} `).join("");
  const whole = deflateSync(content);
  for (const data of [
    whole.subarray(0, whole.length / 2),
    Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.alloc(200, 255)]),
  ]) {
    const { status, extracts } = open({ dict: "/Filter /FlateDecode", data });
    expect(status).toBe("damaged");
    expect(all(extracts)).toStartWith(content.slice(0, 1000));
  }
});

test("explodePdf() is bounded in size, number and work", () => {
  const bomb = deflateSync(deflateSync(Buffer.alloc(64 << 20)));
  const part = { dict: "/Filter [/FlateDecode /FlateDecode]", data: bomb };
  const budget = () => budgetOf({ objectSizeMax: 1 << 20, expandedSizeMax: 8 << 20 });
  const big = drain(explodePdf(buildPdf([CATALOG, part, part]), budget()));
  expect(big).toMatchObject({ status: "unscanned", extracts: [] });
  const files = Array.from({ length: 50 }, () => ({ data: "MZ" }));
  const many = drain(explodePdf(buildPdf([CATALOG, ...files]), budgetOf({ objectCountMax: 20 })));
  expect([many.status, many.extracts.length]).toEqual(["unscanned", 20]);
  for (const trap of [
    "1 0 obj(",
    "1 0 obj<</Length 9>>stream\n",
    "1 0 obj[",
    "trailer<<",
    "xref 0 ",
  ]) {
    const startedAt = performance.now();
    explode(Buffer.from(`%PDF-1.7\n${trap.repeat(100_000)}`));
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  }
});

test("explodePdf() still gives streams when there are too many actions", () => {
  const links = Array.from({ length: 6000 }, (_, n) => `<< /URI (http://x.example/${n}) >>`);
  const { status, extracts } = open(...links, { data: EICAR, isFlate: true, length: "2" });
  expect(status).toBe("unscanned");
  expect(all(extracts)).toContain(EICAR);
});

test("explodePdf() ends references that go round", () => {
  const { status } = open("3 0 R", "2 0 R", "<< /JS 2 0 R /AA 4 0 R /XFA 4 0 R /EF 4 0 R >>", {
    data: "x",
    length: "5 0 R",
  });
  expect(status).toBe("clean");
});
