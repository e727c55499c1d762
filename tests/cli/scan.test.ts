import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../src/cli/program.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { eicar, emptyFolder, gw, mailWith } from "./mail-folder.ts";

const { folder, remove } = emptyFolder();
const at = (name: string) => join(folder, name);
const OWN = [
  "signature Own.Test.Word",
  "  severity     infected",
  '  description  "A word of the test."',
  '  text $word   "frobnicated"',
  "  condition    $word",
  "end",
].join("\n");

beforeAll(() => {
  mkdirSync(at("mixed/inner"), { recursive: true });
  writeFileSync(at("clean.eml"), mailWith("nothing"));
  writeFileSync(at("mixed/a.eml"), mailWith(eicar()));
  writeFileSync(at("mixed/b.txt"), "plain text, frobnicated");
  writeFileSync(at("mixed/inner/c.com"), eicar());
  writeFileSync(
    at("small.toml"),
    '[scan]\nobject_size_max = "64KB"\n[inbound]\nmessage_size_max = "64KB"\n',
  );
  writeFileSync(at("large.bin"), Buffer.alloc(65_537, "x"));
  writeFileSync(at("own.gws"), OWN);
});
afterAll(remove);

const jsonLines = (out: string) => out.match(/.+\n/g)?.map((line) => JSON.parse(line)) ?? [];

describe("gw scan", () => {
  test("of a clean mail exits 0 and shows tree and decoded header", async () => {
    const { code, out } = await gw("scan", at("clean.eml"));
    expect(code).toBe(0);
    expect(out).toStartWith(`${at("clean.eml")}: clean\n  From:    "Jürgen" <j@example.org>\n`);
    expect(out).toMatch(/\n {2}clean\.eml {2}mail, \d+ B {2}clean\n {2}└─ a\.com .* clean\n$/);
  });

  test("of a folder with EICAR in it exits 1 and sums up", async () => {
    const { code, out } = await gw("scan", at("mixed"));
    expect(code).toBe(1);
    expect(out).toContain(`${at("mixed/b.txt")}: clean\n`);
    expect(out.match(/infected Gw\.Test\.EICAR at byte 0/g)).toHaveLength(2);
    expect(out).toMatch(/\n3 files, 2 infected, \d+\.\d\d s\n$/);
  });

  test("--json gives one line per file, in order, with the promised fields only", async () => {
    const { code, out } = await gw("scan", "--json", at("mixed"), at("clean.eml"));
    const lines = jsonLines(out);
    expect(code).toBe(1);
    expect(lines.map(({ file, verdict }) => [file, verdict])).toEqual([
      [at("mixed/a.eml"), "infected"],
      [at("mixed/b.txt"), "clean"],
      [at("mixed/inner/c.com"), "infected"],
      [at("clean.eml"), "clean"],
    ]);
    expect(lines[0].objects[1]).toEqual({
      path: "a.eml › a.com",
      type: "text",
      size: 68,
      status: "infected",
      findings: [{ signature: "Gw.Test.EICAR", offset: 0 }],
    });
  });

  test("of what cannot be read exits 2, or 1 if something else is infected", async () => {
    const missing = await gw("scan", "--json", at("none"), at("clean.eml"));
    expect(missing.code).toBe(2);
    expect(missing.err).toBe(`gw: ${at("none")}: no such file\n`);
    expect(jsonLines(missing.out)[0]).toEqual({
      file: at("none"),
      verdict: "error",
      error: "no such file",
      objects: [],
    });
    expect((await gw("scan", at("none"), at("mixed"))).code).toBe(1);
  });

  test("never calls clean what is too large to be scanned", async () => {
    const { code, out } = await gw("scan", "--config", at("small.toml"), at("large.bin"));
    expect(code).toBe(2);
    expect(out).toContain("unscanned");
    expect(out).toContain("larger than 64.0 KB (scan.object_size_max)");
  });

  test("--signatures uses exactly the signatures that are named", async () => {
    const answer = await gw("scan", "--json", "--signatures", at("own.gws"), at("mixed"));
    const verdicts = jsonLines(answer.out).map(({ verdict }) => verdict);
    expect(verdicts).toEqual(["clean", "infected", "clean"]);
  });

  test("--signatures takes other people's formats", async () => {
    const hex = Buffer.from("frobnicated").toString("hex");
    writeFileSync(at("theirs.ndb"), `broken:0\nTheir.Word-1:0:*:${hex}\n`);
    const { out } = await gw("scan", "--json", "--signatures", at("theirs.ndb"), at("mixed/b.txt"));
    expect(jsonLines(out)[0].objects[0].findings).toEqual([
      { signature: "Their.Word-1", offset: 12 },
    ]);
  });

  test("--signatures with mistakes in them is an error with line and column", async () => {
    writeFileSync(at("bad.gws"), "signature Own.Bad.Word\n  severity  terrible\nend\n");
    const work = gw("scan", "--signatures", at("bad.gws"), at("clean.eml"));
    await expect(work).rejects.toThrow(/bad\.gws:2:\d+: /);
    await expect(gw("scan", "--signatures", at("none"), at("clean.eml"))).rejects.toThrow(
      "no such file",
    );
  });

  test("shows progress to those who look, and leaves no trace of it", async () => {
    const terminal = fakeTerminal({ isWatched: true });
    await run(["scan", at("mixed")], terminal);
    expect(terminal.printed.err).toMatch(/^\[#+-*\] \d\/3 /);
    expect(terminal.printed.err).toEndWith("\r\u001b[K");
    expect(terminal.printed.out).not.toContain("\u001b");
  });
});
