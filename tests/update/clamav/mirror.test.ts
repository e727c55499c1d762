import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FeedSettings } from "../../../src/config/tables.ts";
import { sourceOf } from "../../../src/pipeline/update/feeds.ts";
import { openMembers } from "../../../src/signature/clamav/container.ts";
import { type Fetched, UpdateError } from "../../../src/update/source.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const INPUT = `${CORPUS}/gpl-optional/clamav-unit-tests/unit_tests/input`;
const CHAIN = `${INPUT}/freshclam_testfiles`;
const hasChain = existsSync(CHAIN);
/** The roots of the samples end in March 2027. */
const clock = { now: () => Date.UTC(2026, 10, 23), steady: () => 0 };
const signal = new AbortController().signal;

let root = "";
let server: ReturnType<typeof Bun.serve>;
let requests: string[] = [];
let fetches = 0;
/** Answers that are not the file's, by path. */
let answers: Record<string, () => Response> = {};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gw-mirror-"));
  for (const name of ["mirror", "use", "folder"]) mkdirSync(join(root, name));
  requests = [];
  answers = {};
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      requests.push(pathname);
      const answer = answers[pathname];
      if (answer !== undefined) return answer();
      const path = join(root, "mirror", pathname);
      if (!existsSync(path)) return new Response("", { status: 404 });
      const bytes = readFileSync(path);
      const etag = `"${Bun.hash(bytes)}"`;
      if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304 });
      return new Response(bytes, { headers: { etag } });
    },
  });
});
afterEach(() => {
  void server.stop(true);
  rmSync(root, { recursive: true, force: true });
});

/** Puts a version on the mirror, as a mirror has it: the whole, the diffs, and their signatures. */
function publish(version: number, { isSigned = true, hasDiffs = true } = {}): void {
  const mirror = join(root, "mirror");
  rmSync(mirror, { recursive: true });
  mkdirSync(mirror);
  cpSync(`${CHAIN}/test-${version}.cvd`, join(mirror, "test.cvd"));
  for (const name of readdirSync(CHAIN)) {
    if (name.endsWith(".cvd") || (name.endsWith(".cdiff") && !hasDiffs)) continue;
    if (name.endsWith(".sign") && !isSigned) continue;
    cpSync(`${CHAIN}/${name}`, join(mirror, name));
  }
}

const settings = {
  ...{ name: "c", type: "clamav", enabled: true, folder: "", root: "", databases: ["test"] },
  ...{ interval: 1, age_max: 1, size_max: 1e6, proxy: "", proxy_login: "", licence_key: "" },
};

/** A feed that is fetched again and again, as an updater does it. */
function feed(more: Partial<FeedSettings> = {}) {
  const source = sourceOf(
    {
      ...settings,
      urls: [server.url.href],
      certificates: hasChain ? `${INPUT}/signing/verify` : "",
      ...more,
    } as FeedSettings,
    { dataDir: root, clock },
  );
  const state = { kept: {}, offered: {} };
  let previous: string | undefined;
  const fetch = async (): Promise<Fetched> => {
    requests = [];
    const staging = join(root, "use", String(++fetches));
    mkdirSync(staging);
    const offered = structuredClone(state.offered);
    const job = { staging, previous, state: { kept: state.kept, offered }, signal, progress() {} };
    const fetched = await source.fetch(job);
    state.offered = offered;
    if (fetched.kind === "fetched") previous = staging;
    return fetched;
  };
  const fault = async (): Promise<UpdateError> => {
    const error = await fetch().then(
      () => new Error("nothing was thrown"),
      (thrown) => thrown,
    );
    if (!(error instanceof UpdateError)) throw error;
    return error;
  };
  const files = () => readdirSync(previous ?? "").sort();
  const members = () => {
    const [name = ""] = files();
    const bytes = readFileSync(join(previous ?? "", name));
    return openMembers({ path: name, bytes }).map((each) => each.name);
  };
  return { fetch, fault, files, members, state };
}

test("a mirror without the database, and one that gives something else, are told", async () => {
  const { fault } = feed();
  expect((await fault()).message).toMatch(/has no database test/);
  writeFileSync(join(root, "mirror", "test.cvd"), "<html>".repeat(200));
  expect(await fault()).toMatchObject({
    kind: "invalid",
    message: expect.stringMatching(/is no ClamAV container/),
  });
});

