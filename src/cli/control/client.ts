// Asks a running gateway over its control socket.

import { connect } from "node:net";
import { join } from "node:path";
import { type Answer, LINE_MAX, type Request, SOCKET_NAME } from "../../admin/protocol.ts";
import { loadConfig } from "../../config/load.ts";
import { CliError } from "../command.ts";
import { configFile } from "../config-file.ts";
import type { PlaceArgs } from "../place.ts";

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
  return await askAt(args.data ?? loadConfig(configFile(args.config))["server.data_dir"], request);
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
