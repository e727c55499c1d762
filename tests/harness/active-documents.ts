// Documents with something active in them, for tests of cures: each is made of a harmless base with
// a macro, a script, an object or a link put in. The signatures name what must be gone afterwards.
import { deflateSync, gzipSync } from "node:zlib";
import { Budget } from "../../src/base/budget.ts";
import { openZip } from "../../src/treat/archive/zip.ts";
import { CompoundFile } from "../../src/unpack/office/compound-file.ts";
import { buildTar } from "../unpack/archive/build-tar.ts";
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
import { LIMITS } from "./extracts.ts";
import { zipArchive } from "./sample-mail.ts";

/** A file as it would be attached. */
export interface ActiveDocument {
  readonly name: string;
  readonly bytes: Buffer;
  /** It can't be cured, by design: it must be kept back. */
  readonly isHopeless?: true;
}

/** Harmless documents by extension, as an office program writes them. */
export type Bases = Readonly<Record<string, Buffer>>;

const MACRO = "Sub AutoOpen()\r\n  x = 1\r\nEnd Sub";

/** Signatures that find active content by what names it in each format. */
export const ACTIVE_SIGNATURES = `
signature Test.Active.Package
  severity     infected
  description  "Active content in an office document, new kind."
  target       ooxml
  text $a   "vbaProject.bin" nocase
  text $b   "/embeddings/oleObject" nocase
  text $c   "/macrosheets/" nocase
  text $d   "/activeX/" nocase
  condition    any of them
end

signature Test.Active.Storage
  severity     infected
  description  "Active content in an office document, old kind."
  target       ole2
  text $a   "_VBA_PROJECT_CUR" wide
  text $b   "\\x06\\x00d\\x00i\\x00r\\x00\\x00\\x00"
  text $c   "V\\x00B\\x00A\\x00\\x00\\x00\\x00\\x00"
  text $d   "Ole10Native" wide
  condition    any of them
end

signature Test.Active.Pdf
  severity     infected
  description  "Active content in a PDF."
  text $a   "/JavaScript"
  text $b   "/OpenAction"
  text $c   "/Launch"
  text $d   "/EmbeddedFile"
  text $e   "/SubmitForm"
  condition    any of them and (type is pdf or container is pdf)
end

signature Test.Active.Page
  severity     infected
  description  "Active content in a page."
  text $a   "<script" nocase
  text $b   "onload=" nocase
  text $c   "javascript:" nocase
  condition    any of them and (type is html or type is svg)
end

signature Test.Active.Link
  severity     infected
  description  "A template from outside, a DDE field."
  text $a   "attachedTemplate"
  text $b   "DDEAUTO"
  condition    any of them and container is ooxml
end

signature Test.Active.MacroSheet
  severity     infected
  description  "A sheet's formula that an old macro consists of."
  text $a   "gw-cure-test-formula"
  condition    any of them
end
`;

const office = "http://schemas.openxmlformats.org";
const relationOf = (type: string, target: string, mode = "") =>
  `<Relationship Id="rIdGw" Type="${office}/officeDocument/2006/relationships/${type}" Target="${target}"${mode}/>`;

function membersOf(bytes: Buffer): Map<string, Buffer> {
  const archive = openZip(bytes, new Budget(LIMITS, () => 0));
  const members = new Map<string, Buffer>();
  for (const member of archive?.members ?? []) {
    const content = archive?.content(member);
    if (content !== undefined) members.set(member.name, Buffer.from(content));
  }
  return members;
}

interface Addition {
  readonly main: string;
  readonly relation: string;
  readonly files?: Readonly<Record<string, Buffer>>;
  /** Changes the main part. */
  readonly edit?: (text: string) => string;
}