describe.skipIf(!hasChain)("a mirror of ClamAV", () => {
  test("gives the whole database once, then nothing while it is the same", async () => {
    publish(1);
    const { fetch, files } = feed();
    expect(await fetch()).toMatchObject({
      kind: "fetched",
      version: "test 1",
      files: ["test.cvd"],
    });
    expect(requests).toEqual(["/test.cvd", "/test.cvd", "/test-1.cvd.sign"]);
    expect(await fetch()).toEqual({ kind: "unchanged", transferred: 0 });
    expect(requests).toEqual(["/test.cvd"]);
    expect(files()).toEqual(["test.cvd"]);
  });

  test("gives diffs after that, of which the same comes as of the whole", async () => {
    publish(1);
    const { fetch, files, members } = feed();
    await fetch();
    publish(3);
    expect(await fetch()).toMatchObject({ kind: "fetched", version: "test 3" });
    expect(requests).toEqual([
      ...["/test.cvd", "/test-2.cdiff", "/test-2.cdiff.sign"],
      ...["/test-3.cdiff", "/test-3.cdiff.sign"],
    ]);
    expect(files()).toEqual(["test.cld"]);
    expect(members().length).toBe(20);
    expect(await fetch()).toMatchObject({ kind: "unchanged" });
  });

  test("gives the whole where a diff is missing, empty or made for another", async () => {
    for (const answer of [
      undefined,
      () => new Response(""),
      () => new Response(readFileSync(`${CHAIN}/test-3.cdiff`)),
    ]) {
      publish(1, { isSigned: false });
      answers = {};
      const { fetch, files } = feed({ certificates: "" });
      await fetch();
      publish(3, { isSigned: false, hasDiffs: answer !== undefined });
      if (answer !== undefined) answers["/test-2.cdiff"] = answer;
      expect(await fetch()).toMatchObject({ kind: "fetched", version: "test 3" });
      expect(files()).toEqual(["test.cvd"]);
    }
  });

  test("is refused when it goes back to an older version", async () => {
    publish(3);
    const { fetch, fault } = feed();
    await fetch();
    publish(1);
    expect(await fault()).toMatchObject({
      kind: "invalid",
      message: expect.stringMatching(/has version 1 of test, which is older than 3/),
    });
  });

  test("is refused when it promises a newer version than it gives", async () => {
    publish(1);
    const newer = readFileSync(`${CHAIN}/test-3.cvd`);
    answers["/test.cvd"] = () =>
      new Response(requests.length === 1 ? newer : readFileSync(`${CHAIN}/test-1.cvd`));
    expect((await feed().fault()).message).toMatch(/is version 1, not 3/);
  });

  test("is refused when a .sign file is wrong, or missing where there was one before", async () => {
    publish(1);
    const { fetch, fault } = feed();
    const other = readFileSync(`${CHAIN}/test-2.cvd.sign`);
    answers["/test-1.cvd.sign"] = () => new Response(other);
    expect((await fault()).message).toMatch(/test-1.cvd.sign: the signature is of another file/);
    answers = {};
    await fetch();
    publish(3, { isSigned: false, hasDiffs: false });
    expect(await fault()).toMatchObject({
      kind: "invalid",
      message: expect.stringMatching(/test-3.cvd.sign is missing, and there was one/),
    });
  });

  test("need not have .sign files if it never had", async () => {
    publish(1, { isSigned: false });
    expect(await feed().fetch()).toMatchObject({ kind: "fetched" });
  });

  test("is left alone for a day after 403, and as long as it says after 429", async () => {
    answers["/test.cvd"] = () => new Response("", { status: 403 });
    expect(await feed().fault()).toMatchObject({
      kind: "refused",
      retryAt: clock.now() + 86_400_000,
    });
    answers["/test.cvd"] = () =>
      new Response("", { status: 429, headers: { "retry-after": "90" } });
    expect(await feed().fault()).toMatchObject({ kind: "refused", retryAt: clock.now() + 90_000 });
    expect(requests.length).toBe(1);
  });

  test("is stood in for by another when it is behind or broken", async () => {
    publish(1);
    answers["/bad/test.cvd"] = () => new Response("", { status: 500 });
    const urls = [`${server.url.href}bad/`, server.url.href];
    expect(await feed({ urls }).fetch()).toMatchObject({ kind: "fetched", version: "test 1" });
  });

  test("is refused when it gives more than the feed may have", async () => {
    publish(1);
    expect(await feed({ size_max: 8000 }).fault()).toMatchObject({ kind: "invalid" });
  });

  test("is refused when a byte of the database is flipped", async () => {
    publish(1);
    const bytes = readFileSync(join(root, "mirror", "test.cvd"));
    bytes[5000] = (bytes[5000] ?? 0) ^ 1;
    writeFileSync(join(root, "mirror", "test.cvd"), bytes);
    expect((await feed().fault()).message).toMatch(/checksum is wrong/);
  });
});

describe.skipIf(!hasChain)("a folder that freshclam keeps", () => {
  const folderFeed = () => feed({ urls: [], folder: join(root, "folder") });
  const put = (from: string, to = from) => cpSync(`${CHAIN}/${from}`, join(root, "folder", to));

  test("is taken when it changes, each container checked", async () => {
    put("test-1.cvd", "test.cvd");
    put("test-1.cvd.sign");
    const { fetch } = folderFeed();
    expect(await fetch()).toMatchObject({ kind: "fetched", version: "test 1" });
    expect(await fetch()).toMatchObject({ kind: "unchanged" });
    put("test-2.cvd", "test.cvd");
    put("test-2.cvd.sign");
    expect(await fetch()).toMatchObject({ kind: "fetched", version: "test 2" });
  });

  test("is refused with a damaged container, or without a .sign file that there was", async () => {
    put("test-1.cvd", "test.cvd");
    put("test-1.cvd.sign");
    const { fetch, fault } = folderFeed();
    await fetch();
    put("test-2.cvd", "test.cvd");
    expect((await fault()).message).toMatch(/test-2.cvd.sign is missing/);
    writeFileSync(
      join(root, "folder", "test.cvd"),
      readFileSync(`${CHAIN}/test-2.cvd`).subarray(0, 8000),
    );
    expect((await fault()).message).toMatch(/checksum is wrong/);
  });
});
