// Hands the public half of feeds out over HTTP: files below a folder, as they are, nothing else. What
// is handed out is signed, so that nobody needs to trust this server, or the way to it.
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { METADATA_FOLDER, TARGETS_FOLDER } from "./repository.ts";

const FOLDERS: readonly string[] = [METADATA_FOLDER, TARGETS_FOLDER];
const DOCUMENT = "application/json";
const BYTES = "application/octet-stream";
/** Only the timestamp ever changes under its name. */
const CHANGES = "no-cache";
const STAYS = "public, max-age=86400, immutable";
const PATH_LENGTH_MAX = 1024;
/** As files of feeds are called, with their hash before the name. */
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/;

interface Found {
  readonly path: string;
  readonly size: number;
  readonly tag: string;
  readonly modified: Date;
}

/** Answers one request for a file below `folder`. */
export function handOut(request: Request, folder: string): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("only GET\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  const name = nameOf(new URL(request.url).pathname);
  const found = name === undefined ? undefined : find(folder, name);
  if (name === undefined || found === undefined) return new Response("not here\n", { status: 404 });
  const headers = headersOf(name, found);
  if (isKnown(request, found)) return new Response(null, { status: 304, headers });
  const part = partOf(request, found);
  const body = (from: number, end: number) =>
    request.method === "HEAD" ? null : Bun.file(found.path).slice(from, end);
  if (part === "beyond") {
    headers.set("content-range", `bytes */${found.size}`);
    return new Response(null, { status: 416, headers });
  }
  const { from, end } = part ?? { from: 0, end: found.size };
  headers.set("content-length", String(end - from));
  if (part === undefined) return new Response(body(from, end), { headers });
  headers.set("content-range", `bytes ${from}-${end - 1}/${found.size}`);
  return new Response(body(from, end), { status: 206, headers });
}

/** `/NAME/metadata/1.root.json` without its slash; undefined for what no feed has. */
function nameOf(pathname: string): string | undefined {
  if (pathname.length > PATH_LENGTH_MAX) return undefined;
  let name: string;
  try {
    name = decodeURIComponent(pathname.slice(1));
  } catch {
    // Escapes that are none.
    return undefined;
  }
  const segments = name.split("/");
  // A feed, or a mirror's folder of feeds; and nothing that a feed's file could not be called.
  const at = segments.findIndex((each) => FOLDERS.includes(each));
  if (at !== 0 && at !== 1) return undefined;
  const below = segments.slice(at + 1);
  const isGood = below.length > 0 && segments.every((each) => SEGMENT.test(each));
  return isGood ? name : undefined;
}

// Links are not followed: whoever may put files there shall not hand out others.
function find(folder: string, name: string): Found | undefined {
  let path = folder;
  const segments = name.split("/");
  for (const [index, segment] of segments.entries()) {
    path = join(path, segment);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (index < segments.length - 1) {
      if (!stat.isDirectory()) return undefined;
      continue;
    }
    if (!stat.isFile()) return undefined;
    const tag = `"${stat.ino.toString(36)}-${stat.size.toString(36)}-${stat.mtimeMs.toString(36)}"`;
    return { path, size: stat.size, tag, modified: stat.mtime };
  }
  return undefined;
}

function headersOf(name: string, { tag, modified }: Found): Headers {
  return new Headers({
    "content-type": name.endsWith(".json") ? DOCUMENT : BYTES,
    "cache-control": name.endsWith("timestamp.json") ? CHANGES : STAYS,
    etag: tag,
    "last-modified": modified.toUTCString(),
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
  });
}

// RFC 9110 §13.1: the tag decides where both are given.
function isKnown({ headers }: Request, { tag, modified }: Found): boolean {
  const tags = headers.get("if-none-match");
  if (tags !== null) return tags === "*" || tags.split(/\s*,\s*/).includes(tag);
  const since = Date.parse(headers.get("if-modified-since") ?? "");
  return Math.floor(modified.getTime() / 1000) * 1000 <= since;
}

// RFC 9110 §14.2: one range; several, or one of another state of the file, are answered with all.
function partOf(
  { headers }: Request,
  { size, tag }: Found,
): { readonly from: number; readonly end: number } | "beyond" | undefined {
  const [, first = "", last = ""] =
    /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.get("range") ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const condition = headers.get("if-range");
  if (condition !== null && condition !== tag) return undefined;
  if (first === "") {
    const count = Math.min(Number(last), size);
    return count === 0 ? "beyond" : { from: size - count, end: size };
  }
  const from = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < from) return undefined;
  return from >= size ? "beyond" : { from, end };
}
