import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { explodeGzip } from "../../src/unpack/gzip.ts";
import { budgetOf, drain, textOf } from "../harness/extracts.ts";

function gunzip(bytes: Uint8Array) {
  const found = drain(explodeGzip(bytes, budgetOf()));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

// Puts optional header fields into a plain gzip stream. RFC 1952 §2.3.
function withFields(flags: number, fields: string): Buffer {
  const plain = Buffer.from(gzipSync("hello"));
  plain[3] = flags;
  return Buffer.concat([plain.subarray(0, 10), Buffer.from(fields, "latin1"), plain.subarray(10)]);
}

test.each<[string, Buffer, string]>([
  ["no name", gzipSync("hello"), "content"],
  ["a name", withFields(8, "a.txt\0"), "a.txt"],
  ["all fields", withFields(30, "\x02\0xxa.txt\0comment\0cc"), "a.txt"],
  ["a name with a path", withFields(8, "../../a.txt\0"), "../../a.txt"],
])("explodeGzip() reads a stream with %s", (_, bytes, name) => {
  expect(gunzip(bytes)).toEqual({ status: "clean", note: "", files: [[name, "hello"]] });
});

test("explodeGzip() joins members as readers do", () => {
  const bytes = Buffer.concat([gzipSync("one "), gzipSync("two")]);
  expect(gunzip(bytes).files).toEqual([["content", "one two"]]);
});

test("explodeGzip() gives what stands behind the stream, but not padding", () => {
  const padded = Buffer.concat([gzipSync("x"), Buffer.alloc(500)]);
  expect(gunzip(padded).files.length).toBe(1);
  const followed = Buffer.concat([gzipSync("x"), Buffer.from("hidden")]);
  expect(gunzip(followed).files[1]).toEqual(["data behind the gzip stream", "hidden"]);
});

test("explodeGzip() gives what a broken stream holds", () => {
  const content = Array.from({ length: 9000 }, (_, i) => `${i * i} `).join("");
  const whole = gzipSync(content);
  const cut = gunzip(whole.subarray(0, whole.length / 2));
  expect(cut.status).toBe("damaged");
  expect(cut.files[0]?.[1]?.length).toBeGreaterThan(1000);
  const wrong = Buffer.from(whole);
  wrong.writeUInt32LE(1, wrong.length - 8);
  expect(gunzip(wrong)).toMatchObject({ status: "damaged", note: "checksum does not match" });
  expect(gunzip(wrong).files[0]?.[1]).toBe(content);
});

test.each<[string, Buffer]>([
  ["nothing", Buffer.alloc(0)],
  ["no magic", Buffer.from("hello")],
  ["a header alone", gzipSync("x").subarray(0, 10)],
  ["a name without end", withFields(8, "name").subarray(0, 14)],
])("explodeGzip() of %s is damaged", (_, bytes) => {
  expect(gunzip(bytes).status).toBe("damaged");
});

test("explodeGzip() is bounded in size and members", () => {
  const bomb = gzipSync(Buffer.alloc(8 << 20));
  const found = drain(explodeGzip(bomb, budgetOf({ objectSizeMax: 1 << 20 })));
  expect(found).toMatchObject({ status: "unscanned", extracts: [] });
  const many = Buffer.concat(Array<Buffer>(3000).fill(gzipSync("x")));
  expect(gunzip(many).status).toBe("unscanned");
});
