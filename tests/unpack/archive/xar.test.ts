import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileType } from "../../../src/scan/file-type.ts";
import { explodeXar } from "../../../src/unpack/archive/xar.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { buildXar, xarFile, xarOf } from "./build-xar.ts";
import { BZIP2, SAMPLE_TEXT, XZ } from "./compressed.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const TABLE = "table of contents";

function open(bytes: Buffer, limits = {}) {
  const { status, note, extracts } = drain(explodeXar(bytes, budgetOf(limits)));
  const files = extracts.filter(({ name }) => name !== TABLE);
  return { status, note, files: files.map(({ name, bytes: content }) => [name, textOf(content)]) };
}

describe("explodeXar() gives files", () => {
  test("in zlib, and says what it is", () => {
    const bytes = buildXar("a.txt", Buffer.from("the content"));
    expect(fileType(bytes)).toBe("xar");
    expect(open(bytes)).toEqual({ status: "clean", note: "", files: [["a.txt", "the content"]] });
  });

  test.each([
    ["octet-stream", Buffer.from("plain"), "plain"],
    ["x-bzip2", BZIP2, textOf(Buffer.from(SAMPLE_TEXT))],
    ["x-xz", XZ, textOf(Buffer.from(SAMPLE_TEXT))],
  ])("in %s", (encoding, packed, content) => {
    const bytes = xarOf(xarFile("a", 0, packed.length, encoding), packed);
    expect(open(bytes).files).toEqual([["a", content]]);
  });

  test("in folders, with names in base64, attributes, and what stands behind them", () => {
    const name = '<name enctype="base64">Yg==</name>';
    const data = "<data><length>3</length><offset>0</offset></data>";
    const attribute = "<ea><name>x</name><length>2</length><offset>3</offset></ea>";
    const folder = `<file><name>dir</name><file>${name}${data}${attribute}</file></file>`;
    expect(open(xarOf(folder, Buffer.from("oneeabehind"))).files).toEqual([
      ["dir/b", "one"],
      ["dir/b (attribute)", "ea"],
      ["data behind the archive", "behind"],
    ]);
  });
});

describe("explodeXar() tells", () => {
  const whole = buildXar("a.txt", Buffer.from("the content"));
  test.each<[string, Buffer, string]>([
    ["a broken header", whole.subarray(0, 20), "damaged"],
    ["a table that is cut", whole.subarray(0, 60), "damaged"],
    ["data that is cut", whole.subarray(0, -4), "damaged"],
    ["a compression nobody knows", xarOf(xarFile("a", 0, 1, "x-odd"), Buffer.of(1)), "unscanned"],
    ["folders without end", xarOf("<file>".repeat(5000), Buffer.alloc(0)), "unscanned"],
  ])("%s", (_, bytes, status) => {
    expect(open(bytes).status).toBe(status as never);
  });

  test("a file that is too large", () => {
    const bytes = buildXar("a", Buffer.alloc(5_000_000));
    expect(open(bytes, { objectSizeMax: 1_000_000 }).status).toBe("unscanned");
  });

  test("each of two names of one file", () => {
    const names = "<name>a.txt</name><name>b.exe</name>";
    const table = `<file>${names}<data><length>1</length></data></file>`;
    expect(open(xarOf(table, Buffer.from("x"))).files).toEqual([["a.txt | b.exe", "x"]]);
  });

  test("no trouble in a sample of another program", () => {
    const folder = join(GW_CORPUS, "containers", "libarchive", "libarchive");
    const file = join(folder, "test_read_format_xar_duplicate_filename_node.xar");
    const files = existsSync(folder) ? open(readFileSync(file)).files : [["File", "\r\n"]];
    expect(files[0]).toEqual(["File", "\r\n"]);
  });
});
