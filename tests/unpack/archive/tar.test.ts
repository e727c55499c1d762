import { describe, expect, test } from "bun:test";
import { explodeTar } from "../../../src/unpack/archive/tar.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { BLOCK, buildTar, octal, paxHeader, type TarMember, tarMember } from "./build-tar.ts";

function untar(bytes: Uint8Array, limits = {}) {
  const found = drain(explodeTar(bytes, budgetOf(limits)));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

const A: TarMember = { name: "a.txt", content: "the content" };
const CLEAN = { status: "clean" as const, note: "", files: [["a.txt", "the content"]] };

describe("explodeTar() reads a member", () => {
  const long = `${"d/".repeat(80)}a.txt`;
  test.each<[string, Buffer, string]>([
    ["of v7", buildTar({ ...A, dialect: "v7" }), "a.txt"],
    ["of ustar", buildTar(A), "a.txt"],
    ["of GNU tar", buildTar({ ...A, dialect: "gnu" }), "a.txt"],
    ["with a prefix", buildTar({ ...A, prefix: "some/folder" }), "some/folder/a.txt"],
    ["with a checksum of signed bytes", buildTar({ ...A, name: "é.txt", isSigned: true }), "é.txt"],
    ["with a size in base 256", buildTar({ ...A, isBinarySize: true }), "a.txt"],
    ["with the GNU type 7", buildTar({ ...A, type: "7" }), "a.txt"],
    ["of a type that nobody knows", buildTar({ ...A, type: "Q" }), "a.txt"],
    [
      "with a GNU long name",
      buildTar(
        { name: "././@LongLink", type: "L", content: `${long}\0`, dialect: "gnu" },
        { ...A, name: long.slice(0, 99), dialect: "gnu" },
      ),
      long,
    ],
    ["with a pax name", buildTar(paxHeader({ path: "größe/a.txt" }), A), "größe/a.txt"],
    [
      "with a pax name of another kind",
      buildTar(paxHeader({ path: "harmless.txt" }), { ...A, name: "run.exe" }),
      "harmless.txt | run.exe",
    ],
    ["with a size in pax alone", buildTar(paxHeader({ size: "11" }), { ...A, size: 0 }), "a.txt"],
    ["behind a global pax header", buildTar({ name: "g", type: "g", content: "x" }, A), "a.txt"],
  ])("%s", (_, bytes, name) => {
    expect(untar(bytes)).toEqual({ ...CLEAN, files: [[name, "the content"]] });
  });

  test("and no more: folders, links and devices hold nothing", () => {
    const others = ["1", "2", "3", "4", "5", "6"].map((type) => ({ name: `x${type}`, type }));
    expect(untar(buildTar(...others, { name: "v7/", dialect: "v7" }, A))).toEqual(CLEAN);
    // Some programs put a size there all the same.
    expect(untar(buildTar({ name: "link", type: "1", size: 4000 }, A))).toEqual(CLEAN);
  });

  test("that is a hard link with content of its own, as pax allows", () => {
    const { files } = untar(buildTar({ name: "b", type: "1", content: "hidden" }, A));
    expect(files).toEqual([["b", "hidden"], ...CLEAN.files]);
  });

  test("that is empty, by its name", () => {
    expect(untar(buildTar({ name: "empty.exe" })).files).toEqual([["empty.exe", ""]]);
  });
});

describe("explodeTar() fills the holes of sparse files", () => {
  const map = `${octal(512, 12)}${octal(4, 12)}${octal(1024, 12)}${octal(5, 12)}`;
  const whole = `${"\0".repeat(512)}some${"\0".repeat(508)}bytes${"\0".repeat(571)}`;

  test.each<[string, Buffer]>([
    [
      "of old GNU tar",
      buildTar({
        name: "s",
        type: "S",
        dialect: "gnu",
        content: "somebytes",
        patches: [
          [386, map],
          [483, octal(1600, 12)],
        ],
      }),
    ],
    [
      "of GNU format 0.1",
      buildTar(paxHeader({ "GNU.sparse.size": "1600", "GNU.sparse.map": "512,4,1024,5" }), {
        name: "s",
        content: "somebytes",
      }),
    ],
    [
      "of GNU format 1.0",
      buildTar(
        paxHeader({
          "GNU.sparse.major": "1",
          "GNU.sparse.name": "s",
          "GNU.sparse.realsize": "1600",
        }),
        {
          name: "GNUSparseFile.0/s",
          content: `${"2\n512\n4\n1024\n5\n".padEnd(512, "\0")}somebytes`,
        },
      ),
    ],
  ])("%s", (_, bytes) => {
    expect(untar(bytes)).toEqual({ status: "clean", note: "", files: [["s", whole]] });
  });

  test("but gives only what is stored where the holes are too large", () => {
    const records = { "GNU.sparse.size": "99999999999", "GNU.sparse.map": "0,9" };
    const found = untar(buildTar(paxHeader(records), { name: "s", content: "somebytes" }));
    expect(found).toMatchObject({ status: "unscanned", files: [["s", "somebytes"]] });
  });

  test("and tells a map that does not fit", () => {
    const records = { "GNU.sparse.size": "20", "GNU.sparse.map": "0,4,500,5" };
    const found = untar(buildTar(paxHeader(records), { name: "s", content: "somebytes" }));
    expect(found).toMatchObject({ status: "damaged", files: [["s", "somebytes"]] });
  });
});

describe("explodeTar() goes on", () => {
  const b = { name: "b", content: "more" };
  const both = [...CLEAN.files, ["b", "more"]];

  test("behind the end, where another archive stands", () => {
    expect(untar(Buffer.concat([buildTar(A), buildTar(b)]))).toEqual({ ...CLEAN, files: both });
  });

  test("behind a header that is broken", () => {
    const broken = Buffer.concat([tarMember(A), Buffer.alloc(BLOCK, 0x41), tarMember(b)]);
    expect(untar(broken)).toMatchObject({ status: "damaged", files: both });
  });

  test("with what stands behind the archive and is none", () => {
    const found = untar(Buffer.concat([buildTar(A), Buffer.from("something else")]));
    expect(found.files).toEqual([...CLEAN.files, ["data behind the archive", "something else"]]);
  });

  test("without the blocks that should end it", () => {
    expect(untar(tarMember(A))).toEqual(CLEAN);
  });
});

test.each<[string, Buffer]>([
  [
    "a member that is cut short",
    tarMember({ name: "a", content: "x".repeat(900) }).subarray(0, 700),
  ],
  ["text", Buffer.from("no archive at all".repeat(50))],
  ["a size below zero", buildTar(paxHeader({ size: "-5" }), A)],
  ["two sizes that disagree", buildTar(paxHeader({ size: "5" }), A)],
])("explodeTar() of %s is damaged", (_, bytes) => {
  expect(untar(bytes).status).toBe("damaged");
});

test("explodeTar() is bounded in size and number", () => {
  const large = buildTar({ name: "a", content: Buffer.alloc(4096) }, A);
  expect(untar(large, { objectSizeMax: 1024 })).toMatchObject({
    ...CLEAN,
    status: "unscanned",
    note: expect.anything(),
  });
  const many = buildTar(...Array<TarMember>(50).fill(A));
  const found = untar(many, { objectCountMax: 10 });
  expect([found.status, found.files.length]).toEqual(["unscanned", 10]);
});
