// The page for monitoring: /metrics in the text format of Prometheus, /health for load balancers and
// watchdogs. Plain HTTP on an address of the administrator's choice; it tells numbers only.

import { parseEndpoint } from "../base/endpoint.ts";
import { prometheusText } from "./metrics.ts";
import type { Stats } from "./protocol.ts";

const TEXT = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
const IDLE_SECONDS = 10;

/** What the pages show. */
export interface MetricsSource {
  stats(): Stats;
  /** Why mail is not taken now, or "" if it is. */
  trouble(): string;
  /** What is not as it should be though mail is taken. */
  warnings(): readonly string[];
}

/** Serves counters over HTTP. */
export class MetricsServer {
  readonly #server: ReturnType<typeof Bun.serve>;

  private constructor(server: ReturnType<typeof Bun.serve>) {
    this.#server = server;
  }

  /** Listens on `127.0.0.1:9125` or the like; throws, with the address, if that can't be. */
  static start(listen: string, source: MetricsSource): MetricsServer {
    const endpoint = parseEndpoint(listen);
    if (endpoint === undefined) throw new Error(`${listen} is no address to listen on`);
    const { address: hostname, port } = endpoint;
    try {
      const fetch = (request: Request) => answer(request, source);
      return new MetricsServer(Bun.serve({ hostname, port, idleTimeout: IDLE_SECONDS, fetch }));
    } catch (error) {
      throw new Error(`cannot serve metrics on ${listen}`, { cause: error });
    }
  }

  get port(): number {
    return this.#server.port ?? 0;
  }

  stop(): void {
    void this.#server.stop(true);
  }
}

function answer(request: Request, source: MetricsSource): Response {
  const { pathname } = new URL(request.url);
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead) return new Response("only GET\n", { status: 405, headers: { allow: "GET, HEAD" } });
  if (pathname === "/metrics")
    return new Response(prometheusText(source.stats()), { headers: TEXT });
  if (pathname !== "/health") return new Response("/metrics or /health\n", { status: 404 });
  const trouble = source.trouble();
  const lines = [trouble || "ok", ...source.warnings().map((each) => `warning: ${each}`)];
  return new Response(`${lines.join("\n")}\n`, { status: trouble === "" ? 200 : 503 });
}
