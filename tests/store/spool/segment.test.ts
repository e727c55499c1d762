import { afterEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readSegment, SEGMENT_HEADER_SIZE } from "../../../src/store/spool/record.ts";
import {
  type Acceptance,
  type Accepted,
  SegmentLog,
  segmentPath,
} from "../../../src/store/spool/segment.ts";
import { sampleRecord } from "../sample-record.ts";
import { cleanUp, FaultyDisk, KeptLog, ManualClock, newId, tempFolder } from "../samples.ts";

afterEach(cleanUp);

const nonce = Buffer.from("nonce678");

function newLog(segmentSizeMax = 1_000_000) {
  const dataDir = tempFolder();
  mkdirSync(join(dataDir, "spool"));
  const disk = new FaultyDisk();
  const log = new KeptLog();
  const groups: Accepted[][] = [];
  const refused: number[] = [];
  const segments = new SegmentLog({
    disk,
    dataDir,
    log,
    clock: new ManualClock(),
    segmentSizeMax,
    nextNumber: 3,
    nextSequence: 10,
    randomBytes: () => nonce,
    onAccepted: (group) => groups.push([...group]),
    onRefused: (sequence) => refused.push(sequence),
  });
  return { dataDir, disk, log, groups, refused, segments };
}

function newEntry(size = 100, file?: string): Acceptance {
  const record = sampleRecord(newId());
  const text = JSON.stringify(record);
  const body = file === undefined ? Buffer.alloc(size, "b") : undefined;
  return { place: "queue", record, text, json: Buffer.from(text), body, bodySize: size, file };
}

test("append() writes groups in order, and says where each body starts", async () => {
  const { dataDir, groups, segments, disk } = newLog();
  const entries = [newEntry(), newEntry(50, "spool/large/x"), newEntry(0)];
  await Promise.all(entries.map((entry) => segments.append(entry)));
  expect(groups.flat().map(({ sequence }) => sequence)).toEqual([10, 11, 12]);
  expect([groups.length, disk.syncs]).toEqual([1, 1]);
  const bytes = readFileSync(segmentPath(dataDir, 3));
  const found = [...readSegment(bytes, nonce)].map((item) =>
    item.kind === "record" ? [item.sequence, item.json.toString(), item.bodyStart] : item,
  );
  const [first, second, third] = groups.flat();
  expect(second?.location).toEqual({ file: "spool/large/x" });
  const starts = found.map((item) => (Array.isArray(item) ? item[2] : -1));
  expect([first?.location, third?.location]).toEqual([
    { segment: 3, start: starts[0] as number },
    { segment: 3, start: starts[2] as number },
  ]);
  expect(found.map((item) => Array.isArray(item) && item[1])).toEqual(
    entries.map(({ text }) => text),
  );
});

test("what comes during a flush shares the next one", async () => {
  const { groups, segments } = newLog();
  const first = segments.append(newEntry());
  await null;
  await null;
  const others = [1, 2, 3].map(() => segments.append(newEntry()));
  await Promise.all([first, ...others]);
  expect(groups.map(({ length }) => length)).toEqual([1, 3]);
});

test("a group is bounded in bytes and in messages", async () => {
  const { groups, segments } = newLog(100_000_000);
  const large = Array.from({ length: 3 }, () => segments.append(newEntry(5_000_000)));
  await Promise.all(large);
  expect(groups.map(({ length }) => length)).toEqual([1, 1, 1]);
  const many = Array.from({ length: 1_500 }, () => segments.append(newEntry(10)));
  await Promise.all(many);
  expect(groups.slice(3).map(({ length }) => length)).toEqual([1_000, 500]);
});

test("a full segment is sealed after its rows were given on, and the next one begun", async () => {
  const { groups, segments } = newLog(2_000);
  await segments.append(newEntry(2_000));
  await segments.append(newEntry(10));
  expect([...segments.sealed.keys()]).toEqual([3]);
  expect(groups.flat().map(({ location }) => "segment" in location && location.segment)).toEqual([
    3, 4,
  ]);
  expect(segments.current?.number).toBe(4);
});

test("a failed group is cut off, its numbers are given up, and the next segment begun", async () => {
  const { dataDir, disk, groups, refused, segments, log } = newLog();
  disk.faults.set("sync", "EIO");
  const failing = [segments.append(newEntry()), segments.append(newEntry())];
  const ends = await Promise.allSettled(failing);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(refused).toEqual([11]);
  expect(log.events("error")[0]).toBe("segment-clean-up-failed");
  disk.faults.clear();
  await segments.append(newEntry());
  expect(groups.flat().map(({ sequence, location }) => [sequence, location])).toMatchObject([
    [12, { segment: 4 }],
  ]);
  expect(readFileSync(segmentPath(dataDir, 3)).length).toBe(SEGMENT_HEADER_SIZE);
});

test("sealIdle() lets a waiting commit go first into a new segment", async () => {
  const { groups, segments } = newLog();
  await segments.append(newEntry());
  const sealed = segments.sealIdle();
  const next = segments.append(newEntry());
  expect(await sealed).toBe(true);
  await next;
  expect(groups.flat().map(({ location }) => "segment" in location && location.segment)).toEqual([
    3, 4,
  ]);
});

test("close() waits for what is under way", async () => {
  const { groups, segments } = newLog();
  const pending = [segments.append(newEntry()), segments.append(newEntry())];
  await segments.close();
  expect([groups.flat().length, segments.current]).toEqual([2, undefined]);
  await Promise.all(pending);
});