// The package with a relation of its main part, and the files it needs.
function withAddition(base: Buffer, { main, relation, files = {}, edit }: Addition): Buffer {
  const members = membersOf(base);
  const relations = main.replace(/([^/]*)$/, "_rels/$1.rels");
  const known = members.get(relations)?.toString() ?? "<Relationships></Relationships>";
  const empty = `<Relationships xmlns="${office}/package/2006/relationships">`;
  const opened = known.includes("</Relationships>") ? known : `${empty}</Relationships>`;
  members.set(
    relations,
    Buffer.from(opened.replace("</Relationships>", `${relation}</Relationships>`)),
  );
  const types = members.get("[Content_Types].xml")?.toString() ?? "";
  const bin = '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>';
  const isKnown = /Extension="bin"/i.test(types);
  const added = isKnown ? types : types.replace(/(<Types\b[^>]*>)/, `$1${bin}`);
  members.set("[Content_Types].xml", Buffer.from(added));
  for (const [name, data] of Object.entries(files)) members.set(name, data);
  const text = members.get(main)?.toString();
  if (edit !== undefined && text !== undefined) members.set(main, Buffer.from(edit(text)));
  return zipArchive([...members].map(([name, data]) => ({ name, data })));
}

const project = () => buildCompound(vbaStreams([{ name: "ThisDocument", source: MACRO }], "VBA"));

const MAINS: Readonly<Record<string, string>> = {
  docx: "word/document.xml",
  xlsx: "xl/workbook.xml",
  pptx: "ppt/presentation.xml",
};

function packages(bases: Bases): ActiveDocument[] {
  return Object.entries(MAINS).flatMap(([extension, main]) => {
    const base = bases[extension];
    if (base === undefined) return [];
    const folder = main.slice(0, main.indexOf("/"));
    const object = buildCompound({
      "\u0001Ole10Native": packageStream("a.js", Buffer.from("harmless, and a script by name")),
    });
    const made = [
      {
        name: `macro.${extension.replace("x", "m")}`,
        bytes: withAddition(base, {
          ...{ main, relation: relationOf("vbaProject", "vbaProject.bin") },
          files: { [`${folder}/vbaProject.bin`]: project() },
        }),
      },
      {
        name: `object.${extension}`,
        bytes: withAddition(base, {
          ...{ main, relation: relationOf("oleObject", "embeddings/oleObject1.bin") },
          files: { [`${folder}/embeddings/oleObject1.bin`]: object },
        }),
      },
    ];
    return extension === "docx" ? [...made, ...linked(base, main)] : made;
  });
}

function linked(base: Buffer, main: string): ActiveDocument[] {
  const target = "https://templates.example/t.dotm";
  const template = withAddition(base, {
    main: "word/settings.xml",
    relation: relationOf("attachedTemplate", target, ' TargetMode="External"'),
  });
  const field = '<w:p><w:r><w:instrText>DDEAUTO c:\\\\a.exe "b"</w:instrText></w:r></w:p>';
  const dde = withAddition(base, {
    ...{ main, relation: "" },
    edit: (text) => text.replace(/(<w:body>)/, `$1${field}`),
  });
  return [
    { name: "template.docx", bytes: template },
    { name: "field.docx", bytes: dde },
  ];
}

function storages(bases: Bases): ActiveDocument[] {
  const streamsOf = (bytes: Buffer) => {
    const file = CompoundFile.open(bytes);
    const all = (file?.streams ?? []).map((one) => [one.path, file?.read(one).bytes] as const);
    return Object.fromEntries(all.map(([path, data]) => [path, Buffer.from(data ?? [])]));
  };
  return ["doc", "xls", "ppt"].flatMap((extension) => {
    const base = bases[extension];
    if (base === undefined) return [];
    const streams = streamsOf(base);
    const storage = extension === "xls" ? "_VBA_PROJECT_CUR" : "Macros";
    const macros = vbaStreams([{ name: "ThisDocument", source: MACRO }], storage);
    const native = packageStream("a.js", Buffer.from("harmless, and a script by name"));
    const object = { "ObjectPool/_1234567890/\u0001Ole10Native": native };
    return [
      { name: `macro.${extension}`, bytes: buildCompound({ ...streams, ...macros }) },
      { name: `object.${extension}`, bytes: buildCompound({ ...streams, ...object }) },
    ];
  });
}

