// Office documents of the zip kind (OOXML): macros, controls, embedded objects and links to outside
// are taken out, with what refers to them, so that the document opens without complaint. ECMA-376
// part 2 (packages), [MS-OFFMACRO2].

import type { Budget } from "../../base/budget.ts";
import { openZip, type ZipEditor } from "../archive/zip.ts";

const XML_SIZE_MAX = 64 << 20;
const TYPES = "[content_types].xml";

// Parts that are active themselves or hold what is.
const ACTIVE_PART =
  /(?:^|\/)(?:vbaproject(?:signature\w*)?\.bin|vbadata\.xml|attachedtoolbars\.bin)$|(?:^|\/)(?:activex|embeddings|externallinks|macrosheets|intlmacrosheets|dialogsheets|customui)\//;
// Relations to outside that are followed when the document is opened.
const FOLLOWED =
  /\/(?:attachedtemplate|oleobject|frame|externallink|externallinkpath|externaloleobject|subdocument|mailmergesource|mailmergeheadersource|recipientdata)"/i;

/** The document without anything active; undefined if there is nothing, or it can't be edited. */
export function cleanOoxml(bytes: Uint8Array, budget: Budget): Uint8Array | undefined {
  const archive = openZip(bytes, budget);
  if (archive === undefined) return undefined;
  const removed = new Set<string>();
  for (const { name } of archive.members) {
    const key = keyOf(name);
    if (ACTIVE_PART.test(key)) removed.add(key);
    // What a removed part refers to is told beside it.
    if (/(?:^|\/)_rels\/[^/]*\.rels$/.test(key) && ACTIVE_PART.test(relationsOwner(key))) {
      removed.add(key);
    }
  }
  const texts = editTexts(archive, removed);
  if (texts === undefined || (texts.size === 0 && removed.size === 0)) return undefined;
  const rebuilt = archive.rebuilt(({ name }) => {
    const key = keyOf(name);
    if (removed.has(key)) return { kind: "remove" };
    const text = texts.get(key);
    return text === undefined ? undefined : { kind: "replace", bytes: Buffer.from(text) };
  });
  return typeof rebuilt === "string" ? undefined : rebuilt;
}

function keyOf(name: string): string {
  return name.replaceAll("\\", "/").replace(/^\/+/, "").toLowerCase();
}

// `word/_rels/document.xml.rels` tells the relations of `word/document.xml`.
function relationsOwner(key: string): string {
  return key.replace(/_rels\/([^/]*)\.rels$/, "$1");
}

// The XML parts that change, by key; undefined if one can't be read.
function editTexts(
  archive: ZipEditor,
  removed: ReadonlySet<string>,
): ReadonlyMap<string, string> | undefined {
  const texts = new Map<string, string>();
  const lostIds = new Map<string, Set<string>>();
  const read = new Map<string, string>();
  for (const member of archive.members) {
    const key = keyOf(member.name);
    if (removed.has(key) || !/\.(?:xml|rels|vml)$/.test(key)) continue;
    const content = member.size <= XML_SIZE_MAX ? archive.content(member) : undefined;
    // UTF-16 is allowed in packages, and written by nobody but those who hide something.
    if (content === undefined || content[0] === 0xff || content[0] === 0xfe) return undefined;
    read.set(key, content.toString("utf8"));
  }
  for (const [key, text] of read) {
    if (!key.endsWith(".rels")) continue;
    const owner = relationsOwner(key);
    const { text: rest, lost, isOnlyMacros } = withoutRelations(text, owner, removed);
    if (rest === text) continue;
    // A binary part (.xlsb) that speaks of what is gone would have to be rewritten itself.
    if (owner.endsWith(".bin") && !isOnlyMacros) return undefined;
    texts.set(key, rest);
    lostIds.set(owner, lost);
  }
  for (const [key, text] of read) {
    if (key.endsWith(".rels")) continue;
    const rest =
      key === TYPES ? withoutTypes(text, removed) : withoutActive(text, lostIds.get(key));
    if (rest !== text) texts.set(key, rest);
  }
  return texts;
}

