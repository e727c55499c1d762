// docs/gwdb.md says byte by byte what an image is; this holds it to the code.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { HASH_KINDS, SECTIONS, sealImage } from "../../src/gwdb/image.ts";

const doc = readFileSync("docs/gwdb.md", "utf8");
const core = readFileSync("wasm/core.h", "utf8");

const rows = doc.split("\n").flatMap((line) => {
  const cells = line.split("|").map((cell) => cell.trim());
  return cells.length > 3 ? [cells.slice(1, -1)] : [];
});

/** Fields of the table under a heading, as `type name at`. */
function fieldsOf(heading: string): string[] {
  const section = doc.split(/^##+ /m).find((text) => text.startsWith(heading)) ?? "";
  return [...section.matchAll(/^\| (\d+) \| (u\d+(?:\[\d+\])?) \| (\w+) \|/gm)].map(
    ([, at, type, name]) => `${type} ${name} ${at}`,
  );
}

/** Fields of a struct in core.h, likewise; all are aligned to their size. */
function structOf(name: string): string[] {
  const bodies = [...core.matchAll(/typedef struct \{([^}]*)\} (\w+);/g)];
  const body = bodies.find(([, , found]) => found === name)?.[1] ?? "";
  let at = 0;
  return body
    .replace(/\/\/.*$/gm, "")
    .split(";")
    .flatMap((line) => {
      const [, type = "", names = ""] = /^\s*(u\d+) (.*)$/s.exec(line) ?? [];
      return names.split(",").flatMap((each) => {
        const [, field, count] = /(\w+)(?:\[(\d+)\])?/.exec(each) ?? [];
        if (field === undefined) return [];
        const found = `${type}${count === undefined ? "" : `[${count}]`} ${field} ${at}`;
        at += (Number(type.slice(1)) / 8) * Number(count ?? 1);
        return [found];
      });
    });
}

const sizeOf = (fields: readonly string[]) => {
  const [, bits = "0", count = "1", at = "0"] =
    /^u(\d+)(?:\[(\d+)\])? \w+ (\d+)$/.exec(fields.at(-1) ?? "") ?? [];
  return Number(at) + (Number(bits) / 8) * Number(count);
};

test.each([
  ["Signature, 16 bytes", "Signature"],
  ["Pattern, 32 bytes", "Pattern"],
  ["Anchor, 20 bytes", "Anchor"],
  ["Tier, 52 bytes", "Tier"],
  ["Hash, 20 bytes", "Hash"],
])("%s is as core.h has it", (heading, struct) => {
  expect(fieldsOf(heading)).toEqual(structOf(struct));
  expect(sizeOf(structOf(struct))).toBe(Number(/\d+/.exec(heading)?.[0]));
});

test("every constant of the format stands in the document with its value", () => {
  const constants = [
    ...core.matchAll(/^\s+((?:OP|CONDITION|PATTERN|SIGNATURE|BOUNDARY|HASH)_\w+) = (\d+),/gm),
  ].filter(([, name]) => name !== "HASH_KINDS");
  expect(constants.length).toBeGreaterThan(45);
  const told = new Set(rows.map(([value, name]) => `${name} ${value}`));
  const missing = constants.map(([, name, value]) => `${name} ${value}`);
  expect(missing.filter((one) => !told.has(one))).toEqual([]);
});

/** SOME_SECTION as someSection. */
const keyOf = (name: string) =>
  name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

test("every section stands in the document, as core and host number it", () => {
  const told = rows.flatMap(([kind = "", name = ""]) => {
    return /^[A-Z]+(_(ANCHORS|TIERS))?$/.test(name)
      ? [`${keyOf(name)} ${Number.parseInt(kind, 10)}`]
      : [];
  });
  expect(told).toEqual(Object.entries(SECTIONS).map(([name, kind]) => `${name} ${kind}`));
  const inCore = [...core.matchAll(/^\s+SECTION_([A-Z_]+) = (\d+),/gm)];
  for (const [, name = "", kind] of inCore) expect(told).toContain(`${keyOf(name)} ${kind}`);
  const last = SECTIONS.hashes + HASH_KINDS.length - 1;
  expect(doc).toContain(`| ${SECTIONS.hashes}–${last} | HASHES |`);
});

test("the header is as the document has it", () => {
  const image = sealImage([{ kind: 7, bytes: Buffer.from("abc"), count: 3 }]);
  const view = new DataView(image.buffer);
  const at = (name: string) =>
    Number(
      fieldsOf("Header")
        .find((f) => f.includes(` ${name} `))
        ?.split(" ")[2],
    );
  expect(view.getUint32(at("magic"), true)).toBe(0x42445747);
  expect(doc).toContain(`| version | ${view.getUint32(at("version"), true)} |`);
  expect(view.getUint32(at("size"), true)).toBe(image.length);
  expect(view.getUint32(at("sections"), true)).toBe(1);
  expect(view.getBigUint64(at("checksum"), true)).toBe(Bun.hash.xxHash3(image.subarray(24)));
  expect(new Uint32Array(image.buffer, 32, 4)).toEqual(new Uint32Array([7, 64, 3, 3]));
});
