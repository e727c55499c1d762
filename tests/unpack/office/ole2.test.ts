import { describe, expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { explodeOle2 } from "../../../src/unpack/office/ole2.ts";
import { budgetOf, drain, EICAR, pathsWith, textOf } from "../../harness/extracts.ts";
import { buildZip } from "../build-zip.ts";
import { buildCompound } from "./build-compound.ts";
import { packageStream, u16, u32, vbaStreams } from "./build-office.ts";

const explode = (bytes: Uint8Array, limits = {}) => drain(explodeOle2(bytes, budgetOf(limits)));
const namesOf = (bytes: Uint8Array) => explode(bytes).extracts.map(({ name }) => name);
const contentOf = (bytes: Uint8Array, name: string) => {
  const found = explode(bytes).extracts.find((extract) => extract.name === name);
  return found && textOf(found.bytes);
};

/** A record of a presentation that stores an object. */
function storedObject(object: Buffer, isCompressed: boolean): Buffer {
  const data = isCompressed ? Buffer.concat([u32(object.length), deflateSync(object)]) : object;
  return Buffer.concat([u16(isCompressed ? 0x10 : 0), u16(0x1011), u32(data.length), data]);
}

describe("explodeOle2()", () => {
  test("gives every stream under its path", () => {
    const bytes = buildCompound({ WordDocument: "text", "ObjectPool/_1/CONTENTS": "%PDF-1.7" });
    expect(explode(bytes)).toMatchObject({ status: "clean", note: "" });
    expect(namesOf(bytes).sort()).toEqual(["ObjectPool/_1/CONTENTS", "WordDocument"]);
  });

  test("unpacks a package with all its names", () => {
    const stream = packageStream("invoice.txt", Buffer.from("content"), "invoice.exe");
    const bytes = buildCompound({ "ObjectPool/_1/\x01Ole10Native": stream });
    expect(contentOf(bytes, "invoice.txt | invoice.exe")).toBe("content");
    expect(explode(bytes).status).toBe("clean");
  });

  test("gives other data of a package stream without its length", () => {
    const data = Buffer.concat([u32(9), Buffer.from("\x1c\0equation", "latin1")]);
    expect(contentOf(buildCompound({ "\x01Ole10Native": data }), "embedded object")).toBe(
      "\x1c\0equatio",
    );
  });

  test("calls a package that is cut short damaged, and gives what there is", () => {
    const stream = packageStream("a.exe", Buffer.from("content")).subarray(0, -4);
    const found = explode(buildCompound({ "\x01Ole10Native": stream }));
    expect(found).toMatchObject({
      status: "damaged",
      note: "the embedded file is cut short: a.exe",
    });
    expect(found.extracts.map(({ bytes }) => textOf(bytes))).toContain("con");
  });

  test.each([
    ["compressed", true],
    ["plain", false],
  ])("unpacks %s objects in presentations", (_, isCompressed) => {
    const inner = buildCompound(vbaStreams([{ name: "Module1", source: "Attribute VB_Name" }]));
    const slides = Buffer.concat([Buffer.alloc(9), storedObject(inner, isCompressed)]);
    const bytes = buildCompound({ "PowerPoint Document": slides, "Current User": "x" });
    expect(pathsWith(buildZip([{ name: "a.ppt", bytes }]), "no such")).toEqual([]);
    expect(contentOf(bytes, "stored object 1")).toBe(textOf(inner));
    expect(explode(bytes).status).toBe("clean");
  });

  test("unpacks the objects of documents that Word 2003 writes in XML", () => {
    const inner = buildCompound({ "\x01Ole10Native": packageStream("a.com", Buffer.from("data")) });
    const size = Buffer.alloc(4);
    size.writeUInt32LE(inner.length);
    const packed = Buffer.concat([size, deflateSync(inner)]);
    const bytes = buildCompound({
      _1577691300: packed,
      _2: "no object",
      _3: packed.subarray(0, 90),
    });
    expect(contentOf(bytes, "object _1577691300")).toBe(textOf(inner));
    expect(explode(bytes).status).toBe("damaged");
    expect(explode(buildCompound({ _1: packed }), { objectSizeMax: 900 }).status).toBe("unscanned");
  });

  test("does not let a stored object grow past the budget", () => {
    const bomb = storedObject(Buffer.alloc(1 << 20), true);
    const bytes = buildCompound({ "PowerPoint Document": bomb });
    const found = explode(bytes, { objectSizeMax: 100_000 });
    expect(found.status).toBe("unscanned");
    expect(found.note).toContain("larger than what may still be extracted");
  });

  test("finds a file in a document in a document", () => {
    const inner = buildCompound({ "\x01Ole10Native": packageStream("a.com", Buffer.from(EICAR)) });
    const outer = buildCompound({ "ObjectPool/_1/Package": inner });
    const message = Buffer.concat([
      Buffer.from("MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n"),
      Buffer.from("Content-Disposition: attachment; filename=a.doc\r\n\r\n"),
      Buffer.from(outer.toString("base64")),
    ]);
    expect(pathsWith(message, EICAR).some((path) => path.endsWith("Package/a.com"))).toBe(true);
  });

  test("gives what is appended to the file", () => {
    const bytes = Buffer.concat([buildCompound({ a: "x" }), Buffer.from("MZ appended")]);
    expect(contentOf(bytes, "data behind the streams")).toBe("MZ appended");
  });

  test("ends unscanned when the budget does", () => {
    const streams = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`s${n}`, "content"]));
    const bytes = buildCompound(streams);
    const few = explode(bytes, { objectCountMax: 10 });
    expect([few.extracts.length, few.status]).toEqual([10, "unscanned"]);
    const small = explode(bytes, { expandedSizeMax: 100 });
    expect(small.status).toBe("unscanned");
    expect(explode(bytes, { timeMaxMs: -1 })).toMatchObject({
      status: "unscanned",
      note: "time limit reached",
    });
  });

  test("is not led to read the same sectors for thousands of streams", () => {
    const streams = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`s${n}`, "c"]));
    const bytes = buildCompound({ large: Buffer.alloc(4 << 20, "x"), ...streams });
    // All entries become streams of 4 MB that begin at the first sector.
    for (let n = 0; n < 3000; n++) {
      const at = bytes.indexOf(Buffer.from(`s${n}\0`, "utf16le"), 4 << 20);
      bytes.writeUInt32LE(0, at + 116);
      bytes.writeUInt32LE(4 << 20, at + 120);
    }
    const startedAt = performance.now();
    const found = explode(bytes, { expandedSizeMax: 64 << 20 });
    expect(found.status).toBe("unscanned");
    expect(performance.now() - startedAt).toBeLessThan(3000);
  });
});

