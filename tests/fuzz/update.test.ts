// Files that updates bring, damaged: licences, ClamAV's containers, diffs and signatures, our deltas.
// Each parser refuses in its own words, or gives what it was given before; nothing is thrown that is
// not its own. GW_FUZZ_ROUNDS asks for more rounds of each.
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { generateKey } from "../../src/base/key/signing-key.ts";
import { LicenseError, readEntitlement, signEntitlement } from "../../src/license/entitlement.ts";
import { openMembers } from "../../src/signature/clamav/container.ts";
import { SourceError } from "../../src/signature/source.ts";
import { applyDiff, DiffError, openDiff } from "../../src/update/clamav/cdiff.ts";
import { writeCld } from "../../src/update/clamav/cld.ts";
import { readHeader } from "../../src/update/clamav/header.ts";
import { checkSign, readRoots, SignError } from "../../src/update/clamav/sign.ts";
import { applyDelta } from "../../src/update/delta/apply.ts";
import { makeDelta } from "../../src/update/delta/make.ts";
import { mutated, type Random, random } from "./mutate.ts";

const { GW_FUZZ_ROUNDS = "1500", GW_CORPUS = "../shared/corpus" } = process.env;
const ROUNDS = Number(GW_FUZZ_ROUNDS);
const INPUT = join(GW_CORPUS, "gpl-optional/clamav-unit-tests/unit_tests/input");
/** The roots of the samples end in March 2027. */
const NOW = Date.UTC(2026, 10, 23);

setDefaultTimeout(60_000 + 20 * ROUNDS);

/** How many of the rounds were taken; whatever is thrown must be of that kind. */
function taken(kind: new (...args: never) => Error, seed: number, round: (next: Random) => void) {
  const next = random(seed);
  let count = 0;
  for (let n = 0; n < ROUNDS; n++) {
    try {
      round(next);
      count++;
    } catch (error) {
      expect(error).toBeInstanceOf(kind);
    }
  }
  return count;
}

test("a licence that was changed anywhere is refused", () => {
  const entitlement = {
    ...{ id: "a-1", holder: "Example", feeds: ["site"], from: "2026-01-01", until: "2026-12-31" },
    ...{ trafficPerDay: 0, mailboxes: 10 },
  };
  const text = signEntitlement(entitlement, generateKey());
  const words = ["gw license 1\n", "ed25519 ", '"until":"2999-01-01"', "\n", "{", "null", "\0"];
  const count = taken(LicenseError, 1, (next) => {
    const bytes = mutated(Buffer.from(text), words, next);
    const read = readEntitlement(bytes.toString("utf8"));
    expect(read.entitlement).toEqual(entitlement);
  });
  // Pieces of no length.
  expect(count).toBeLessThan(ROUNDS / 4);
});

test("diffs of any shape are applied or refused", () => {
  const files = ["a.ndb", "b.hdb"].map((name) => ({ name, bytes: Buffer.from("one\ntwo\n3 x\n") }));
  const script =
    "OPEN a.ndb\nDEL 1 one\nXCHG 2 two 2\nADD end\nCLOSE\nMOVE a.ndb b.hdb 1 one 2 two\n";
  const words = [
    "OPEN ",
    "CLOSE\n",
    "UNLINK a.ndb\n",
    "ADD x\n",
    "../",
    "99999999999",
    "-1",
    "DEL ",
  ];
  const count = taken(DiffError, 2, (next) => {
    const made = applyDiff(files, mutated(Buffer.from(script), words, next).toString("latin1"));
    expect(made.every(({ name }) => /^[\w.]+$/.test(name))).toBe(true);
  });
  expect(count).toBeLessThan(ROUNDS);
});

test("diffs whose signature would be right are unpacked or refused", () => {
  const body = gzipSync("UNLINK b.hdb\n");
  const good = Buffer.concat([Buffer.from("ClamAV-Diff:2:13:"), body, Buffer.from(":x")]);
  const words = ["ClamAV-Diff:", ":", "999999999999:", "\x1f\x8b"];
  taken(DiffError, 3, (next) => {
    const bytes = mutated(good, words, next);
    expect(openDiff(bytes, 2, () => true).length).toBeLessThan(1 << 20);
  });
});

test("containers of any shape are refused: none of them is signed", () => {
  const info = {
    name: "a.info",
    bytes: Buffer.from("ClamAV-VDB:1:2:3:4:5:6:7:8\na:1:00\nDSIG:xyz\n"),
  };
  const good = writeCld([info, { name: "a.ndb", bytes: Buffer.from("one\n") }]);
  const words = ["ClamAV-VDB:", "\x1f\x8b\x08", "DSIG:", "\0".repeat(512), "ustar", "7777777777"];
  const count = taken(SourceError, 4, (next) => {
    const bytes = mutated(good, words, next);
    readHeader(bytes);
    openMembers({ path: next(2) === 0 ? "a.cvd" : "a.cld", bytes });
  });
  expect(count).toBe(0);
});

test("a delta that was changed gives a file of the right size or none", () => {
  const old = Buffer.from(
    Array.from({ length: 400 }, (_, n) => `line ${n % 37} of a file\n`).join(""),
  );
  const made = Buffer.concat([old.subarray(0, 5000), Buffer.from("inserted"), old.subarray(4000)]);
  const delta = Buffer.from(makeDelta(old, made));
  const count = taken(RangeError, 5, (next) => {
    const size = next(4) === 0 ? next(20_000) : made.length;
    const file = applyDelta(
      old,
      mutated(delta, ["gwd\x01", "\x28\xb5\x2f\xfd", "\xff\xff"], next),
      size,
    );
    if (file !== undefined) expect(file.length).toBe(size);
  });
  expect(count).toBe(ROUNDS);
});

test.skipIf(!existsSync(INPUT))(
  "a .sign file that was changed is refused, or signs as before",
  () => {
    const files = join(INPUT, "freshclam_testfiles");
    const content = readFileSync(join(files, "test-1.cvd"));
    const sign = readFileSync(join(files, "test-1.cvd.sign"));
    const roots = readRoots(join(INPUT, "signing/verify"));
    const words = ["#clamsign-1.0\n", "230::pkcs7-pem:", "MIID", "\n", "=", "AAAA"];
    taken(SignError, 6, (next) => {
      checkSign(mutated(sign, words, next).toString("latin1"), content, roots, NOW);
    });
    const other = Buffer.concat([content, Buffer.from("x")]);
    const count = taken(SignError, 7, (next) => {
      checkSign(mutated(sign, words, next).toString("latin1"), other, roots, NOW);
    });
    expect(count).toBe(0);
  },
);
