// Hands tuf-js the documents of one mirror. Bounds, proxies and pauses are the getter's; here is
// only what the library must be told: that a document is not there, and nothing of anything else.
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import type { Fetcher } from "tuf-js/dist/fetcher.js";
import type { Mark } from "../http/request.ts";
import type { HttpGetter } from "../http.ts";
import { below } from "../mirrors.ts";
import { UpdateError } from "../source.ts";

/** What the library is told the feed's address is; it only ever comes back to us. */
export const DOCUMENTS_URL = "https://feed.invalid/metadata/";

const NOT_THERE = 404;
const TIMESTAMP = "timestamp.json";
const ROOT = /^\d+\.root\.json$/;

/** What documents are fetched with. */
export interface FetcherParts {
  readonly getter: HttpGetter;
  readonly mirror: string;
  readonly signal: AbortSignal;
  /** The timestamp that is trusted, and what this mirror said of it when it came. */
  readonly timestamp: () => { readonly bytes: Uint8Array; readonly mark: Mark } | undefined;
}

/** One mirror's documents. */
export class DocumentFetcher implements Fetcher {
  readonly #parts: FetcherParts;
  /** Bytes that came. */
  transferred = 0;
  /** What the mirror said of the timestamp that it gave. */
  timestampMark: Mark | undefined;
  /** Why the last document did not come: the library passes errors on as text alone. */
  failure: UpdateError | undefined;
  /** Documents as they came, by name. */
  readonly documents = new Map<string, Uint8Array>();

  constructor(parts: FetcherParts) {
    this.#parts = parts;
  }

  /** A document's bytes. */
  async downloadBytes(url: string, sizeMax: number): Promise<Buffer> {
    const name = decodeURIComponent(url.slice(DOCUMENTS_URL.length));
    try {
      const bytes = await this.#get(name, sizeMax);
      if (bytes !== undefined) {
        this.documents.set(name, bytes);
        return Buffer.from(bytes);
      }
    } catch (error) {
      // Stores of files answer "forbidden" for what is not there, if one may not list them.
      const isRefusal = error instanceof UpdateError && error.kind === "refused";
      if (!isRefusal || error.retryAt !== undefined || !ROOT.test(name)) {
        if (error instanceof UpdateError) this.failure = error;
        throw error;
      }
    }
    if (!ROOT.test(name)) {
      const where = below(this.#parts.mirror, `metadata/${name}`);
      this.failure = new UpdateError("unreachable", `${where}: there is no such file`);
    }
    throw new DownloadHTTPError("not there", NOT_THERE);
  }

  async #get(name: string, sizeMax: number): Promise<Uint8Array | undefined> {
    const { getter, mirror, signal } = this.#parts;
    const timestamp = name === TIMESTAMP ? this.#parts.timestamp() : undefined;
    const options = { sizeMax, signal, known: timestamp?.mark };
    const got = await getter.bytes(below(mirror, `metadata/${name}`), options);
    if (got.kind === "same") return timestamp?.bytes;
    if (got.kind === "missing") return undefined;
    this.transferred += got.transferred;
    if (name === TIMESTAMP) this.timestampMark = got.mark;
    return got.bytes;
  }

  /** Files are not fetched by the library: see download.ts. */
  downloadFile<T>(url: string): Promise<T> {
    return Promise.reject(new Error(`${url} is not fetched this way`));
  }
}
