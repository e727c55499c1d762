// Over every mail of the corpus: after one part is removed or replaced, all else is as it was, and
// another parser sees the planned attachments.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import type { ScannedObject } from "../../src/message.ts";
import { openMail } from "../../src/treat/mail/mail.ts";
import { attachmentsOf, look, mailWith, treatMail } from "./orders.ts";

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

const counts = { mails: 0, edits: 0, refused: 0, agreed: 0, beyondOtherParser: 0 };

// Header lines and the delimiter line of the part are as far as an edit may reach in front of it.
function headerStart(bytes: Buffer, object: ScannedObject): number {
  const start = object.place?.start ?? 0;
  const delimiter = bytes.lastIndexOf("\n--", Math.max(0, start - 3));
  return Math.max(0, delimiter);
}

function expectOnlyPartChanged(before: Buffer, after: Buffer, object: ScannedObject): void {
  const start = headerStart(before, object);
  const rest = before.subarray(object.place?.end);
  expect(after.subarray(0, start).equals(before.subarray(0, start))).toBe(true);
  expect(after.subarray(after.length - rest.length).equals(rest)).toBe(true);
}

// The attachments another parser sees, as hashes, with the one that goes left out of the first list.
async function expectSameAttachments(before: Buffer, after: Buffer, gone: Buffer): Promise<void> {
  const of = async (bytes: Buffer) => (await attachmentsOf(bytes)).map((one) => one.checksum);
  const old = await of(before).catch(() => undefined);
  if (old === undefined) {
    counts.beyondOtherParser++;
    return;
  }
  const hash = createHash("md5").update(gone).digest("hex");
  const at = old.indexOf(hash);
  if (at < 0) {
    // Ours is a text there, or the other parser decodes it in another way.
    counts.beyondOtherParser++;
    return;
  }
  // Of two attachments of the same content either may have been the one; a text may also be what
  // stands in an attachment once more, and was not in that list itself.
  const rest = old.filter((_, index) => index !== at).sort();
  const left = (await of(after)).sort();
  if (left.length === old.length && left.includes(hash)) {
    expect(left).toEqual([...old].sort());
    counts.beyondOtherParser++;
    return;
  }
  expect(left).toEqual(rest);
  counts.agreed++;
}

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
    expectOnlyPartChanged(bytes, after, object);
    if (action === "remove" && content !== undefined && content.length > 0) {
      await expectSameAttachments(bytes, after, Buffer.from(content));
    }
  }
}

// What is found in a text without being a part of its own is treated by treating that text.
function isInside({ place: a }: ScannedObject, { place: b }: ScannedObject): boolean {
  if (a === undefined || b === undefined || a === b) return false;
  return b.start <= a.start && a.end <= b.end && a.end - a.start < b.end - b.start;
}

test("treating one part leaves all others byte for byte as they were", async () => {
  for (const { name, bytes } of samples()) {
    counts.mails++;
    const all = look(bytes).objects.filter((one) => one.parent === 0 && one.place);
    const parts = all.filter((one) => !all.some((other) => isInside(one, other)));
    try {
      for (const part of parts.slice(-PARTS_MAX)) await checkPart(bytes, part);
    } catch (error) {
      throw new Error(`in ${name}`, { cause: error });
    }
  }
  console.log(JSON.stringify(counts));
  expect(counts.edits).toBeGreaterThan(0);
  expect(counts.agreed).toBeGreaterThan(0);
}, 300_000);
