import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { HttpGetter } from "../../src/update/http.ts";
import { below, fromAny } from "../../src/update/mirrors.ts";
import { UpdateError } from "../../src/update/source.ts";

const signal = new AbortController().signal;
const options = { sizeMax: 1000, signal };
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "gw-http-"));
  cleanups.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A server that answers request number n with the n-th text, and closes; the last one remains. */
async function scripted(...answers: readonly string[]) {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    let head = "";
    socket.on("data", (data) => {
      head += data.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      requests.push(head);
      const answer = answers[Math.min(requests.length, answers.length) - 1] ?? "";
      head = "";
      if (answer.endsWith("…")) socket.write(answer.slice(0, -1), "latin1");
      else socket.end(answer, "latin1");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${port}/file`, requests, drop };
}

const ok = (body: string, more = "") =>
  `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

async function faultOf(work: Promise<unknown>): Promise<UpdateError> {
  const error = await work.then(
    () => new Error("nothing was thrown"),
    (thrown) => thrown,
  );
  if (!(error instanceof UpdateError)) throw error;
  return error;
}

describe("HttpGetter.bytes()", () => {
  test("gives the bytes and the marks of a file", async () => {
    const { url, requests } = await scripted(ok("abc", 'ETag: "7"\r\n'));
    const got = await new HttpGetter().bytes(url, options);
    expect(got).toMatchObject({ kind: "got", mark: { etag: '"7"' }, transferred: 3 });
    expect(got.kind === "got" && Buffer.from(got.bytes).toString()).toBe("abc");
    expect(requests[0]).toMatch(/accept-encoding: identity/i);
  });

  test("asks whether a known file has changed", async () => {
    const { url, requests } = await scripted(
      "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n",
    );
    const known = { etag: '"7"', lastModified: "Mon, 23 Nov 2026 02:00:00 GMT" };
    expect(await new HttpGetter().bytes(url, { ...options, known })).toEqual({ kind: "same" });
    expect(requests[0]).toMatch(/if-none-match: "7"/i);
    expect(requests[0]).toMatch(/if-modified-since: Mon, 23 Nov 2026/i);
  });

  const FAULTS = [
    ["403 Forbidden", "refused", /does not give this/],
    ["402 Payment Required", "licence", /wants a licence/],
    ["429 Too Many Requests", "refused", /asks for a pause/],
    ["500 Oops", "unreachable", /in trouble \(HTTP 500\)/],
  ] as const;
  test.each(FAULTS)("speaks of HTTP %s as %s", async (status, kind, says) => {
    const { url } = await scripted(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
    const fault = await faultOf(new HttpGetter().bytes(url, options));
    expect(fault.kind).toBe(kind);
    expect(fault.message).toMatch(says);
  });

  const PAUSES = [
    ["Retry-After: 60\r\n", 60_000],
    ["", 4 * 3_600_000],
    ["Retry-After: 99999999\r\n", 24 * 3_600_000],
    ["Retry-After: soon\r\n", 4 * 3_600_000],
    ["Retry-After: Thu, 01 Jan 1970 00:00:10 GMT\r\n", 9_000],
  ] as const;
  test.each(PAUSES)("heeds %j of a 429 for %d ms", async (field, pause) => {
    const { url } = await scripted(`HTTP/1.1 429 Slow\r\n${field}Content-Length: 0\r\n\r\n`);
    const clock = { now: () => 1000, steady: () => 0 };
    const fault = await faultOf(new HttpGetter({ clock }).bytes(url, options));
    expect(fault.retryAt).toBe(1000 + pause);
  });

  test("tells a file that is not there from a server that has none to give", async () => {
    const { url } = await scripted("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    expect(await new HttpGetter().bytes(url, options)).toEqual({ kind: "missing" });
  });

  test("refuses a file that says it is too large before it comes", async () => {
    const { url } = await scripted(ok("x".repeat(1001)));
    const fault = await faultOf(new HttpGetter().bytes(url, options));
    expect(fault).toMatchObject({
      kind: "invalid",
      message: expect.stringMatching(/larger than the 1000 bytes/),
    });
  });

  test("stops reading an endless file that does not say so", async () => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () =>
        new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(500)) })),
    });
    cleanups.push(() => void server.stop(true));
    const fault = await faultOf(new HttpGetter().bytes(server.url.href, options));
    expect(fault).toMatchObject({ kind: "invalid", message: expect.stringMatching(/larger than/) });
  });

  test("gives up on a server that falls silent", async () => {
    const { url } = await scripted("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab…");
    const getter = new HttpGetter({ silenceMs: 50 });
    const fault = await faultOf(getter.bytes(url, options));
    expect(fault).toMatchObject({
      kind: "unreachable",
      message: expect.stringMatching(/nothing, or too little, came/),
    });
  });

  test("gives up on a server that sends a byte now and then", async () => {
    const stream = () =>
      new ReadableStream({
        async pull(controller) {
          await Bun.sleep(5);
          controller.enqueue(new Uint8Array(1));
        },
      });
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(stream()),
    });
    cleanups.push(() => void server.stop(true));
    const getter = new HttpGetter({ silenceMs: 60, rateMin: 1_000_000 });
    const fault = await faultOf(getter.bytes(server.url.href, options));
    expect(fault).toMatchObject({
      kind: "unreachable",
      message: expect.stringMatching(/too little/),
    });
  });

  test("goes on where a body broke off, if the file is still the same", async () => {
    const { url, requests, drop } = await scripted(
      'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nETag: "1"\r\n\r\nabc…',
      'HTTP/1.1 206 Part\r\nContent-Length: 3\r\nContent-Range: bytes 3-5/6\r\nETag: "1"\r\n\r\ndef',
    );
    const got = await new HttpGetter().bytes(url, { ...options, progress: drop });
    expect(got.kind === "got" && Buffer.from(got.bytes).toString()).toBe("abcdef");
    expect(requests[1]).toMatch(/range: bytes=3-/i);
    expect(requests[1]).toMatch(/if-range: "1"/i);
  });

  test("begins anew when the file has changed meanwhile", async () => {
    const path = join(folder(), "file");
    const { url, drop } = await scripted(
      'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nETag: "1"\r\n\r\nabc…',
      ok("uvwxyz", 'ETag: "2"\r\n'),
    );
    expect(await new HttpGetter().file(url, path, { ...options, progress: drop })).toMatchObject({
      ...{ kind: "got", size: 6, mark: { etag: '"2"' } },
    });
    expect(readFileSync(path, "utf8")).toBe("uvwxyz");
  });

  test("takes only the first bytes when only those are asked for", async () => {
    const { url, requests } = await scripted(ok("abcdef"));
    const got = await new HttpGetter().bytes(url, { ...options, first: 2 });
    expect(got.kind === "got" && Buffer.from(got.bytes).toString()).toBe("ab");
    expect(requests[0]).toMatch(/range: bytes=0-1/i);
  });

  test("follows redirections, without the login at another host, and not for ever", async () => {
    const target = await scripted(ok("abc"));
    const to = (url: string) => `HTTP/1.1 302 Go\r\nLocation: ${url}\r\nContent-Length: 0\r\n\r\n`;
    const first = await scripted(to(target.url));
    const getter = new HttpGetter({ authorization: "Bearer x" });
    expect(await getter.bytes(first.url, options)).toMatchObject({ kind: "got" });
    expect(first.requests[0]).toMatch(/authorization: Bearer x/i);
    expect(target.requests[0]).not.toMatch(/authorization/i);
    const loop = await scripted(to("/file"));
    const fault = await faultOf(getter.bytes(loop.url, options));
    expect(fault).toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/more than 5 redirections/),
    });
    const file = await scripted(to("file:///etc/passwd"));
    expect((await faultOf(getter.bytes(file.url, options))).message).toMatch(/less safe/);
  });

  test("logs in at the proxy that it is to use", async () => {
    const proxy = await scripted(ok("abc"));
    const { origin } = new URL(proxy.url);
    const getter = new HttpGetter({ proxy: origin, proxyLogin: "gw:secret" });
    const got = await getter.bytes("http://feed.invalid/file", options);
    expect(got.kind).toBe("got");
    expect(proxy.requests[0]).toStartWith("GET http://feed.invalid/file");
    const login = Buffer.from("gw:secret").toString("base64");
    expect(proxy.requests[0]).toMatch(new RegExp(`proxy-authorization: Basic ${login}`, "i"));
  });

  test("stops when the update is stopped", async () => {
    const { url } = await scripted("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab…");
    const controller = new AbortController();
    const progress = () => controller.abort();
    const job = new HttpGetter().bytes(url, { ...options, signal: controller.signal, progress });
    expect((await faultOf(job)).message).toBe("the update was stopped");
  });

  test.each(["ftp://example.org/x", "no address", "data:,x"])("refuses %s", async (url) => {
    expect((await faultOf(new HttpGetter().bytes(url, options))).kind).toBe("invalid");
  });
});

