import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eicar, emptyFolder, gw, mailWith } from "./mail-folder.ts";

const { folder, remove } = emptyFolder();
const at = (name: string) => join(folder, name);

beforeAll(() => {
  writeFileSync(at("bad.eml"), mailWith(eicar()));
  writeFileSync(at("good.eml"), mailWith("nothing"));
  writeFileSync(at("wrong.gws"), "signature A.B.C\n  severity  terrible\nend\n");
});
afterAll(remove);

describe("gw signatures list", () => {
  test("shows what is in use, and of it what a word finds", async () => {
    const all = await gw("signatures", "list");
    expect(all.out).toMatch(/\n(\d+) of \1 signatures\n$/);
    const { code, out } = await gw("signatures", "list", "eicar");
    expect(code).toBe(0);
    expect(out).toMatch(/^NAME +SEVERITY +DESCRIPTION\nGw\.Test\.EICAR +infected +\S/);
  });

  test("--json gives one value per line", async () => {
    const { out } = await gw("signatures", "list", "--json", "eicar");
    const first = JSON.parse(out.split("\n")[0] ?? "");
    expect(first).toMatchObject({ name: "Gw.Test.EICAR", severity: "infected" });
  });
});

describe("gw signatures compile", () => {
  test("checks a folder, and writes a set that scan takes", async () => {
    const checked = await gw("signatures", "compile", "signatures");
    expect(checked).toMatchObject({ code: 0, err: "" });
    expect(checked.out).toMatch(/^\d+ signatures in \d+ files: no mistakes\n$/);
    const set = at("set.gwdb");
    const written = await gw("signatures", "compile", "signatures", "--output", set);
    expect(written.out).toContain(` -> ${set} (`);
    expect((await gw("scan", "--signatures", set, at("bad.eml"))).code).toBe(1);
    expect(readdirSync(folder)).not.toContain("set.gwdb.new");
  });

  test("says what is wrong where, and writes nothing", async () => {
    const output = at("wrong.gwdb");
    const answer = await gw("signatures", "compile", at("wrong.gws"), "--output", output);
    expect(answer.code).toBe(2);
    expect(answer.err).toMatch(/wrong\.gws:2:\d+: .*terrible/);
    expect(existsSync(output)).toBe(false);
  });

  test("inspect shows what the set consists of, and refuses a damaged one", async () => {
    const set = at("inspected.gwdb");
    await gw("signatures", "compile", "signatures", "--output", set);
    const told = await gw("signatures", "inspect", set);
    expect(told.code).toBe(0);
    expect(told.out).toMatch(/^gwdb-[0-9a-f]{16}: \d+ signatures, /);
    expect(told.out).toMatch(/\nSECTION +ENTRIES +BYTES\nsignatures +\d+ +\d+\n/);
    const outline = JSON.parse((await gw("signatures", "inspect", "--json", set)).out);
    expect(outline.sections).toContainEqual({
      ...{ kind: 64, name: "metadata", bytes: expect.any(Number), entries: outline.signatures },
    });
    expect(outline.tiers[0].entries).toBeGreaterThan(0);
    const bytes = readFileSync(set);
    bytes[bytes.length - 1] = 1;
    writeFileSync(set, bytes);
    expect(gw("signatures", "inspect", set)).rejects.toThrow("its checksum is wrong");
  });

  test("a file that is no compiled set is refused by scan", async () => {
    writeFileSync(at("fake.gwdb"), "not a set");
    const work = gw("scan", "--signatures", at("fake.gwdb"), at("good.eml"));
    await expect(work).rejects.toThrow("fake.gwdb: ");
  });
});

