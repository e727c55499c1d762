// A next hop that takes every message: `gw quickstart` and tests let gw deliver to it. It never
// sends anything on.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { type Log, silentLog } from "../base/log.ts";
import type { Client, Envelope } from "../message.ts";
import type { Intake, Transaction } from "../pipeline/intake.ts";
import { REPLIES, type Reply } from "../reply.ts";
import { Listener } from "./listener.ts";
import { plainDoor } from "./settings.ts";

/** A message that has arrived. */
export interface SunkMessage {
  readonly id: string;
  readonly client: Client;
  readonly envelope: Envelope;
  readonly bytes: Uint8Array;
}

/** What a sink does. */
export interface SinkOptions {
  /** `127.0.0.1:2526`; port 0 takes a free one. */
  readonly address: string;
  /** Where messages are written, one `.eml` each; made if it is not there. */
  readonly folder?: string;
  readonly onMessage?: (message: SunkMessage) => void;
  readonly hostname?: string;
  readonly log?: Log;
  readonly clock?: Clock;
}

const MESSAGE_SIZE_MAX = 256 * 2 ** 20;
const SESSIONS_MAX = 1000;
const RECIPIENTS_MAX = 10_000;
const IDLE_TIMEOUT_MS = 300_000;

/** An SMTP server that takes everything. */
export class Sink {
  readonly #listener: Listener;
  readonly #intake: SinkIntake;

  private constructor(listener: Listener, intake: SinkIntake) {
    this.#listener = listener;
    this.#intake = intake;
  }

  /** Throws if the address cannot be had or the folder cannot be made. */
  static async start(options: SinkOptions): Promise<Sink> {
    if (options.folder !== undefined) await mkdir(options.folder, { recursive: true });
    const hostname = options.hostname ?? "localhost";
    const clock = options.clock ?? systemClock;
    const intake = new SinkIntake(options, clock);
    const listener = await Listener.start({
      doors: [plainDoor([options.address])],
      settings: {
        hostname,
        postmaster: `postmaster@${hostname}`,
        messageSizeMax: MESSAGE_SIZE_MAX,
        bareLineEnding: "refuse",
        recipientsMax: RECIPIENTS_MAX,
        sessionsMax: SESSIONS_MAX,
        sessionsPerAddressMax: SESSIONS_MAX,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        greetingDelayMs: 0,
        messagesMax: 1_000_000,
        sessionSizeMax: Number.MAX_SAFE_INTEGER,
        pendingSizeMax: Number.MAX_SAFE_INTEGER,
        errorsMax: 20,
        idleCommandsMax: 100,
        sessionTimeMaxMs: 3_600_000,
        tarpitDelayMs: 0,
        tarpitAfter: 0,
        senderOfUser: "any",
        rates: [],
        relayNetworks: [],
        relayDomains: ["*"],
      },
      intake,
      log: options.log ?? silentLog,
      clock,
    });
    return new Sink(listener, intake);
  }

  get port(): number {
    return this.#listener.ports[0] ?? 0;
  }

  /** Messages that have been taken. */
  get count(): number {
    return this.#intake.count;
  }

  /** As `Listener.stop()`. */
  stop(graceMs: number): Promise<void> {
    return this.#listener.stop(graceMs);
  }
}

class SinkIntake implements Intake {
  readonly #options: SinkOptions;
  readonly #startedAt: number;
  #begun = 0;
  count = 0;

  constructor(options: SinkOptions, clock: Clock) {
    this.#options = options;
    this.#startedAt = clock.now();
  }

  /** A sink answers for nothing: what it refuses stands in its log. */
  refused(): void {}

  begin(client: Client, envelope: Envelope): Transaction {
    this.#begun++;
    const chunks: Uint8Array[] = [];
    // Sorts by arrival, and does not repeat when the sink is started again.
    const id = `${this.#startedAt.toString(36)}-${String(this.#begun).padStart(6, "0")}`;
    return {
      id,
      write: (chunk) => {
        chunks.push(chunk);
        return undefined;
      },
      abort: () => {
        chunks.length = 0;
      },
      finish: async (trace) => {
        const bytes = Buffer.concat([Buffer.from(trace), ...chunks]);
        return await this.#take({ id, client, envelope, bytes });
      },
    };
  }

  async #take(message: SunkMessage): Promise<Reply> {
    const { folder, onMessage } = this.#options;
    if (folder !== undefined) await save(folder, message);
    onMessage?.(message);
    this.count++;
    return { ...REPLIES.queued, text: `${REPLIES.queued.text} as ${message.id}` };
  }
}

// The envelope stands on top, as a mailbox would show it: Return-Path is RFC 5321 §4.4's field of
// final delivery. Whoever watches the folder sees whole files only.
async function save(folder: string, { id, envelope, bytes }: SunkMessage): Promise<void> {
  const recipients = envelope.recipients.map(({ address }) => `Delivered-To: ${address}\r\n`);
  const header = `Return-Path: <${envelope.sender}>\r\n${recipients.join("")}`;
  const path = join(folder, `${id}.eml`);
  await writeFile(`${path}.part`, Buffer.concat([Buffer.from(header), bytes]));
  await rename(`${path}.part`, path);
}
