// ClamAV's signed containers, made here with keys of our own; and the project's own, if the corpus
// is at hand.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { CLAMAV_KEYS, openContainer, readDigits } from "../../../src/signature/clamav/container.ts";
import { importClamav } from "../../../src/signature/clamav/importer.ts";
import { ContainerMaker, type Wish } from "../../harness/clamav-container.ts";

const MAKER = new ContainerMaker();
const KEYS = MAKER.keys;
const FILES = { "x.ndb": Buffer.from("Test.One:0:*:616c706861\n"), "x.ign2": Buffer.from("No\n") };

const container = (wish: Partial<Wish> = {}) => MAKER.make({ files: FILES, ...wish });

const open = (bytes: Uint8Array, path = "x.cvd") => openContainer({ path, bytes }, KEYS);

test("openContainer() gives the files of a container whose signatures are right", () => {
  expect(open(container()).map(({ name }) => name)).toEqual(["x.ndb", "x.ign2"]);
});

test("openContainer() trusts the signed list of a .cld, whose header is not signed", () => {
  const bytes = container();
  bytes.fill(0x20, 60, 500);
  const fields = "ClamAV-VDB:01 Jan 2026 00-00 +0000:7:1:90:x:x:me:1767225600";
  bytes.write(fields.padEnd(512), 0);
  expect(open(bytes, "x.cld")).toHaveLength(2);
  expect(() => open(bytes, "x.cvd")).toThrow("the container's checksum is wrong");
});

test.each<[string, string, () => Uint8Array]>([
  ["cut in the header", "the container is cut", () => container().subarray(0, 400)],
  ["not a container", "this is no ClamAV container", () => Buffer.alloc(600, 0x20)],
  [
    "changed in its body",
    "the container's checksum is wrong",
    () => {
      const bytes = container();
      bytes[600] = (bytes[600] ?? 0) ^ 1;
      return bytes;
    },
  ],
  [
    "with another file than listed",
    "x.ndb has a wrong checksum",
    () => container({ listed: { ...FILES, "x.ndb": Buffer.from("Test.Two:0:*:616c706861\n") } }),
  ],
  [
    "with a file more than listed",
    "x.ign2 is not listed in x.info",
    () => container({ listed: { "x.ndb": FILES["x.ndb"] } }),
  ],
  [
    "with a file less than listed",
    "y.ndb is listed and missing",
    () => container({ listed: { ...FILES, "y.ndb": FILES["x.ndb"] } }),
  ],
  [
    "with the list of another one",
    "x.info is of another container than the header",
    () => container({ version: "8" }),
  ],
  [
    "whose file names lead elsewhere",
    "an entry is no plain file",
    () => container({ files: { "../x.ndb": FILES["x.ndb"] } }),
  ],
])("openContainer() refuses a container %s", (_, reason, make) => {
  expect(() => open(make())).toThrow(reason);
});

test("openContainer() refuses what others have signed", () => {
  const bytes = container();
  expect(() => openContainer({ path: "x.cvd", bytes })).toThrow("the header's signature is wrong");
  const keys = { header: KEYS.header, info: CLAMAV_KEYS.info };
  expect(() => openContainer({ path: "x.cvd", bytes }, keys)).toThrow(
    "the signature of x.info is wrong",
  );
});

test("importClamav() reads the files of a container, and reports one that is refused", () => {
  const bytes = container();
  const { signatures, reports } = importClamav(
    [
      { path: "x.cvd", bytes },
      { path: "y.cvd", bytes: bytes.subarray(0, 700) },
    ],
    KEYS,
  );
  expect(signatures.map(({ info, file }) => [info.name, file])).toEqual([
    ["Test.One", "x.cvd/x.ndb"],
  ]);
  const refused = reports.find(({ file }) => file === "y.cvd");
  expect(refused?.diagnostics).toEqual([
    expect.objectContaining({ message: "the container's checksum is wrong" }),
  ]);
});

test("readDigits() reads the lowest digit first, and nothing but digits", () => {
  expect(readDigits("ba")).toBe(1n);
  expect(readDigits("ab")).toBe(64n);
  expect(readDigits("a=")).toBeUndefined();
});

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const OFFICIAL = `${CORPUS}/gpl-optional/clamav-unit-tests/unit_tests/input/freshclam_testfiles`;

test("openContainer() accepts what the ClamAV project has signed", () => {
  const names = ["test-1", "test-2", "test-3"].map((name) => `${OFFICIAL}/${name}.cvd`);
  const there = names.filter((name) => existsSync(name));
  const sizes = there.map((path) => openContainer({ path, bytes: readFileSync(path) }).length);
  expect(sizes).toEqual([2, 2, 18].slice(0, there.length));
});