describe("gw signatures test", () => {
  const hit = (name: string, file: string) => gw("signatures", "test", name, at(file));

  test("exits 0 and says where for a hit, 1 for none", async () => {
    const { code, out, err } = await hit("Gw.Test.EICAR", "bad.eml");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`${at("bad.eml")} › a.com (text): hit at byte 0\n`);
    expect(await hit("Gw.Test.EICAR", "good.eml")).toMatchObject({ code: 1 });
  });

  const RULE = `rule Parts { strings: $word = "hello" nocase $re = /wor[l1]d/ $mz = { 4D 5A ?? 00 }
    condition: $word and $re and $mz at 0 }`;
  const logical = ["alpha", "bravo"].map((word) => Buffer.from(word).toString("hex"));
  const SOURCES = {
    "parts.yar": RULE,
    "parts.ldb": `Parts;Engine:81-255,Target:0;0&1&2;${logical[0]};50:${logical[1]};0/al.ha br/`,
  };

  test.each([
    ["parts.yar", "Parts", "Hello world", ["yes $word", "yes $re", "no  $mz"]],
    ["parts.ldb", "Parts", "alpha bravo", ["yes 0", "no  1", "yes 2"]],
  ] as const)("of %s tells which parts are there", async (file, name, text, lines) => {
    writeFileSync(at(file), SOURCES[file]);
    writeFileSync(at("sample.txt"), text);
    const options = ["--signatures", at(file)];
    const { code, out } = await gw("signatures", "test", name, at("sample.txt"), ...options);
    expect(code).toBe(1);
    const shown = out.split("\n").slice(1, 1 + lines.length);
    expect(shown.map((line, i) => line.trim().slice(0, lines[i]?.length))).toEqual([...lines]);
    const json = await gw("signatures", "test", name, at("sample.txt"), ...options, "--json");
    expect(JSON.parse(json.out)).toMatchObject({ isHit: false, parts: { length: lines.length } });
  });

  test("--bench shows what was decided, how often, and what it took", async () => {
    writeFileSync(at("parts.yar"), RULE);
    writeFileSync(at("sample.txt"), "hello world");
    const options = ["--bench", at("sample.txt"), at("none"), "--signatures", at("parts.yar")];
    const { code, out, err } = await gw("signatures", "test", ...options);
    expect({ code, err }).toEqual({ code: 0, err: `gw: ${at("none")}: no such file\n` });
    expect(out).toStartWith("1 files, 1 objects, 11 bytes: scanned in");
    expect(out).toMatch(/\nSIGNATURE +DECIDED +HITS/);
    const json = await gw("signatures", "test", ...options, "--json");
    expect(JSON.parse(json.out)).toMatchObject({ files: 1, objects: 1, bytes: 11 });
  });

  test("of an unknown name or file is an error", async () => {
    await expect(hit("Gw.Test.EICA", "bad.eml")).rejects.toThrow("did you mean Gw.Test.EICAR?");
    await expect(hit("Gw.Test.EICAR", "none")).rejects.toThrow("no such file");
    await expect(hit("Gw.Test.EICAR", ".")).rejects.toThrow("not a file");
  });
});

describe("gw signatures import", () => {
  test("keeps nothing of a set that finds harm in harmless files", async () => {
    mkdirSync(at("wild"), { recursive: true });
    const invoice = Buffer.from("An invoice of 12 EUR").toString("hex");
    writeFileSync(at("wild/wild.ndb"), `Wild.Invoice:0:*:${invoice}\n`);
    const { code, err } = await gw("signatures", "import", at("wild"), "--to", at("tamed"));
    expect(code).toBe(1);
    expect(err).toContain("Wild.Invoice found in the check file invoice.pdf, which is harmless");
    expect(existsSync(at("tamed"))).toBe(false);
    writeFileSync(at("wild/wild.ign2"), "Wild.Invoice\n");
    writeFileSync(
      at("wild/other.ndb"),
      `Tame.Word:0:*:${Buffer.from("nobody writes so").toString("hex")}\n`,
    );
    expect((await gw("signatures", "import", at("wild"), "--to", at("tamed"))).code).toBe(0);
  });

  const line = `Their.Word-1:0:*:${Buffer.from("a word of theirs").toString("hex")}`;

  test("says what was loaded, skipped and wrong, and keeps what is of use", async () => {
    mkdirSync(at("theirs"), { recursive: true });
    writeFileSync(at("theirs/a.ndb"), `${line}\nlate:0:*:616c706861:999\nbroken:0\n`);
    writeFileSync(at("theirs/b.cbc"), "code\n");
    const { code, out } = await gw("signatures", "import", at("theirs"), "--to", at("kept"));
    expect(code).toBe(1);
    expect(out).toContain(`${at("theirs/a.ndb")}: skipped 1: for other versions of the engine\n`);
    expect(out).toContain(`${at("theirs/a.ndb")}:3:1: the line has 2 fields (expected 4 to 6)\n`);
    expect(out).toEndWith(
      `1 signature loaded, 2 skipped, 1 malformed -> 1 file in ${at("kept")}\n`,
    );
    expect(readdirSync(at("kept"))).toEqual(["a.ndb"]);
  });

  test("writes one compiled set that scan takes", async () => {
    writeFileSync(at("good.ndb"), `${line}\n`);
    writeFileSync(at("word.bin"), "here is a word of theirs");
    const answer = await gw("signatures", "import", at("good.ndb"), "--to", at("their.gwdb"));
    expect(answer.code).toBe(0);
    const scanned = await gw("scan", "--signatures", at("their.gwdb"), at("word.bin"));
    expect(scanned.out).toContain("infected Their.Word-1 at byte 8");
  });

  test("--json gives one report per file; nothing loaded is an error", async () => {
    writeFileSync(at("none.ndb"), "broken:0\n");
    const { code, out } = await gw("signatures", "import", "--json", at("none.ndb"));
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ file: at("none.ndb"), loaded: 0, malformed: 1 });
  });
});
