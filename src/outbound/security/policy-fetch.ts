// Fetches one small text over HTTPS, within bounds of time and size, from a host whose certificate
// must be valid for its name; no redirects. RFC 8461 §3.3.
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

/** The text; an Error says why there is none. Never rejects. */
export async function fetchText(options: FetchOptions): Promise<string | Error> {
  let last = new Error("no address");
  const deadline = AbortSignal.timeout(options.timeoutMs);
  for (const address of options.addresses.slice(0, ADDRESSES_MAX)) {
    const result = await fetchFrom(address, options, deadline);
    if (typeof result === "string") return result;
    last = result;
    if (deadline.aborted) break;
  }
  return last;
}

function fetchFrom(
  address: string,
  { host, port, path, ca }: FetchOptions,
  deadline: AbortSignal,
): Promise<string | Error> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect({
      ...{ host: address, port, servername: host, minVersion: "TLSv1.2" },
      ...(ca !== undefined && { ca }),
    });
    const end = (result: string | Error) => {
      deadline.removeEventListener("abort", onDeadline);
      socket.destroy();
      resolve(result);
    };
    const onDeadline = () => end(new Error("it took too long"));
    deadline.addEventListener("abort", onDeadline);
    socket.on("error", (error) => end(error));
    socket.on("secureConnect", () => {
      // The reply to HTTP/1.0 is never cut into chunks, and ends with the connection.
      const head = [
        `GET ${path} HTTP/1.0`,
        `Host: ${host}`,
        "User-Agent: gw",
        "Accept: text/plain",
      ];
      socket.write(`${head.join("\r\n")}\r\nConnection: close\r\n\r\n`);
    });
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > REPLY_SIZE_MAX) end(new Error("the reply is too large"));
    });
    socket.on("end", () => end(bodyOf(Buffer.concat(chunks))));
    socket.on("close", () => end(new Error("connection lost")));
  });
}

// RFC 9110 §15.3.1: nothing but 200 is the text; a length that is said must be there.
function bodyOf(reply: Buffer): string | Error {
  const at = reply.indexOf("\r\n\r\n");
  const head = reply.toString("latin1", 0, Math.max(at, 0));
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (at < 0 || status === undefined) return new Error("no HTTP reply");
  if (status !== "200") return new Error(`HTTP status ${status}`);
  const type = /^content-type:[ \t]*([^\r\n;]*)/im.exec(head)?.[1]?.trim().toLowerCase();
  if (type !== "text/plain") return new Error(`content type ${type ?? "is missing"}`);
  const length = /^content-length:[ \t]*(\d{1,9})[ \t]*$/im.exec(head)?.[1];
  const body = reply.subarray(at + 4);
  if (length !== undefined && body.length < Number(length))
    return new Error("the reply is cut off");
  return body.toString("utf8", 0, length === undefined ? body.length : Number(length));
}
