// The compiled gateway in front of scripted next hops, one for each domain, and a way to hand mail
// over with all that an envelope can say.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess, type SettingValue } from "./gateway-process.ts";
import { LineClient } from "./line-client.ts";
import { type NextHopScript, NextHopServer, type TakenMessage } from "./next-hop.ts";
import { freePort, until } from "./process.ts";

const WAIT_MS = 20_000;

/** A message to hand over. */
export interface Handed {
  readonly sender?: string;
  /** Parameters of MAIL FROM. */
  readonly mail?: string;
  /** Recipients, each with parameters behind a blank. */
  readonly to: readonly string[];
  readonly lines?: readonly string[];
}

/** A gateway under test. */
export type SendingGateway = Awaited<ReturnType<typeof startSendingGateway>>;

/** Starts a gateway; `hops` are next hops by the domain that is routed to them. */
export async function startSendingGateway(options: {
  readonly hops: Readonly<Record<string, NextHopScript>>;
  /** What the route of a domain says beside its host. */
  readonly routes?: Readonly<Record<string, string>>;
  readonly settings?: Readonly<Record<string, SettingValue>>;
}) {
  const folder = mkdtempSync(join(tmpdir(), "gw-sending-"));
  const hops: Record<string, NextHopServer> = {};
  for (const [domain, script] of Object.entries(options.hops)) {
    hops[domain] = await NextHopServer.start(script);
  }
  const port = freePort();
  const gateway = new GatewayProcess(folder, {
    dataFolder: join(folder, "data"),
    port,
    nextHopPort: 9,
    settings: { "log.level": "info", "outbound.routes": [], ...options.settings },
  });
  for (const [domain, { port: hopPort }] of Object.entries(hops)) {
    const more = options.routes?.[domain] ?? "";
    const table = `\n[[route]]\nto = ["${domain}"]\nhosts = ["127.0.0.1:${hopPort}"]\n${more}\n`;
    appendFileSync(gateway.configFile, table);
  }
  await gateway.start();

  const hop = (domain: string): NextHopServer => {
    const found = hops[domain];
    if (found === undefined) throw new Error(`no next hop for ${domain}`);
    return found;
  };
  return {
    folder,
    port,
    gateway,
    hop,
    log: () => readFileSync(gateway.logFile, "utf8"),
    /** Hands a message over; gives its queue id. */
    send: async ({ sender = "a@from.example", mail = "", to, lines }: Handed): Promise<string> => {
      const client = await LineClient.connect(port);
      await client.expect("220");
      await client.command("EHLO client.example", "250");
      await client.command(`MAIL FROM:<${sender}> ${mail}`.trim(), "250");
      for (const one of to) {
        const [address = "", ...parameters] = one.split(" ");
        await client.command(`RCPT TO:<${address}> ${parameters.join(" ")}`.trim(), "250");
      }
      await client.command("DATA", "354");
      const text = (lines ?? ["Subject: a", "", "text"]).join("\r\n");
      const reply = await client.command(`${text}\r\n.`, "250");
      await client.command("QUIT", "221");
      return /\b([0-9A-Za-z]{11,})$/.exec(reply.last.trim())?.[1] ?? "";
    },
    /** The messages of a domain's next hop, once there are so many. */
    taken: async (domain: string, count: number): Promise<readonly TakenMessage[]> => {
      const { messages } = hop(domain);
      await until(() => messages.length >= count, WAIT_MS);
      return messages;
    },
    until: (isTrue: () => boolean) => until(isTrue, WAIT_MS),
    stop: async () => {
      await gateway.stop();
      for (const each of Object.values(hops)) await each.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
