// Over every mail of the corpus: after one part is removed or replaced, all else is as it was, and
// another parser sees the planned attachments. tests/e2e/parts.ts does it through the executable.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import type { ScannedObject } from "../../src/message.ts";
import { openMail } from "../../src/treat/mail/mail.ts";
import { mailWith, treatMail } from "./orders.ts";
import { isRestUnchanged, otherParserOn, ownParts } from "./part-checks.ts";

const { GW_CORPUS = join("..", "shared", "corpus"), GW_TREAT_PARTS = "2" } = process.env;
const FOLDER = join(GW_CORPUS, "mime");
/** Parts of one mail that are treated, each by itself. */
const PARTS_MAX = Number(GW_TREAT_PARTS);
const SIZE_MAX = 1 << 20;

function samples(): { readonly name: string; readonly bytes: Buffer }[] {
  const made = mailWith({ name: "a.pdf", bytes: "%PDF-1.4 not much of one" });
  if (!existsSync(FOLDER)) return [{ name: "made", bytes: made }];
  const names = [...new Glob("**/*").scanSync(FOLDER)].sort();
  const read = names.map((name) => ({ name, bytes: readFileSync(join(FOLDER, name)) }));
  return [{ name: "made", bytes: made }, ...read.filter(({ bytes }) => bytes.length <= SIZE_MAX)];
}

const counts = { mails: 0, edits: 0, refused: 0, agrees: 0, differs: 0, beyond: 0 };

async function checkPart(bytes: Buffer, object: ScannedObject): Promise<void> {
  const content = openMail(bytes).read(object);
  for (const action of ["remove", "placeholder", "rename"] as const) {
    const result = treatMail(bytes, action, { choose: (one) => one.id === object.id });
    if (result.kind === "untreatable") {
      counts.refused++;
      continue;
    }
    counts.edits++;
    const after = Buffer.from(result.bytes);
    expect(isRestUnchanged(bytes, after, object)).toBe(true);
    if (action === "remove" && content !== undefined && content.length > 0) {
      counts[await otherParserOn(bytes, after, content)]++;
    }
  }
}

test("treating one part leaves all others byte for byte as they were", async () => {
  for (const { name, bytes } of samples()) {
    counts.mails++;
    try {
      for (const part of ownParts(bytes).slice(-PARTS_MAX)) await checkPart(bytes, part);
    } catch (error) {
      throw new Error(`in ${name}`, { cause: error });
    }
    expect([name, counts.differs]).toEqual([name, 0]);
  }
  console.log(JSON.stringify(counts));
  expect(counts.edits).toBeGreaterThan(0);
  expect(counts.agrees).toBeGreaterThan(0);
}, 300_000);
