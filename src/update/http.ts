// Fetches files of feeds over HTTP(S), or from a folder by a file: URL: the one place where an update
// meets bytes from outside. Every read is bounded in size and time, whatever the other side says.
import { open } from "node:fs/promises";
import { type Clock, systemClock } from "../base/clock.ts";
import { VERSION } from "../base/version.ts";
import { faultOf, retryTimeOf, tooLarge } from "./http/faults.ts";
import { readLocal } from "./http/local.ts";
import type { GetOptions, Mark, NoFile, Outcome } from "./http/request.ts";
import { FileSink, MemorySink, onDisk, type Sink } from "./http/sink.ts";
import { type Pace, Watch } from "./http/watch.ts";
import { UpdateError } from "./source.ts";

/** A file's bytes. */
export interface GotBytes {
  readonly kind: "got";
  readonly bytes: Uint8Array;
  readonly mark: Mark;
  readonly transferred: number;
}

/** A file on disk. */
export interface GotFile {
  readonly kind: "got";
  readonly size: number;
  readonly mark: Mark;
  readonly transferred: number;
}

/** How a getter reaches the world. */
export interface HttpSettings extends Pace {
  /** `http://proxy.example.org:3128`; "" for none but what the environment names. */
  readonly proxy: string;
  /** `user:password` for the proxy, "" for none. RFC 7617. */
  readonly proxyLogin: string;
  /** Value of an Authorization field for the servers themselves, "" for none. */
  readonly authorization: string;
  readonly clock: Clock;
}

const DEFAULTS: HttpSettings = {
  ...{ proxy: "", proxyLogin: "", authorization: "" },
  silenceMs: 30_000,
  rateMin: 1024,
  clock: systemClock,
};
const REDIRECTS_MAX = 5;
/** Times that a body which broke off is asked for again, from where it broke. */
const RESUMES_MAX = 4;

/** Gets files by URL. Throws UpdateError. */
export class HttpGetter {
  readonly #settings: HttpSettings;

  constructor(settings: Partial<HttpSettings> = {}) {
    this.#settings = { ...DEFAULTS, ...settings };
  }

  /** A file's bytes in memory. */
  async bytes(url: string, options: GetOptions): Promise<NoFile | GotBytes> {
    const sink = new MemorySink();
    const outcome = await this.#get(url, sink, options);
    return outcome.kind === "got" ? { ...outcome, bytes: sink.joined() } : outcome;
  }

  /** A file on disk at `path`, which must not exist. What has come of one that fails is left. */
  async file(url: string, path: string, options: GetOptions): Promise<NoFile | GotFile> {
    const handle = await onDisk(open(path, "wx", 0o600));
    const sink = new FileSink(handle);
    try {
      const outcome = await this.#get(url, sink, options);
      return outcome.kind === "got" ? { ...outcome, size: sink.size } : outcome;
    } finally {
      await handle.close();
    }
  }

