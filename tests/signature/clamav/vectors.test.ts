// Signature and sample pairs with the verdict of clamscan 1.4.6. Where gw decides otherwise on
// purpose, it stands in DIFFERENCES and in docs/signatures.md.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { scanningWith } from "./scanning.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const FILE = `${CORPUS}/signatures/clamav-oracle-vectors/vectors.json`;

interface Vector {
  readonly id: string;
  readonly ext: string;
  readonly db: string;
  readonly sample_base64: string;
  readonly clamav_1_4_6: "match" | "clean" | "load-error";
}

type Verdict = "match" | "clean";

const DIFFERENCES: Readonly<Record<string, { readonly verdict: Verdict; readonly why: string }>> = {
  "ndb.blank": { verdict: "match", why: "an empty line is no reason to refuse a file" },
  "hdb.badline": { verdict: "match", why: "a malformed line costs only itself" },
  "bc.bof0": { verdict: "match", why: "numbers at offset 0 are compared like all others" },
  "neg.only": { verdict: "clean", why: "what holds for every object is refused" },
};

async function verdictOf({ ext, db, sample_base64 }: Vector): Promise<Verdict> {
  const scanning = await scanningWith([{ path: `x.${ext}`, bytes: Buffer.from(db, "latin1") }]);
  const { names } = scanning.scan(Buffer.from(sample_base64, "base64"));
  return names.length > 0 ? "match" : "clean";
}

const vectors: readonly Vector[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, "utf8")) : [];

test("gw and ClamAV agree on signature and sample, but for what is listed", async () => {
  const wrong: string[] = [];
  for (const vector of vectors) {
    const verdict = await verdictOf(vector);
    // A file that ClamAV refuses to load finds nothing, as one line of it does here.
    const theirs = vector.clamav_1_4_6 === "match" ? "match" : "clean";
    const expected = DIFFERENCES[vector.id]?.verdict ?? theirs;
    if (verdict !== expected) wrong.push(`${vector.id}: ${verdict} for ${vector.db}`);
  }
  expect(wrong).toEqual([]);
}, 60_000);
