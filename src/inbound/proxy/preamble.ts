// Takes the PROXY header off a connection's front, before TLS and before SMTP see a byte of it.
import type { Socket } from "node:net";
import { PROXY_HEADER_MAX, type ProxiedClient, parseProxyHeader } from "./header.ts";

/**
 * Reads the header from a fresh socket and leaves what follows it in the socket. Resolves with the
 * client that it names, undefined if it names none; rejects with the reason if there is no such
 * header. How long to wait is the caller's business: destroying the socket ends the wait.
 */
export function readPreamble(socket: Socket): Promise<ProxiedClient | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<ProxiedClient | undefined>();
  let bytes: Buffer = Buffer.alloc(0);
  const onReadable = () => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length > PROXY_HEADER_MAX) break;
    }
    const header = parseProxyHeader(bytes);
    if (header.kind === "partial") return;
    // Whoever reads the socket next must find no reader of ours.
    leave();
    if (header.kind === "wrong") return reject(new Error(header.reason));
    const rest = bytes.subarray(header.length);
    if (rest.length > 0) socket.unshift(rest);
    resolve(header.client);
  };
  const onGone = () => {
    leave();
    reject(new Error("closed before a PROXY header"));
  };
  const leave = () => {
    socket.off("readable", onReadable);
    for (const event of ["error", "close", "end"]) socket.off(event, onGone);
  };
  socket.on("readable", onReadable);
  for (const event of ["error", "close", "end"]) socket.on(event, onGone);
  return promise;
}