const PAGES = [
  "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
  "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Resources << >> >>",
  { data: "0 0 m 100 100 l S" },
] as const;

function pdfs(): ActiveDocument[] {
  const of = (catalog: string, ...rest: Parameters<typeof buildPdf>[0]) =>
    buildPdf([`<< /Type /Catalog /Pages 2 0 R ${catalog} >>`, ...PAGES, ...rest]);
  const script = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>";
  const odd = {
    dict: "/Type /ObjStm /N 1 /First 4 /DecodeParms << /Predictor 12 /Columns 4 >>",
    data: deflateSync(`9 0 ${script}`),
  };
  return [
    { name: "script.pdf", bytes: of(`/OpenAction ${script}`) },
    { name: "named.pdf", bytes: of("/Names << /JavaScript << /Names [(a) 5 0 R] >> >>", script) },
    { name: "coded.pdf", bytes: of("/OpenAction << /S /J#61vaScript /JS (app.alert\\(1\\)) >>") },
    { name: "launch.pdf", bytes: of("/OpenAction 5 0 R", "<< /S /Launch /F (cmd.exe) >>") },
    { name: "form.pdf", bytes: of("/OpenAction << /S /SubmitForm /F (http://x.example) >>") },
    {
      name: "attached.pdf",
      bytes: of(
        "/Names << /EmbeddedFiles << /Names [(a.js) 5 0 R] >> >>",
        "<< /Type /Filespec /F (a.js) /EF << /F 6 0 R >> >>",
        { data: "harmless", dict: "/Type /EmbeddedFile", isFlate: true },
      ),
    },
    {
      name: "packed.pdf",
      bytes: of("/OpenAction 20 0 R", objectStream({ 20: script, 21: "<< /Title (x) >>" })),
    },
    { name: "odd.pdf", bytes: of("/OpenAction 9 0 R", odd), isHopeless: true },
  ];
}

function pages(): ActiveDocument[] {
  const html = '<html><body onload="go()"><p>Hello</p><script>go()</script></body></html>';
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg"><script>go()</script><rect width="9" height="9"/></svg>';
  return [
    { name: "page.html", bytes: Buffer.from(html) },
    { name: "picture.svg", bytes: Buffer.from(svg) },
    { name: "wide.html", bytes: Buffer.from(`\ufeff${html}`, "utf16le"), isHopeless: true },
  ];
}

function workbook(): ActiveDocument {
  const cell = formulaCell(0, 0, stringToken("gw-cure-test-formula"));
  const book = buildWorkbook([{ name: "M", records: [cell] }], [autoOpenName()]);
  return { name: "sheet.xls", bytes: buildCompound({ Workbook: book }) };
}

function archives(document: Buffer, hopeless: Buffer): ActiveDocument[] {
  const text = Buffer.from("kept as it is\n");
  const zip = zipArchive([
    { name: "text.txt", data: text },
    { name: "script.pdf", data: document },
    { name: "odd.pdf", data: hopeless },
  ]);
  const tar = buildTar(
    { name: "text.txt", content: text.toString() },
    { name: "script.pdf", content: document },
  );
  return [
    { name: "files.zip", bytes: zip },
    { name: "nested.zip", bytes: zipArchive([{ name: "in/files.zip", data: zip }]) },
    { name: "files.tar", bytes: tar },
    { name: "files.tar.gz", bytes: gzipSync(tar) },
    { name: "script.pdf.gz", bytes: gzipSync(document) },
  ];
}

/** Everything that can be made of the bases, and what needs none. */
export function activeDocuments(bases: Bases): readonly ActiveDocument[] {
  const made = pdfs();
  const named = (name: string) => made.find((one) => one.name === name)?.bytes ?? Buffer.alloc(0);
  return [
    ...packages(bases),
    ...storages(bases),
    workbook(),
    ...made,
    ...pages(),
    ...archives(named("script.pdf"), named("odd.pdf")),
  ];
}
