// One small request over HTTPS, within bounds of time and size, to a host whose certificate must be
// valid for its name; no redirects. RFC 8461 §3.3, RFC 8460 §5.4.
import { connect } from "node:tls";

/** Whom to ask, and how long and how much. */
export interface FetchOptions {
  readonly addresses: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly timeoutMs: number;
  /** More trusted certificates, PEM; those of the system if left out. */
  readonly ca?: string;
}

/** Bytes of a reply, header and all: a policy is a few hundred. */
const REPLY_SIZE_MAX = 64 * 1024;
const ADDRESSES_MAX = 4;

/** What is posted. */
export interface Posted {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** The text; an Error says why there is none. Never rejects. */
export async function fetchText(options: FetchOptions): Promise<string | Error> {
  const reply = await request(options, ["GET", "Accept: text/plain"], Buffer.alloc(0));
  return reply instanceof Error ? reply : textOf(reply);
}

/** Posts bytes; undefined if the host took them, else why not. Never rejects. */
export async function postBytes(options: FetchOptions, posted: Posted): Promise<Error | undefined> {
  const { type, bytes } = posted;
  const head = ["POST", `Content-Type: ${type}`, `Content-Length: ${bytes.length}`];
  const reply = await request(options, head, bytes);
  if (reply instanceof Error) return reply;
  return /^2\d\d$/.test(reply.status) ? undefined : new Error(`HTTP status ${reply.status}`);
}

interface Reply {
  readonly status: string;
  readonly head: string;
  readonly body: Buffer;
}

async function request(
  options: FetchOptions,
  [method = "", ...fields]: readonly string[],
  bytes: Uint8Array,
): Promise<Reply | Error> {
  const { host, path, timeoutMs } = options;
  let last = new Error("no address");
  const deadline = AbortSignal.timeout(timeoutMs);
  // The reply to HTTP/1.0 is never cut into chunks, and ends with the connection.
  const first = [`${method} ${path} HTTP/1.0`, `Host: ${host}`, "User-Agent: gw", ...fields];
  const head = `${first.join("\r\n")}\r\nConnection: close\r\n\r\n`;
  const sent = Buffer.concat([Buffer.from(head), bytes]);
  for (const address of options.addresses.slice(0, ADDRESSES_MAX)) {
    const reply = await exchange(address, options, { sent, deadline });
    if (!(reply instanceof Error)) return parseReply(reply);
    last = reply;
    if (deadline.aborted) break;
  }
  return last;
}

function exchange(
  address: string,
  { host, port, ca }: FetchOptions,
  { sent, deadline }: { readonly sent: Buffer; readonly deadline: AbortSignal },
): Promise<Buffer | Error> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect({
      ...{ host: address, port, servername: host, minVersion: "TLSv1.2" },
      ...(ca !== undefined && { ca }),
    });
    const end = (result: Buffer | Error) => {
      deadline.removeEventListener("abort", onDeadline);
      socket.destroy();
      resolve(result);
    };
    const onDeadline = () => end(new Error("it took too long"));
    deadline.addEventListener("abort", onDeadline);
    socket.on("error", (error) => end(error));
    socket.on("secureConnect", () => socket.write(sent));
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > REPLY_SIZE_MAX) end(new Error("the reply is too large"));
    });
    socket.on("end", () => end(Buffer.concat(chunks)));
    socket.on("close", () => end(new Error("connection lost")));
  });
}

function parseReply(reply: Buffer): Reply | Error {
  const at = reply.indexOf("\r\n\r\n");
  const head = reply.toString("latin1", 0, Math.max(at, 0));
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (at < 0 || status === undefined) return new Error("no HTTP reply");
  return { status, head, body: reply.subarray(at + 4) };
}

// RFC 9110 §15.3.1: nothing but 200 is the text; a length that is said must be there.
function textOf({ status, head, body }: Reply): string | Error {
  if (status !== "200") return new Error(`HTTP status ${status}`);
  const type = /^content-type:[ \t]*([^\r\n;]*)/im.exec(head)?.[1]?.trim().toLowerCase();
  if (type !== "text/plain") return new Error(`content type ${type ?? "is missing"}`);
  const length = /^content-length:[ \t]*(\d{1,9})[ \t]*$/im.exec(head)?.[1];
  if (length !== undefined && body.length < Number(length))
    return new Error("the reply is cut off");
  return body.toString("utf8", 0, length === undefined ? body.length : Number(length));
}
