import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Explosion } from "../../../src/message.ts";
import { explodeZip } from "../../../src/unpack/zip/zip.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { buildZip, type Member } from "../build-zip.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
type Status = Explosion["status"];

const FOLDER = join(GW_CORPUS, "containers");
const BYTES = Buffer.from("the content ".repeat(20));
const A: Member = { name: "a.txt", bytes: BYTES };

function unzip(bytes: Uint8Array) {
  const found = drain(explodeZip(bytes, budgetOf()));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

const TEXT = BYTES.toString();

describe("explodeZip() gives the files of archives", () => {
  test.each<[string, Buffer]>([
    ["deflated", buildZip([A])],
    ["stored", buildZip([{ ...A, method: 0 }])],
    ["zip64", buildZip([{ ...A, isZip64: true }])],
    ["descriptor behind deflated data", buildZip([{ ...A, hasDescriptor: true }])],
    ["descriptor behind stored data", buildZip([{ ...A, method: 0, hasDescriptor: true }])],
    ["data before the archive", Buffer.concat([Buffer.alloc(5000, 0x4d), buildZip([A])])],
    ["data behind the archive", Buffer.concat([buildZip([A]), Buffer.alloc(5000, 0x4d)])],
    ["compressed size that lies", buildZip([{ ...A, declaredPackedSize: 5 }])],
    ["size that lies", buildZip([{ ...A, declaredSize: 5 }])],
    [
      "folders, which are no files",
      buildZip([A, { name: "dir/", bytes: Buffer.alloc(0), method: 0 }]),
    ],
  ])("%s", (_, bytes) => {
    expect(unzip(bytes)).toEqual({ status: "clean", note: "", files: [["a.txt", TEXT]] });
  });

  test("names in UTF-8, in latin1, and two names for one file", () => {
    const latin = { ...A, name: "x.txt", localName: "y.exe" };
    const { files } = unzip(buildZip([{ ...A, name: "größe.txt" }, latin]));
    expect(files.map(([name]) => name)).toEqual(["größe.txt", "x.txt | y.exe"]);
  });

  test("an archive without files is clean", () => {
    expect(unzip(buildZip([]))).toEqual({ status: "clean", note: "", files: [] });
  });
});

describe("explodeZip() tells entries that overlap", () => {
  const shared = expect.stringContaining("entries share their data");

  test("by one place that the directory has several names for", () => {
    const two = buildZip([A, { ...A, name: "b.txt" }]);
    const second = two.indexOf("PK\x01\x02", two.indexOf("PK\x01\x02") + 4, "latin1");
    two.writeUInt32LE(0, second + 42);
    expect(unzip(two)).toMatchObject({ status: "damaged", note: shared });
  });

  test("by an entry whose data holds another one", () => {
    const inner = buildZip([{ ...A, name: "inner" }]);
    const outer = buildZip([{ name: "outer", bytes: inner, method: 0 }, A]);
    const at = outer.lastIndexOf("PK\x01\x02", outer.length, "latin1");
    outer.writeUInt32LE(outer.indexOf("PK\x03\x04", 4, "latin1"), at + 42);
    expect(unzip(outer)).toMatchObject({ status: "damaged", note: shared });
  });
});

describe("explodeZip() finds what the central directory hides", () => {
  const hidden = { name: "hidden.exe", bytes: Buffer.from("hidden content"), isHidden: true };

  test.each([
    ["before named ones", [hidden, A]],
    ["behind named ones", [A, hidden]],
    ["with a descriptor", [{ ...hidden, hasDescriptor: true }, A]],
    ["stored, with a descriptor", [{ ...hidden, method: 0, hasDescriptor: true }, A]],
  ])("entries %s", (_, members) => {
    const { status, files } = unzip(buildZip(members));
    expect(files).toContainEqual(["hidden.exe", "hidden content"]);
    expect(files).toContainEqual(["a.txt", TEXT]);
    expect(status).toBe("clean");
  });

  test("both of two archives that were joined", () => {
    const joined = Buffer.concat([buildZip([A]), buildZip([{ ...A, name: "b.txt" }])]);
    expect(
      unzip(joined)
        .files.map(([name]) => name)
        .sort(),
    ).toEqual(["a.txt", "b.txt"]);
  });

  test("a method that the two headers disagree on", () => {
    const found = unzip(buildZip([{ ...A, localMethod: 0 }]));
    expect(found.status).toBe("clean");
    expect(found.files).toContainEqual(["a.txt", TEXT]);
  });

  test("data that only one header calls encrypted", () => {
    for (const lie of [
      { flags: 1, localFlags: 0 },
      { flags: 0, localFlags: 1 },
    ]) {
      expect(unzip(buildZip([{ ...A, ...lie }]))).toMatchObject({
        status: "clean",
        files: [["a.txt", TEXT]],
      });
    }
  });

  test("the content of a stored archive is not taken out twice", () => {
    const inner = buildZip([A]);
    const { files } = unzip(buildZip([{ name: "inner.zip", bytes: inner, method: 0 }]));
    expect(files.map(([name]) => name)).toEqual(["inner.zip"]);
  });
});

describe("explodeZip() says what it could not see, and gives the rest", () => {
  const b = { ...A, name: "b.txt" };
  const cut = buildZip([A, b]);
  test.each<[string, Buffer, Status, string]>([
    ["encryption", buildZip([{ ...A, flags: 1 }, b]), "protected", "encrypted: a.txt"],
    ["AES", buildZip([{ ...A, method: 99, flags: 1 }, b]), "protected", "encrypted: a.txt"],
    ["broken bzip2", buildZip([{ ...A, method: 12 }, b]), "damaged", "does not inflate: a.txt"],
    [
      "WavPack",
      buildZip([{ ...A, method: 97 }, b]),
      "unscanned",
      "WavPack is not supported: a.txt",
    ],
    ["an unknown method", buildZip([{ ...A, method: 77 }, b]), "unscanned", "number 77"],
    [
      "a wrong checksum",
      buildZip([{ ...A, crc: 1 }, b]),
      "damaged",
      "checksum does not match: a.txt",
    ],
    [
      "broken data",
      buildZip([{ ...A, packed: Buffer.alloc(50, 0xff) }, b]),
      "damaged",
      "does not inflate: a.txt",
    ],
    [
      "no central directory",
      cut.subarray(0, cut.indexOf("PK\x01\x02", 0, "latin1")),
      "damaged",
      "no central directory",
    ],
  ])("%s", (_, bytes, status, note) => {
    const found = unzip(bytes);
    expect(found.status).toBe(status);
    expect(found.note).toContain(note);
    expect(found.files).toContainEqual(["b.txt", TEXT]);
  });

  test("a file that ends in the middle of an entry", () => {
    const long = Buffer.from(Array.from({ length: 9000 }, (_, i) => `${i * i} `).join(""));
    const bytes = buildZip([{ name: "long", bytes: long }]);
    const found = unzip(bytes.subarray(0, bytes.length / 2));
    expect(found.status).toBe("damaged");
    expect(found.files[0]?.[1]?.length).toBeGreaterThan(1000);
  });

  test("bombs", () => {
    const bomb = buildZip(
      [...Array(20).keys()].map((i) => ({ name: `${i}`, bytes: Buffer.alloc(4 << 20) })),
    );
    const large = drain(explodeZip(bomb, budgetOf({ objectSizeMax: 1 << 20 })));
    expect(large).toMatchObject({ status: "unscanned", extracts: [] });
    const total = drain(explodeZip(bomb, budgetOf({ expandedSizeMax: 10 << 20 })));
    expect(total.extracts.length).toBe(2);
    expect(total.status).toBe("unscanned");
    const many = drain(explodeZip(bomb, budgetOf({ objectCountMax: 3 })));
    expect(many).toMatchObject({ status: "unscanned", note: "too many objects" });
  });

  test("time that has run out", () => {
    const found = drain(explodeZip(buildZip([A]), budgetOf({ timeMaxMs: -1 })));
    expect(found).toMatchObject({ status: "unscanned", extracts: [] });
  });
});

// Samples whose file names tell what is wrong with them, and what has to be said of it.
const FAILURES: readonly (readonly [RegExp, Status])[] = [
  [/signature not found/, "damaged"],
  [/invalid central directory/, "damaged"],
  [/code lengths|distance symbols/, "damaged"],
  [/does not include relative/, "damaged"],
  [/strong encryption/, "protected"],
];

test("sample archives are read; broken ones are not called clean", () => {
  const folders = ["success", "failure"].map((name) => join(FOLDER, "yauzl", name));
  const samples = folders.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => name.endsWith(".zip"))
          .map((name) => join(folder, name))
      : [],
  );
  for (const path of samples) {
    const name = basename(path);
    const { status } = drain(explodeZip(readFileSync(path), budgetOf()));
    const isFailure = path.includes("failure");
    const expected: Status = isFailure
      ? (FAILURES.find(([pattern]) => pattern.test(name))?.[1] ?? "clean")
      : /encryption/.test(name)
        ? "protected"
        : /bogus/.test(name)
          ? "unscanned"
          : "clean";
    expect({ name, status }).toEqual({ name, status: expected });
  }
  expect(unzip(buildZip([A])).status).toBe("clean");
});