function attribute(element: string, name: string): string {
  return (
    new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`, "i")
      .exec(element)
      ?.slice(1)
      .join("") ?? ""
  );
}

// Targets are relative to the folder of the part, or begin at the package's root.
function resolved(target: string, owner: string): string {
  const base = target.startsWith("/") ? [] : owner.split("/").slice(0, -1);
  for (const step of target.split("/")) {
    if (step === "..") base.pop();
    else if (step !== "." && step !== "") base.push(step);
  }
  return keyOf(base.join("/"));
}

function withoutRelations(text: string, owner: string, removed: ReadonlySet<string>) {
  const lost = new Set<string>();
  let isOnlyMacros = true;
  const rest = text.replace(/<Relationship\b[^>]*?(?:\/>|>\s*<\/Relationship>)/gi, (element) => {
    const isExternal = attribute(element, "TargetMode").toLowerCase() === "external";
    const isGone = isExternal
      ? FOLLOWED.test(element.replaceAll("'", '"'))
      : removed.has(resolved(attribute(element, "Target"), owner));
    if (!isGone) return element;
    lost.add(attribute(element, "Id"));
    if (!/vbaProject/i.test(attribute(element, "Type"))) isOnlyMacros = false;
    return "";
  });
  return { text: rest, lost, isOnlyMacros };
}

function withoutTypes(text: string, removed: ReadonlySet<string>): string {
  return text.replace(/<Override\b[^>]*?(?:\/>|>\s*<\/Override>)/gi, (element) =>
    removed.has(keyOf(attribute(element, "PartName"))) ? "" : element,
  );
}

// Elements that stand for what was removed: whole ones, and single ones that name a lost relation.
const WHOLE =
  /<(oleObjects|controls|externalReferences)\b[^>]*>[\s\S]*?<\/\1>|<mc:AlternateContent\b[^>]*>(?:(?!<\/mc:AlternateContent>)[\s\S])*?<(?:controls|oleObjects)\b(?:(?!<\/mc:AlternateContent>)[\s\S])*<\/mc:AlternateContent>/g;
const SINGLE =
  /<(?:o:OLEObject|w:control|w:attachedTemplate|w:subDoc|w:altChunk|sheet|p:control|legacyDrawing)\b[^>]*?(?:\/>|>\s*<\/(?:o:OLEObject|w:control|sheet|p:control)>)/g;
const FRAME = /<p:graphicFrame\b(?:(?!<\/p:graphicFrame>)[\s\S])*<\/p:graphicFrame>/g;
// Fields that start programs or fetch what they show. ECMA-376 part 1, 17.16.5.
const FIELD = /\b(?:DDEAUTO|DDE|INCLUDETEXT|IMPORT)\b/i;

function withoutActive(text: string, lost: ReadonlySet<string> | undefined): string {
  let rest = text
    .replace(/(<w:instrText\b[^>]*>)([^<]*)(?=<)/g, (whole, open: string, code: string) =>
      FIELD.test(code) ? open : whole,
    )
    .replace(/\bw:instr\s*=\s*"([^"]*)"/g, (whole, code: string) =>
      FIELD.test(code) ? 'w:instr=""' : whole,
    );
  // A field's code may be cut into runs, one letter each: then its letters go with it.
  if (FIELD.test(codeOf(rest))) rest = rest.replace(/(<w:instrText\b[^>]*>)[^<]*/g, "$1");
  if (lost === undefined || lost.size === 0) return rest;
  const namesLost = (element: string) =>
    [...element.matchAll(/\br:(?:id|embed|link)\s*=\s*["']([^"']*)["']/g)].some(([, id]) =>
      lost.has(id ?? ""),
    );
  const edited = rest
    .replace(WHOLE, (whole) => (namesLost(whole) ? "" : whole))
    .replace(FRAME, (frame) => (/<p:oleObj\b/.test(frame) && namesLost(frame) ? "" : frame))
    .replace(SINGLE, (element) => (namesLost(element) ? "" : element));
  if (
    !/<sheet\b/.test(rest) ||
    edited.match(/<sheet\b/g)?.length === rest.match(/<sheet\b/g)?.length
  ) {
    return edited;
  }
  // Names count sheets by number, which are others now; and Auto_Open is one of them.
  return edited
    .replace(/<definedNames\b[\s\S]*?<\/definedNames>/, "")
    .replace(/\b(?:activeTab|firstSheet)="\d+"/g, "");
}

function codeOf(text: string): string {
  return [...text.matchAll(/<w:instrText\b[^>]*>([^<]*)/g)].map(([, code]) => code).join("");
}
