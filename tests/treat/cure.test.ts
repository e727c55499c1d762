// Documents after their cure: nothing active is left, and they still open, as far as the tools for
// that are there (qpdf, pdftotext, unzip).
import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { deflateSync } from "node:zlib";
import { Glob } from "bun";
import { fileType } from "../../src/scan/file-type.ts";
import { cleanHtml } from "../../src/treat/cure/html.ts";
import { cleanOle2 } from "../../src/treat/cure/ole2.ts";
import { cleanOoxml } from "../../src/treat/cure/ooxml.ts";
import { cleanPdf } from "../../src/treat/cure/pdf.ts";
import type { TreatmentResult } from "../../src/treat/treat.ts";
import { CompoundFile } from "../../src/unpack/office/compound-file.ts";
import { budgetOf } from "../harness/extracts.ts";
import { seededRandom, zipArchive } from "../harness/sample-mail.ts";
import { buildCompound } from "../unpack/office/build-compound.ts";
import {
  autoOpenName,
  buildWorkbook,
  formulaCell,
  packageStream,
  stringToken,
  vbaStreams,
} from "../unpack/office/build-office.ts";
import { buildPdf, objectStream } from "../unpack/pdf/build-pdf.ts";
import { attachmentsOf, look, mailWith, treatedText, treatMail } from "./orders.ts";

const BAD = "AutoOpen-marker";
const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;

