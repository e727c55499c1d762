// `gw feed serve`: a web server for feeds, which does nothing else.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseEndpoint } from "../../../base/endpoint.ts";
import { createLog, describeError } from "../../../base/log.ts";
import { printable } from "../../../text/printable.ts";
import { handOut } from "../../../update/publish/hand-out.ts";
import { METADATA_FOLDER, REPOSITORY_FOLDER } from "../../../update/publish/repository.ts";
import { CliError, command, EXIT } from "../../command.ts";
import { runUntilSignal } from "../../running.ts";
import { explained } from "./common.ts";

const IDLE_SECONDS = 60;

/** What is handed out of a folder: a feed's public half, the folder itself, or feeds in it. */
function placeOf(folder: string): string {
  const has = (...names: string[]) => existsSync(join(folder, ...names, METADATA_FOLDER));
  if (has(REPOSITORY_FOLDER)) return join(folder, REPOSITORY_FOLDER);
  if (has() || readdirSync(folder).some((name) => has(name))) return folder;
  throw new CliError(`${printable(folder)}: there is no feed in this folder`);
}

/** `gw feed serve` */
export const serve = command(
  {
    listen: {
      type: "string",
      valueHint: "ADDRESS:PORT",
      default: "127.0.0.1:8080",
      description: "where to listen",
    },
  },
  async (args, terminal) => {
    const folder = await explained(() => placeOf(args._[0] ?? ""));
    const endpoint = parseEndpoint(args.listen);
    if (endpoint === undefined)
      throw new CliError("--listen needs an address such as 192.0.2.1:80");
    const log = createLog({
      level: () => "info",
      format: "text",
      write: (line) => terminal.out(line),
      now: () => Date.now(),
    });
    const { address: hostname, port } = endpoint;
    let server: ReturnType<typeof Bun.serve>;
    try {
      server = Bun.serve({
        hostname,
        port,
        idleTimeout: IDLE_SECONDS,
        fetch: (request, { requestIP }) => {
          const response = handOut(request, folder);
          const client = requestIP.call(server, request)?.address;
          const path = new URL(request.url).pathname;
          log.info("request", { client, method: request.method, path, status: response.status });
          return response;
        },
      });
    } catch (error) {
      throw new CliError(`${args.listen}: ${describeError(error)}`, { cause: error });
    }
    log.info("serving", { folder, url: server.url.href });
    await runUntilSignal(log, { stop: () => server.stop() });
    return EXIT.good;
  },
);
