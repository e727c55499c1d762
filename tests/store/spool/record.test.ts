import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import {
  decodeSegmentHeader,
  encodeRecord,
  encodeSegmentHeader,
  type RecordEntry,
  readSegment,
  recordSize,
} from "../../../src/store/spool/record.ts";

const nonce = randomBytes(8);

const entry = (parts: Partial<RecordEntry> = {}): RecordEntry => {
  const body = Buffer.from("a body");
  return { place: "queue", json: Buffer.from('{"id":"1"}'), body, bodySize: body.length, ...parts };
};

function segment(entries: readonly RecordEntry[]): Buffer {
  const parts = [encodeSegmentHeader(nonce, 7)];
  entries.forEach((one, index) => {
    const bytes = Buffer.alloc(recordSize(one), "?");
    encodeRecord(bytes, 0, one, { nonce, sequence: 7 + index });
    parts.push(bytes);
  });
  return Buffer.concat(parts);
}

test("a segment's header comes back, and not from damaged bytes", () => {
  const header = encodeSegmentHeader(nonce, 2 ** 40);
  expect(decodeSegmentHeader(header)).toEqual({ nonce, firstSequence: 2 ** 40 });
  expect(decodeSegmentHeader(header.subarray(0, 31))).toBeUndefined();
  for (let at = 0; at < 28; at++) {
    const spoilt = Buffer.from(header);
    spoilt[at] = (spoilt[at] ?? 0) ^ 1;
    expect(decodeSegmentHeader(spoilt)).toBeUndefined();
  }
});

test.each([
  ["with its body", entry()],
  ["with an empty body", entry({ body: Buffer.alloc(0), bodySize: 0 })],
  ["with its body elsewhere", entry({ body: undefined, bodySize: 2 ** 40 })],
  ["for quarantine", entry({ place: "quarantine", body: undefined, bodySize: 10 })],
])("a record %s comes back", (_, one) => {
  const bytes = segment([one]);
  const [item, ...rest] = readSegment(bytes, nonce);
  expect(rest).toEqual([]);
  expect(item).toMatchObject({
    kind: "record",
    sequence: 7,
    place: one.place,
    hasOwnFile: one.body === undefined,
    bodySize: one.bodySize,
    end: bytes.length,
  });
  if (item?.kind !== "record" || one.body === undefined) return;
  expect(bytes.subarray(item.bodyStart, item.end)).toEqual(Buffer.from(one.body));
});

test("each single damaged byte is noticed and costs one record", () => {
  const sound = segment([entry(), entry(), entry()]);
  const size = (sound.length - 32) / 3;
  for (let at = 32 + size; at < 32 + 2 * size; at++) {
    const bytes = Buffer.from(sound);
    bytes[at] = (bytes[at] ?? 0) ^ 0x40;
    expect([...readSegment(bytes, nonce)].map(({ kind }) => kind)).toEqual([
      "record",
      "damaged",
      "record",
    ]);
  }
});

test("each cut leaves the records before it", () => {
  const sound = segment([entry(), entry()]);
  const size = (sound.length - 32) / 2;
  for (let end = 33; end < sound.length; end++) {
    const kinds = [...readSegment(sound.subarray(0, end), nonce)].map(({ kind }) => kind);
    const whole = Math.floor((end - 32) / size);
    const torn = (end - 32) % size === 0 ? [] : ["torn"];
    expect(kinds).toEqual([...Array(whole).fill("record"), ...torn] as never);
  }
});

test("thousands of damaged stretches are read in bounded steps", () => {
  const parts = Array.from({ length: 3_000 }, () =>
    Buffer.concat([Buffer.from("junk"), segment([entry()]).subarray(32)]),
  );
  const bytes = Buffer.concat([encodeSegmentHeader(nonce, 7), ...parts]);
  const kinds = [...readSegment(bytes, nonce)].map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === "damaged").length).toBe(1_001);
  expect(kinds.at(-1)).toBe("damaged");
});