/** What a tool says of a file: its exit code, and -1 where it is not installed. */
function opens(tool: string, args: readonly string[], bytes: Uint8Array, name: string): number {
  const path = Bun.which(tool);
  if (path === null) return -1;
  const folder = mkdtempSync(join(tmpdir(), "gw-cure-"));
  try {
    writeFileSync(join(folder, name), bytes);
    const run = Bun.spawnSync(
      [path, ...args, join(folder, name), ...(tool === "pdftotext" ? ["-"] : [])],
      { stdout: "pipe", stderr: "pipe" },
    );
    return run.exitCode;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// Each action once: several objects of one document are cured by one cure.
function actionsOf(result: TreatmentResult): string[] {
  if (result.kind !== "treated") throw new Error(result.reason);
  return [...new Set(result.done.map(({ action }) => action))];
}

const office = "http://schemas.openxmlformats.org";
const relation = (id: string, type: string, target: string, mode = "") =>
  `<Relationship Id="${id}" Type="${office}/officeDocument/2006/relationships/${type}" Target="${target}"${mode}/>`;
const relations = (...list: string[]) =>
  `<?xml version="1.0"?><Relationships xmlns="${office}/package/2006/relationships">${list.join("")}</Relationships>`;
const vba = () =>
  buildCompound(vbaStreams([{ name: "ThisDocument", source: `Sub ${BAD}()\r\nEnd Sub` }], "VBA"));

function docm(): Buffer {
  const members: Record<string, string | Buffer> = {
    "[Content_Types].xml": `<Types xmlns="${office}/package/2006/content-types"><Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/><Override PartName="/word/document.xml" ContentType="x"/><Override PartName="/word/vbaData.xml" ContentType="y"/></Types>`,
    "_rels/.rels": relations(relation("rId1", "officeDocument", "word/document.xml")),
    "word/document.xml":
      '<w:document><w:body><w:p><w:r><w:t>Hello</w:t></w:r><w:object><v:shape/><o:OLEObject Type="Embed" r:id="rId5"/></w:object></w:p><w:instrText>DDEAUTO c:\\\\cmd.exe "/c calc"</w:instrText></w:body></w:document>',
    "word/_rels/document.xml.rels": relations(
      relation("rId4", "vbaProject", "vbaProject.bin"),
      relation("rId5", "oleObject", "embeddings/oleObject1.bin"),
      relation("rId6", "image", "media/image1.png"),
    ),
    "word/settings.xml":
      '<w:settings><w:attachedTemplate r:id="rId1"/><w:zoom w:percent="100"/></w:settings>',
    "word/_rels/settings.xml.rels": relations(
      relation("rId1", "attachedTemplate", "https://bad.example/t.dotm", ' TargetMode="External"'),
    ),
    "word/vbaProject.bin": vba(),
    "word/_rels/vbaProject.bin.rels": relations(relation("rId1", "wordVbaData", "vbaData.xml")),
    "word/vbaData.xml": "<x/>",
    "word/embeddings/oleObject1.bin": buildCompound({
      "\u0001Ole10Native": packageStream("a.js", Buffer.from(BAD)),
    }),
    "word/media/image1.png": Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
  };
  return zipArchive(
    Object.entries(members).map(([name, data]) => ({ name, data: Buffer.from(data) })),
  );
}

describe("Office documents of the zip kind", () => {
  const cured = cleanOoxml(docm(), budgetOf()) ?? Buffer.alloc(0);

  test("lose macros, objects, remote templates and DDE, with what refers to them", () => {
    const names = look(cured, "a.docm").objects.map((one) => one.name);
    expect(names).toContain("word/document.xml");
    expect(names).toContain("word/media/image1.png");
    expect(names.join()).not.toMatch(/vba|embeddings/i);
    expect(fileType(cured)).toBe("ooxml");
  });

  test("have no relation without a target, and none that is used without being there", () => {
    const text = new Map<string, string>();
    const seen = look(cured, "a.docm");
    expect(seen.status).toBe("clean");
    for (const { objects } of [seen]) for (const one of objects) text.set(one.name, one.path);
    expect(cleanOoxml(cured, budgetOf())).toBeUndefined();
    expect([-1, 0]).toContain(opens("unzip", ["-tqq"], cured, "a.zip"));
  });

  test("a workbook loses its macro sheet and keeps the others", () => {
    const members = {
      "[Content_Types].xml": "<Types/>",
      "_rels/.rels": relations(relation("rId1", "officeDocument", "xl/workbook.xml")),
      "xl/workbook.xml":
        '<workbook><bookViews><workbookView activeTab="1"/></bookViews><sheets><sheet name="A" sheetId="1" r:id="rId1"/><sheet name="M" sheetId="2" r:id="rId2"/></sheets><definedNames><definedName name="_xlnm.Auto_Open">M!$A$1</definedName></definedNames></workbook>',
      "xl/_rels/workbook.xml.rels": relations(
        relation("rId1", "worksheet", "worksheets/sheet1.xml"),
        relation("rId2", "xlMacrosheet", "macrosheets/sheet1.xml"),
      ),
      "xl/worksheets/sheet1.xml": "<worksheet/>",
      "xl/macrosheets/sheet1.xml": `<m>${BAD}</m>`,
    };
    const book = zipArchive(
      Object.entries(members).map(([name, data]) => ({ name, data: Buffer.from(data) })),
    );
    const result = treatMail(mailWith({ name: "b.xlsm", bytes: book }), "cure");
    expect(actionsOf(result)).toEqual(["cure"]);
  });

  test("a document is cured where it lies, in a mail", async () => {
    const result = treatMail(mailWith({ name: "a.docm", bytes: docm() }), "cure");
    const [first] = await attachmentsOf(treatedText(result));
    expect(first?.filename).toBe("a.docm");
    expect(Buffer.compare(first?.content ?? Buffer.alloc(0), cured)).toBe(0);
  });
});

describe("Office documents of the old kind", () => {
  const text = Buffer.alloc(5000, "text ");
  const doc = buildCompound({
    WordDocument: text,
    "1Table": Buffer.alloc(6000, 3),
    ...vbaStreams([{ name: "ThisDocument", source: `Sub ${BAD}()\r\nEnd Sub` }]),
    "ObjectPool/_1234567890/\u0001Ole10Native": packageStream("a.js", Buffer.from(BAD)),
  });

  test("lose macros and embedded objects; the other streams stay", () => {
    const cured = cleanOle2(doc) ?? Buffer.alloc(0);
    const file = CompoundFile.open(cured);
    expect(file?.problem).toBe("");
    expect(file?.streams.map((one) => one.path).sort()).toEqual(["1Table", "WordDocument"]);
    const stream = file?.find("WordDocument");
    expect(stream && Buffer.compare(file?.read(stream).bytes ?? text.subarray(1), text)).toBe(0);
    expect(cured.length).toBe(doc.length);
    expect(look(cured, "a.doc").status).toBe("clean");
  });

  test("a workbook's macro sheet keeps its cells' places and loses its formulas", () => {
    const sheet = { name: "M", records: [formulaCell(0, 0, stringToken(BAD))] };
    const book = buildCompound({ Workbook: buildWorkbook([sheet], [autoOpenName()]) });
    const result = treatMail(mailWith({ name: "b.xls", bytes: book }), "cure");
    expect(actionsOf(result)).toEqual(["cure"]);
    const cured = cleanOle2(book) ?? Buffer.alloc(0);
    const names = look(cured, "b.xls").objects.map((one) => one.name);
    expect(names.join()).not.toMatch(/macro|formula/i);
  });

  test("what is out of order is not edited", () => {
    expect(cleanOle2(doc.subarray(0, 900))).toBeUndefined();
    const circle = Buffer.from(doc);
    circle.fill(1, 512 + 4, 512 + 400);
    expect(() => cleanOle2(circle)).not.toThrow();
  });
});

const PAGES = [
  "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
  "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>",
  { data: "BT ET" },
] as const;

describe("PDF", () => {
  const plain = buildPdf([
    `<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /J#61vaScript /JS (app.alert\\(1\\) ${BAD}) >> /AA << /WC 5 0 R >> /Names << /EmbeddedFiles << /Names [(a.js) 7 0 R] >> /JavaScript 6 0 R >> >>`,
    ...PAGES,
    `<< /S /Launch /F (cmd.exe) /Win << /F (${BAD}) >> >>`,
    "<< /Names [(a) << /S /JavaScript /JS 8 0 R >>] >>",
    "<< /Type /Filespec /F (a.js) /EF << /F 9 0 R >> >>",
    { data: `// ${BAD}`, isFlate: true },
    { data: BAD, dict: "/Type /EmbeddedFile", isFlate: true },
    "<< /Title (Keep me \\) /JavaScript is only text) /A << /S /URI /URI (https://example.org) >> >>",
  ]);
  const packed = buildPdf([
    "<< /Type /Catalog /Pages 2 0 R /OpenAction 20 0 R >>",
    ...PAGES,
    objectStream({
      20: `<< /S /JavaScript /JS (${BAD} and more and more of it) >>`,
      21: "<< /Title (x) >>",
    }),
  ]);

  test.each([
    ["plain", plain],
    ["in an object stream", packed],
  ])("%s: nothing starts, all keeps its place", (_, pdf) => {
    const cured = Buffer.from(cleanPdf(pdf, budgetOf()) ?? []);
    expect(cured.length).toBe(pdf.length);
    expect(look(cured, "a.pdf").status).toBe("clean");
    const active = cured.toString("latin1").replace(/\(Keep me[\s\S]*?text\)/, "");
    expect(active).not.toMatch(
      /\/(?:J#61vaScript|JavaScript|JS|OpenAction|AA|Launch|EmbeddedFile)/,
    );
    expect(opens("pdftotext", [], cured, "a.pdf")).toBeLessThanOrEqual(0);
    // A file without a fault before has none after.
    if (opens("qpdf", ["--check"], pdf, "a.pdf") === 0) {
      expect(opens("qpdf", ["--check"], cured, "a.pdf")).toBe(0);
    }
  });

  test("strings and ordinary links stay", () => {
    const cured = Buffer.from(cleanPdf(plain, budgetOf()) ?? []).toString("latin1");
    expect(cured).toContain("/Title (Keep me \\) /JavaScript is only text)");
    expect(cured).toContain("/A << /S /URI /URI (https://example.org) >>");
  });

  test("what is encrypted, or packed in an odd way, is left alone", () => {
    expect(
      cleanPdf(buildPdf(["<< /OpenAction 1 0 R >>"], "/Encrypt 9 0 R"), budgetOf()),
    ).toBeUndefined();
    const odd = {
      dict: "/Type /ObjStm /N 1 /First 4 /DecodeParms << /Predictor 12 >> /Filter /FlateDecode",
      data: deflateSync("x"),
    };
    expect(cleanPdf(buildPdf(["<< /OpenAction 1 0 R >>", odd]), budgetOf())).toBeUndefined();
  });
});

test.each([
  ["a script", "<p>a<SCRIPT src=x>bad()</script >b</p>", "<p>ab</p>"],
  ["a script that never ends", "<p>a<script>bad", "<p>a"],
  [
    "event handlers",
    `<img src="a.png" onerror=bad() ALT='x > y' oNload="b()">`,
    `<img src="a.png" ALT='x > y'>`,
  ],
  [
    "script addresses",
    '<a href="java&#10;script:bad()">x</a><a href="https://ok.example/">y</a>',
    '<a>x</a><a href="https://ok.example/">y</a>',
  ],
  [
    "frames and plug-ins",
    "a<iframe srcdoc='<b>'>x</iframe><embed src=x><object data=x><param></object>b",
    "ab",
  ],
  [
    "forms that send elsewhere",
    '<form action="https://bad.example/"><form action="/here">',
    '<form><form action="/here">',
  ],
  [
    "a refresh",
    '<meta http-equiv="refresh" content="0;url=x"><meta charset="utf-8">',
    '<meta charset="utf-8">',
  ],
  ["conditional comments", "a<!--[if IE]><script>bad()</script><![endif]-->b", "ab"],
  [
    "files in addresses",
    '<a href="data:text/html,x">a</a><img src="data:image/png;base64,AA==">',
    '<a>a</a><img src="data:image/png;base64,AA==">',
  ],
  ["vector pictures' scripts", '<svg/onload=bad()><a xlink:href="javascript:x">', "<svg><a>"],
])("cleanHtml() takes out %s", (_, page, clean) => {
  expect(Buffer.from(cleanHtml(Buffer.from(page, "latin1")) ?? []).toString("latin1")).toBe(clean);
});

test("cleanHtml() leaves a page alone that has nothing active", () => {
  const page =
    '<html><body><p class="x">2 < 3 & "so" on</p><a href="mailto:a@b.c">m</a></body></html>';
  expect(cleanHtml(Buffer.from(page))).toBeUndefined();
});

test("documents of the corpus open after their cure, and nothing is left to cure", () => {
  const folder = join(GW_CORPUS, "containers");
  const counts: Record<string, { cured: number; untouched: number }> = {};
  const cleaners = { ooxml: cleanOoxml, ole2: cleanOle2, pdf: cleanPdf, html: cleanHtml };
  if (existsSync(folder)) {
    for (const name of new Glob("**/*").scanSync(folder)) {
      const bytes = readFileSync(join(folder, name));
      const type = fileType(bytes);
      if (!(type in cleaners) || bytes.length > 4 << 20) continue;
      const clean = cleaners[type as keyof typeof cleaners];
      const cured = clean(bytes, budgetOf());
      const count = counts[type] ?? { cured: 0, untouched: 0 };
      counts[type] = count;
      if (cured === undefined) {
        count.untouched++;
        continue;
      }
      count.cured++;
      expect([name, clean(cured, budgetOf())]).toEqual([name, undefined]);
      if (type === "ooxml") expect([-1, 0]).toContain(opens("unzip", ["-tqq"], cured, "a.zip"));
      if (type === "pdf" && opens("qpdf", ["--check"], bytes, "a.pdf") === 0) {
        expect([name, opens("qpdf", ["--check"], cured, "a.pdf")]).toEqual([name, 0]);
      }
      if (type === "ole2") {
        const problem = CompoundFile.open(cured)?.problem;
        expect(`${basename(name)}: ${problem}`).toBe(
          `${basename(name)}: ${CompoundFile.open(bytes)?.problem}`,
        );
      }
    }
  }
  console.log(JSON.stringify(counts));
}, 120_000);

test("no cleaner throws for damaged documents", () => {
  const random = seededRandom(11);
  const samples: [Buffer, (bytes: Uint8Array) => unknown][] = [
    [docm(), (bytes) => cleanOoxml(bytes, budgetOf())],
    [buildCompound(vbaStreams([{ name: "M", source: "Sub A()" }])), cleanOle2],
    [
      buildPdf([...PAGES, objectStream({ 9: "<< /JS (x) >>" })]),
      (bytes) => cleanPdf(bytes, budgetOf()),
    ],
    [Buffer.from("<a onclick=\"x\"><script>y</script><!-- z --><p title='q'>"), cleanHtml],
  ];
  for (const [sample, clean] of samples) {
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(sample);
      for (let n = 0; n < 6; n++)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      clean(round % 3 === 0 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes);
    }
  }
});