describe("HttpGetter with a file: URL", () => {
  test("reads plain files, and knows whether they changed", async () => {
    const path = join(folder(), "a file");
    writeFileSync(path, "abc");
    const { href } = pathToFileURL(path);
    const got = await new HttpGetter().bytes(href, options);
    expect(got).toMatchObject({ kind: "got", transferred: 3 });
    const known = got.kind === "got" ? got.mark : {};
    expect(await new HttpGetter().bytes(href, { ...options, known })).toEqual({ kind: "same" });
    expect(await new HttpGetter().bytes(`${href}x`, options)).toEqual({ kind: "missing" });
  });

  test("refuses devices, folders and what is too large", async () => {
    const device = join(folder(), "zero");
    symlinkSync("/dev/zero", device);
    for (const path of [device, tmpdir()]) {
      const fault = await faultOf(new HttpGetter().bytes(pathToFileURL(path).href, options));
      expect(fault.message).toMatch(/no plain file|EISDIR/);
    }
    const large = join(folder(), "large");
    writeFileSync(large, "x".repeat(1001));
    const fault = await faultOf(new HttpGetter().bytes(pathToFileURL(large).href, options));
    expect(fault.message).toMatch(/larger than/);
  });
});

describe("fromAny()", () => {
  const work = async (mirror: string) => {
    if (mirror === "good") return mirror;
    if (mirror === "full") throw new UpdateError("full", "disk");
    const kind = mirror === "bad" ? "invalid" : "unreachable";
    throw new UpdateError(kind, mirror, mirror === "busy" ? { retryAt: 5 } : {});
  };
  const failure = (...mirrors: string[]) => faultOf(fromAny(mirrors, signal, work));

  test("takes the first mirror that gives what it should", async () => {
    expect(await fromAny(["away", "bad", "good", "x"], signal, work)).toBe("good");
  });

  test("tells what was wrong at each when all fail, the gravest first", async () => {
    expect(await failure("away", "bad")).toMatchObject({ kind: "invalid", message: "away; bad" });
    expect(await failure("busy", "busy")).toMatchObject({ retryAt: 5 });
    expect((await failure("busy", "away")).retryAt).toBeUndefined();
  });

  test("asks no other mirror when the disk is full", async () => {
    expect(await failure("full", "good")).toMatchObject({ kind: "full" });
  });
});

test("below() escapes names", () => {
  expect(below("http://h/a", "b c/d?e")).toBe("http://h/a/b%20c/d%3Fe");
  expect(below("http://h/a/", "b")).toBe("http://h/a/b");
});
