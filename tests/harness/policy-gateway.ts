// The compiled gateway with rules of a test's own, a next hop that keeps what it gets, and answers
// to who got which message.
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess, type GatewaySetting } from "./gateway-process.ts";
import { LineClient, type LineReply } from "./line-client.ts";
import { freePort, until } from "./process.ts";
import { type SinkMessage, startSink } from "./sink.ts";

const WAIT_MS = 15_000;
const REPLY_MS = 60_000;
/** Times that the queue is looked at; each takes a process. */
const TRIES_MAX = 100;

// What the shipped signatures call suspicious changes; these are the test's own.
const SIGNATURES = `
signature Test.Suspicious
  severity     suspicious
  description  "A word that only the tests of policy use."
  text $word   "gw-policy-test-suspicious-word"
  condition    $word
end

signature Test.Curable
  description  "A word that is cut off, with all behind it."
  text $word   "gw-policy-test-curable-word"
  condition    $word
  cure         truncate $word
end
`;

/** One mail to send. */
export interface PolicyMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly mail: string;
  /** Address of this host that it comes from. */
  readonly client?: string;
}

/** Where a message ended for one recipient. */
export type Fate = "delivered" | "quarantine" | "blocked" | "refused" | "nowhere";

/** A gateway under test. */
export type PolicyGateway = Awaited<ReturnType<typeof startPolicyGateway>>;

/** What a test may want beside the rules. */
export interface PolicyGatewayOptions {
  /** Signature sources of its own. */
  readonly signatures?: string;
  readonly settings?: NonNullable<GatewaySetting["settings"]>;
}

/** Starts a gateway; `rules` are put behind its configuration. */
export async function startPolicyGateway(rules: string, more: PolicyGatewayOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), "gw-policy-"));
  const arrived: SinkMessage[] = [];
  const sink = startSink({
    onRecipient: (address) => (address.startsWith("nobody@") ? "550 5.1.1 no" : "250 2.1.5 OK"),
    onMessage: (message) => {
      arrived.push(message);
      return "250 2.0.0 OK";
    },
  });
  const signatures = join(folder, "signatures");
  mkdirSync(signatures);
  writeFileSync(join(signatures, "test.gws"), SIGNATURES + (more.signatures ?? ""));
  const port = freePort();
  const gateway = new GatewayProcess(folder, {
    dataFolder: join(folder, "data"),
    port,
    nextHopPort: sink.port,
    settings: { "log.level": "info", "scan.signatures_dir": signatures, ...more.settings },
  });
  appendFileSync(gateway.configFile, rules);
  await gateway.start();

  const jsonOf = async (...words: readonly string[]) => {
    const { stdout, stderr } = await gateway.command(...words, "--json");
    if (stdout === "" && !stderr.includes("nothing is known")) throw new Error(stderr);
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  };

  const kept = async (store: string, id: string): Promise<number> => {
    const { stdout } = await gateway.command("vault", "list", "--store", store, "--json");
    return stdout.split("\n").filter((line) => line.includes(`"subject":"${id}"`)).length;
  };

  return {
    folder,
    port,
    gateway,
    arrived,
    jsonOf,
    kept,
    log: () => readFileSync(gateway.logFile, "utf8"),

    /** Hands a mail over; the reply to its data, or to the first command that is refused. */
    async send({ from, to, mail, client: address }: PolicyMail): Promise<LineReply> {
      const client = await LineClient.connect(port, "127.0.0.1", "", address);
      client.waitMs = REPLY_MS;
      try {
        await client.expect("220");
        await client.command("EHLO client.example", "250");
        const refused = await client.command(`MAIL FROM:<${from}>`);
        if (refused.code !== 250) return refused;
        for (const address of to) {
          const reply = await client.command(`RCPT TO:<${address}>`);
          if (reply.code !== 250) return reply;
        }
        await client.command("DATA", "354");
        return await client.command(`${mail.replaceAll(/^\./gm, "..")}\r\n.`);
      } finally {
        client.close();
      }
    },

    /** Waits until nothing is in the queue any more; throws if something stays. */
    async emptyQueue(): Promise<void> {
      for (let left = TRIES_MAX; left > 0; left--) {
        const { stdout } = await gateway.command("queue", "list", "--json");
        if (stdout === "") return;
      }
      throw new Error("the queue does not become empty");
    },

    /** What became of a message for a recipient: by `gw why`, and by what the next hop got. */
    async fateOf(id: string, address: string): Promise<Fate> {
      const answers = await jsonOf("why", `${id}@example.com`);
      for (const { record } of answers) {
        const share = record.shares?.find((one: { recipients: readonly string[] }) =>
          one.recipients.includes(address),
        );
        if (share === undefined) continue;
        const hasArrived = () =>
          arrived.some(
            ({ recipients, bytes }) =>
              recipients.includes(address) && bytes.includes(`Message-ID: <${id}@example.com>`),
          );
        if (share.place !== "queue") {
          if (hasArrived()) throw new Error(`${address} got ${id}, which is ${share.place}`);
          if (share.place === "quarantine" && (await kept("quarantine", id)) === 0)
            return "nowhere";
          return share.place;
        }
        return (await until(hasArrived, WAIT_MS)) ? "delivered" : "nowhere";
      }
      return "nowhere";
    },

    /** The message as a recipient got it, as latin1 text. */
    delivered(id: string, address: string): string {
      const found = arrived.find(
        ({ recipients, bytes }) =>
          recipients.includes(address) && bytes.includes(`Message-ID: <${id}@example.com>`),
      );
      return found?.bytes.toString("latin1") ?? "";
    },

    async stop(): Promise<void> {
      await gateway.stop();
      sink.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
