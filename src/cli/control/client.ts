// Asks a running gateway over its control socket.

import { connect } from "node:net";
import { join } from "node:path";
import { type Answer, LINE_MAX, type Request, SOCKET_NAME } from "../../admin/protocol.ts";
import { CliError } from "../command.ts";
import { folderOf, type PlaceArgs } from "../place.ts";

/** Longer than any reload takes. */
const ANSWER_MS = 120_000;

function connectError(path: string, error: Error & { code?: string }): CliError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "no gateway runs with this data folder (see --config and --data)",
    ECONNREFUSED: "no gateway runs with this data folder any more",
    EACCES: "only root and the user that gw runs as may ask it",
  };
  return new CliError(`${path}: ${reasons[error.code ?? ""] ?? error.message}`, { cause: error });
}

/** The answer of the gateway whose data folder the options name; throws CliError if there is none. */
export async function ask<T>(args: PlaceArgs, request: Request): Promise<T> {
  return await askAt(folderOf(args), request);
}

/** The same of a gateway that need not run; undefined if none does. */
export async function tryAsk<T>(folder: string, request: Request): Promise<T | undefined> {
  try {
    return await askAt(folder, request);
  } catch (error) {
    const { code = "" } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    throw error;
  }
}

/** What to do with the values of an answer that goes on. */
export interface Listening<T> {
  onValue(value: T): void;
  /** Ends it from this side. */
  readonly signal: AbortSignal;
}

/** Asks for an answer that goes on, until either side ends it. Throws CliError as `ask` does. */
export async function listen<T>(
  args: PlaceArgs,
  request: Request,
  { onValue, signal }: Listening<T>,
): Promise<void> {
  const path = join(folderOf(args), SOCKET_NAME);
  await new Promise<void>((resolve, reject) => {
    const socket = connect(path);
    let held = "";
    const end = () => {
      socket.destroy();
      resolve();
    };
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    socket.setEncoding("utf8");
    socket.on("error", (error) => fail(connectError(path, error)));
    socket.on("close", resolve);
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (text: string) => {
      held += text;
      const lines = held.split("\n");
      held = lines.pop() ?? "";
      for (const line of lines) {
        if (signal.aborted) return;
        const answer = JSON.parse(line) as Answer;
        if ("error" in answer) return fail(new CliError(answer.error));
        onValue(answer.value as T);
      }
      if (held.length > LINE_MAX) fail(new CliError("the gateway's answer has no end"));
    });
  });
}

async function askAt<T>(folder: string, request: Request): Promise<T> {
  const path = join(folder, SOCKET_NAME);
  const line = await new Promise<string>((resolve, reject) => {
    const socket = connect(path);
    let held = "";
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setEncoding("utf8");
    socket.setTimeout(ANSWER_MS, () => fail(new CliError("the gateway does not answer")));
    socket.on("error", (error) => fail(connectError(path, error)));
    socket.on("close", () => fail(new CliError("the gateway ended without an answer")));
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (text: string) => {
      held += text;
      const end = held.indexOf("\n");
      if (end >= 0) {
        resolve(held.slice(0, end));
        socket.destroy();
      } else if (held.length > LINE_MAX) fail(new CliError("the gateway's answer has no end"));
    });
  });
  const answer = JSON.parse(line) as Answer;
  if ("error" in answer) throw new CliError(answer.error);
  return answer.value as T;
}