describe("explodeOle2() of encrypted documents", () => {
  const word = (flags: number) =>
    Buffer.concat([u16(0xa5ec), Buffer.alloc(8), u16(flags), Buffer.alloc(60)]);
  const user = (token: number) => Buffer.concat([Buffer.alloc(12), u32(token), Buffer.alloc(8)]);
  test.each([
    [{ EncryptedPackage: "x", EncryptionInfo: "\x04\0\x04\0" }, "encrypted (ECMA-376, agile)"],
    [{ EncryptedPackage: "x", EncryptionInfo: "\x03\0\x02\0" }, "encrypted (ECMA-376, standard)"],
    [{ EncryptedPackage: "x" }, "encrypted (ECMA-376)"],
    [{ "\x09DRMContent": "x" }, "encrypted by rights management"],
    [{ WordDocument: word(0x0100) }, "encrypted (Word, RC4)"],
    [{ WordDocument: word(0x8100) }, "encrypted (Word, XOR)"],
    [{ WordDocument: word(0x0200) }, ""],
    [{ "Current User": user(0xf3d1c4df) }, "encrypted (PowerPoint)"],
    [{ "Current User": user(0xe391c05f) }, ""],
  ])("tells %j", (streams, note) => {
    const found = explode(buildCompound(streams as Record<string, Buffer>));
    expect(found).toMatchObject({ status: note === "" ? "clean" : "protected", note });
    expect(found.extracts.length).toBeGreaterThan(0);
  });
});
