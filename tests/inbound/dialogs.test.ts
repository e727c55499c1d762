// Runs every transcript of tests/dialogs and of the folders in it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Glob } from "bun";
import { countExchanges, runDialog } from "../harness/dialog.ts";

const DIALOGS = join(import.meta.dir, "../dialogs");
const names = [...new Glob("**/*.smtp").scanSync(DIALOGS)].sort();
const read = (name: string) => readFileSync(join(DIALOGS, name), "utf8");
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-dialogs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the transcripts of each folder are numbered without gaps", () => {
  for (const each of new Set(names.map(dirname))) {
    const numbers = names
      .filter((name) => dirname(name) === each)
      .map((name) => Number(basename(name).slice(0, 2)));
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
  }
});

test("the transcripts hold 200 exchanges or more", () => {
  const count = names.reduce((sum, name) => sum + countExchanges(read(name)), 0);
  console.log(`${names.length} transcripts with ${count} exchanges`);
  expect(count).toBeGreaterThanOrEqual(200);
});

test.each(names)("the dialog %s goes as written", async (name) => {
  await runDialog(read(name), folder);
});
