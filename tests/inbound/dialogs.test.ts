// Runs every transcript of tests/dialogs.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runDialog } from "../harness/dialog.ts";

const DIALOGS = join(import.meta.dir, "../dialogs");
const names = readdirSync(DIALOGS).filter((name) => name.endsWith(".smtp"));
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-dialogs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("there are transcripts, numbered without gaps", () => {
  const numbers = names.map((name) => Number(name.slice(0, 2))).sort((a, b) => a - b);
  expect(numbers).toEqual(names.map((_, at) => at + 1));
});

test.each(names)("the dialog %s goes as written", async (name) => {
  await runDialog(readFileSync(join(DIALOGS, name), "utf8"), folder);
});
