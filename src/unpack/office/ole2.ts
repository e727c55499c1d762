// Documents of the old Office formats, installer packages, Outlook messages, and the macro projects
// of the new formats: everything that is a compound file. Gives out each stream under its path, and
// what is packed inside streams: embedded files, macros as text, macro sheets.

import type { Budget } from "../../base/budget.ts";
import { asBuffer, isBlank } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { cleanName } from "../../text/object-name.ts";
import { CompoundFile, type Stream } from "./compound-file.ts";
import { packedObject, readPackage, type StoredObject, storedObjects } from "./embedded-object.ts";
import { encryptionOf, openPackage } from "./encryption.ts";
import { Extraction } from "./extraction.ts";
import { explodeMessage, isMessage } from "./outlook-message.ts";
import { type OpenedStreams, openSlides, openWord } from "./rc4-encryption.ts";
import { codeLines, type VbaModule, VbaReader } from "./vba-project.ts";
import { readWorkbook } from "./workbook.ts";

/** Media type of what gw itself says about an object, so that signatures can find it. */
export const NOTE = "application/x-gw-note";

const PACKAGE_STREAM = "\x01OLE10NATIVE";
const NOTHING_READ = "nothing of it can be read";
// Excel 5 and 95 call it "Book"; files for both formats have both.
const WORKBOOK_STREAM = /^(?:Workbook|Book)$/i;
// Word 2003 keeps the objects of a document in XML like this, each in a stream named by its number.
const NUMBERED_STREAM = /^_\d{1,12}$/;
const SLIDES_STREAM = "POWERPOINT DOCUMENT";

/** Takes a compound file apart. */
export function* explodeOle2(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const file = CompoundFile.open(bytes);
  if (file === undefined) return { status: "damaged", note: "shorter than its header" };
  const out = new Extraction(budget);
  if (file.problem !== "") out.tally.add("damaged", file.problem);
  const encryption = encryptionOf(file);
  // What lies beside an encrypted document is given out all the same: macros are often not encrypted.
  const opened = encryption === "" ? undefined : openPackage(file, budget);
  if (opened !== undefined) {
    out.tally.remarkPassword(opened.password);
    yield* out.give("decrypted document", opened.opened);
  }
  const streamsOpened =
    opened === undefined && encryption !== "" ? openOld(file, budget) : undefined;
  if (streamsOpened !== undefined) yield* giveOpened(streamsOpened, out);
  const isClosed = encryption !== "" && opened === undefined && streamsOpened === undefined;
  if (isClosed) out.tally.add("protected", encryption);
  const streams = isMessage(file)
    ? yield* explodeMessage(file, out)
    : yield* explodeStreams(file, out);
  if (!isBlank(file.tail)) yield* out.give("data behind the streams", file.tail);
  const macros = new VbaReader(file, out);
  if (!out.isStopped) macros.read(streams);
  // Of a file whose directory is gone, macros in sectors that lie together can still be had.
  if (file.streams.length === 0) macros.readHidden(asBuffer(bytes), { name: "lost", path: "" });
  yield* explodeMacros(macros, out);
  for (const stream of streams) {
    if (out.isStopped) break;
    yield* explodeInside(file, stream, { out, isEncrypted: encryption !== "" });
  }
  return out.tally.outcome;
}

function openOld(file: CompoundFile, budget: Budget): OpenedStreams | undefined {
  return openWord(file, budget) ?? openSlides(file, budget);
}

function* giveOpened({ password, streams }: OpenedStreams, out: Extraction): Generator<Extract> {
  out.tally.remarkPassword(password);
  for (const { stream, bytes } of streams) {
    yield* out.give(`decrypted ${cleanName(stream.path)}`, bytes);
    if (stream.name.toUpperCase() === SLIDES_STREAM) yield* explodeSlides(bytes, out);
  }
}