  async #get(url: string, sink: Sink, options: GetOptions): Promise<Outcome> {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    if (parsed?.protocol === "file:") return await readLocal(parsed, sink, options);
    if (parsed?.protocol !== "http:" && parsed?.protocol !== "https:") {
      throw new UpdateError("invalid", `${url} is no http:, https: or file: URL`);
    }
    let transferred = 0;
    let mark: Mark = {};
    for (let round = 0; ; round++) {
      const part = { url: parsed, sink, options, resumes: round > 0 ? mark : undefined };
      const before = sink.size;
      try {
        const end = await this.#request(part, (came, from) => {
          transferred += came;
          mark = from;
        });
        return end ?? { kind: "got", mark, transferred };
      } catch (error) {
        const isBroken = error instanceof UpdateError && error.kind === "unreachable";
        const hasProgress = sink.size > before;
        if (!isBroken || !hasProgress || round >= RESUMES_MAX || options.signal.aborted)
          throw error;
      }
    }
  }

  /** One request with its redirections; undefined once the body has come. */
  async #request(
    part: {
      readonly url: URL;
      readonly sink: Sink;
      readonly options: GetOptions;
      readonly resumes: Mark | undefined;
    },
    came: (bytes: number, mark: Mark) => void,
  ): Promise<NoFile | undefined> {
    const { sink, options, resumes } = part;
    const watch = new Watch(this.#settings, options.signal);
    try {
      const headers = this.#headers(
        options,
        resumes === undefined ? undefined : sink.size,
        resumes,
      );
      const response = await this.#follow(part.url, headers, watch);
      if (response.status === 304) return { kind: "same" };
      if (response.status === 404 || response.status === 410) return { kind: "missing" };
      if (!response.ok || response.body === null) {
        throw faultOf(part.url, response, retryTimeOf(response, this.#settings.clock.now()));
      }
      if (response.status !== 206) await sink.reset();
      else if (startOf(response) !== sink.size) {
        throw new UpdateError("unreachable", `${part.url.href}: another part than was asked for`);
      }
      const mark = markOf(response);
      const total = totalOf(response, sink.size);
      // Of a server that knows no ranges only the first bytes are read.
      const announced = options.first === undefined ? (total ?? 0) : 0;
      if (announced > options.sizeMax) throw tooLarge(part.url, options.sizeMax);
      const what = part.url.pathname.split("/").at(-1) ?? "";
      for await (const chunk of watch.chunks(response.body)) {
        const room = (options.first ?? Number.POSITIVE_INFINITY) - sink.size;
        const wanted = chunk.length > room ? chunk.subarray(0, Math.max(0, room)) : chunk;
        if (sink.size + wanted.length > options.sizeMax) throw tooLarge(part.url, options.sizeMax);
        await sink.write(wanted);
        came(chunk.length, mark);
        options.progress?.({ what, done: sink.size, total });
        if (chunk.length >= room) return undefined;
      }
      if (total !== undefined && sink.size < total) {
        throw new UpdateError("unreachable", `${part.url.href}: the connection broke off`);
      }
      came(0, mark);
      return undefined;
    } catch (error) {
      throw watch.explain(part.url, error);
    } finally {
      watch.end();
    }
  }

  #headers(options: GetOptions, from: number | undefined, mark: Mark | undefined): Headers {
    const { authorization } = this.#settings;
    // No compression: sizes are bounded as they come, and what feeds hold is compressed already.
    const headers = new Headers({ "user-agent": `gw/${VERSION}`, "accept-encoding": "identity" });
    if (authorization !== "") headers.set("authorization", authorization);
    const { known, first } = options;
    if (from !== undefined && from > 0) {
      headers.set("range", `bytes=${from}-${first === undefined ? "" : first - 1}`);
      // RFC 9110 §13.1.5: the rest of the same file, or all of the new one. A weak tag can't be
      // asked with.
      const tag = mark?.etag?.startsWith('"') === true ? mark.etag : mark?.lastModified;
      if (tag === undefined) headers.delete("range");
      else headers.set("if-range", tag);
    } else {
      if (first !== undefined) headers.set("range", `bytes=0-${first - 1}`);
      if (known?.etag !== undefined) headers.set("if-none-match", known.etag);
      if (known?.lastModified !== undefined) headers.set("if-modified-since", known.lastModified);
    }
    return headers;
  }

  async #follow(start: URL, headers: Headers, watch: Watch): Promise<Response> {
    let url = start;
    for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
      const response = await fetch(url.href, {
        headers,
        redirect: "manual",
        signal: watch.signal,
        // The environment's proxies (HTTPS_PROXY, NO_PROXY) hold where none is configured.
        ...this.#proxy(),
      });
      const target = response.headers.get("location");
      if (response.status < 300 || response.status === 304 || response.status > 399)
        return response;
      await response.body?.cancel();
      if (target === null || !URL.canParse(target, url.href)) return response;
      const next = new URL(target, url);
      const isSafe = next.protocol === "https:" || next.protocol === url.protocol;
      if (!isSafe || !/^https?:$/.test(next.protocol)) {
        throw new UpdateError("refused", `${url.href} leads to ${next.href}, which is less safe`);
      }
      // RFC 9110 §15.4: what is a secret between us and one host is not for another.
      if (next.origin !== url.origin) headers.delete("authorization");
      url = next;
    }
    throw new UpdateError("refused", `${start.href}: more than ${REDIRECTS_MAX} redirections`);
  }

  #proxy(): { proxy?: string | { url: string; headers: Record<string, string> } } {
    const { proxy, proxyLogin } = this.#settings;
    if (proxy === "") return {};
    if (proxyLogin === "") return { proxy };
    const login = Buffer.from(proxyLogin, "utf8").toString("base64");
    return { proxy: { url: proxy, headers: { "proxy-authorization": `Basic ${login}` } } };
  }
}

function markOf({ headers }: Response): Mark {
  const etag = headers.get("etag");
  const lastModified = headers.get("last-modified");
  return { ...(etag !== null && { etag }), ...(lastModified !== null && { lastModified }) };
}

// `bytes 100-199/200`, RFC 9110 §14.4.
function startOf({ headers }: Response): number | undefined {
  const start = /^bytes (\d{1,15})-/.exec(headers.get("content-range") ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

function totalOf({ headers }: Response, already: number): number | undefined {
  const length = headers.get("content-length");
  return length !== null && /^\d{1,15}$/.test(length) ? already + Number(length) : undefined;
}
