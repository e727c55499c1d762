import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { handOut } from "../../../src/update/publish/hand-out.ts";
import { temporaryFolder } from "../../harness/feed.ts";

const folder = temporaryFolder();
const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  handOut(new Request(`http://127.0.0.1${path}`, { headers, method }), folder);

beforeAll(() => {
  for (const name of ["metadata", "targets/lists", "site/metadata", "keys"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, "metadata/timestamp.json"), "{}");
  writeFileSync(join(folder, "metadata/1.root.json"), "{}");
  writeFileSync(join(folder, "site/metadata/1.root.json"), "{}");
  writeFileSync(join(folder, "targets/lists/a.ndb"), "0123456789");
  writeFileSync(join(folder, "targets/.hidden"), "secret");
  writeFileSync(join(folder, "keys/root.key"), "secret");
  writeFileSync(join(folder, "feed.json"), "secret");
  symlinkSync(join(folder, "keys/root.key"), join(folder, "targets/link"));
  symlinkSync(join(folder, "keys"), join(folder, "targets/folder"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("documents and targets are handed out", async () => {
  const response = ask("/metadata/timestamp.json");
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-cache");
  expect(await response.text()).toBe("{}");
  expect(ask("/metadata/1.root.json").headers.get("cache-control")).toContain("immutable");
  expect(await ask("/targets/lists/a.ndb").text()).toBe("0123456789");
  expect(ask("/site/metadata/1.root.json").status).toBe(200);
});

test.each([
  "/",
  "/metadata",
  "/metadata/",
  "/feed.json",
  "/keys/root.key",
  "/targets/../keys/root.key",
  "/targets/..%2fkeys%2froot.key",
  "/targets/%2e%2e/keys/root.key",
  "/targets/.hidden",
  "/targets/link",
  "/targets/folder/root.key",
  "/targets/lists",
  "/targets/a%00",
  "/targets/%zz",
  "/a/b/metadata/1.root.json",
  `/targets/${"a".repeat(2000)}`,
])("%s is not here", (path) => {
  expect(ask(path).status).toBe(404);
});

test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s is not allowed", (method) => {
  const response = ask("/metadata/timestamp.json", {}, method);
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("GET, HEAD");
});

test("HEAD tells the size and sends nothing", async () => {
  const response = ask("/targets/lists/a.ndb", {}, "HEAD");
  expect(response.headers.get("content-length")).toBe("10");
  expect(await response.text()).toBe("");
});

describe("conditional requests", () => {
  test("a known tag or time is answered with 304", () => {
    const { headers } = ask("/metadata/timestamp.json");
    const tag = headers.get("etag") ?? "";
    const time = headers.get("last-modified") ?? "";
    expect(ask("/metadata/timestamp.json", { "if-none-match": tag }).status).toBe(304);
    expect(ask("/metadata/timestamp.json", { "if-none-match": `"x", ${tag}` }).status).toBe(304);
    expect(ask("/metadata/timestamp.json", { "if-none-match": '"x"' }).status).toBe(200);
    expect(ask("/metadata/timestamp.json", { "if-modified-since": time }).status).toBe(304);
    const both = { "if-none-match": '"x"', "if-modified-since": time };
    expect(ask("/metadata/timestamp.json", both).status).toBe(200);
  });
});

describe("ranges", () => {
  test.each([
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=5-99", 206, "56789", "bytes 5-9/10"],
    ["bytes=10-", 416, "", "bytes */10"],
    ["bytes=-0", 416, "", "bytes */10"],
    ["bytes=5-3", 200, "0123456789", null],
    ["bytes=0-1,4-5", 200, "0123456789", null],
    ["lines=1-2", 200, "0123456789", null],
  ])("%s", async (range, status, text, contentRange) => {
    const response = ask("/targets/lists/a.ndb", { range });
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(text);
    expect(response.headers.get("content-range")).toBe(contentRange);
  });

  test("a range of another state of the file is all of it", () => {
    const headers = { range: "bytes=5-", "if-range": '"other"' };
    expect(ask("/targets/lists/a.ndb", headers).status).toBe(200);
  });
});