// All streams as they are; those that could be given out are the ones that are looked into later.
function* explodeStreams(file: CompoundFile, out: Extraction): Generator<Extract, Stream[]> {
  const given: Stream[] = [];
  for (const stream of file.streams) {
    if (out.isStopped) break;
    const { size, path } = stream;
    const found = file.sizeOf(stream);
    if (size > 0 && found === 0) out.tally.add("damaged", NOTHING_READ, cleanName(path));
    if (found === 0 || !out.accepts(found, path)) continue;
    const { bytes, problem } = file.read(stream);
    if (problem !== "") out.tally.add("damaged", problem, cleanName(path));
    given.push(stream);
    yield { name: cleanName(path) || "stream", declaredType: "", bytes };
  }
  return given;
}

/** What is known of the file when its streams are looked into. */
interface Inside {
  readonly out: Extraction;
  readonly isEncrypted: boolean;
}

// Streams that are containers in formats of their own; those with a magic number of theirs, such as
// "Package", are known by their bytes once they have been given out.
function* explodeInside(
  file: CompoundFile,
  stream: Stream,
  { out, isEncrypted }: Inside,
): Generator<Extract> {
  if (stream.name.toUpperCase() === PACKAGE_STREAM) {
    const found = readPackage(file.read(stream).bytes);
    if (found === undefined) return;
    if (found.problem !== "") out.tally.add("damaged", found.problem, found.name);
    yield* out.give(found.name || "embedded object", found.bytes);
  } else if (stream.name.toUpperCase() === SLIDES_STREAM && !isEncrypted) {
    yield* explodeSlides(file.read(stream).bytes, out);
  } else if (NUMBERED_STREAM.test(stream.name)) {
    const found = packedObject(file.read(stream).bytes, () => out.budget.bytesLeft);
    if (found !== undefined) yield* giveStored(found, `object ${stream.name}`, out);
  } else if (WORKBOOK_STREAM.test(stream.name)) {
    const workbook = readWorkbook(file.read(stream).bytes, out);
    if (workbook.encryption !== "") out.tally.add("protected", workbook.encryption);
    if (workbook.opened !== undefined) yield* out.give("decrypted workbook", workbook.opened);
    for (const { name, text } of workbook.macroSheets) {
      yield* out.give(`xlm/${name}`, Buffer.from(text), "text/plain");
    }
  }
}

// Objects and macros of presentations lie deflated in one stream, where no signature sees them.
function* explodeSlides(document: Buffer, out: Extraction): Generator<Extract> {
  for (const found of storedObjects(document, () => out.budget.bytesLeft)) {
    if (out.isStopped) return;
    yield* giveStored(found, found === "too-large" ? "stored object" : found.name, out);
  }
}

function* giveStored(found: StoredObject, name: string, out: Extraction): Generator<Extract> {
  if (found === "too-large") {
    out.tally.add("unscanned", "larger than what may still be extracted", name);
    return;
  }
  if (found.problem !== "") out.tally.add("damaged", found.problem, name);
  yield* out.give(name, found.bytes);
}

// The directory of a project is given out as well: references to other projects and to type
// libraries on the network stand there.
function* explodeMacros(reader: VbaReader, out: Extraction): Generator<Extract> {
  for (const directory of reader.directories) yield* out.give("vba/dir", directory);
  for (const { name, source } of reader.modules) {
    yield* out.give(`vba/${name}.bas`, source, "text/plain");
  }
  yield* explodeTogether(reader.modules, out);
  const stomped = reader.modules.filter((module) => module.stomped !== "");
  if (stomped.length === 0) return;
  const lines = stomped.map(({ name, path, stomped: why }) => `${name} (${path}): ${why}\n`);
  const text = `Stomped VBA: compiled macros that are not what their source says.\n${lines.join("")}`;
  yield* out.give("vba-stomped", Buffer.from(text), NOTE);
}

// A macro that starts by itself often does its work in another module: signatures that ask for both
// need to see the project as one.
function* explodeTogether(modules: readonly VbaModule[], out: Extraction): Generator<Extract> {
  const withCode = modules.filter(({ source }) => codeLines(source) > 0);
  if (withCode.length < 2) return;
  const together = Buffer.concat(withCode.map(({ source }) => source));
  yield* out.give("vba/all modules", together, "text/plain");
}
