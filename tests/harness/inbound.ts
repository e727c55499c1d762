// A listener on a free port with an intake in memory, for tests of the side that receives mail.
import type { Clock } from "../../src/base/clock.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Log, LogFields } from "../../src/base/log.ts";
import { Listener } from "../../src/inbound/listener.ts";
import type { Directory } from "../../src/inbound/login/users.ts";
import { type DoorPlan, type InboundSettings, plainDoor } from "../../src/inbound/settings.ts";
import type { CertificateFiles } from "../../src/inbound/tls/certificate.ts";
import type { Dialog } from "../../src/inbound/watch/dialog.ts";
import type { Client, Envelope } from "../../src/message.ts";
import type { Intake, Refusal, Transaction } from "../../src/pipeline/intake.ts";
import { REPLIES } from "../../src/reply.ts";

/** A message that the intake was given. */
export interface TakenMessage {
  readonly id: string;
  readonly client: Client;
  readonly envelope: Envelope;
  readonly body: Buffer;
  readonly trace: string;
}

/** What an intake in memory can be made to do. */
export interface Script {
  /** Throws for a message that cannot even begin. */
  readonly onBegin?: (envelope: Envelope) => void;
  readonly onWrite?: (chunk: Uint8Array) => Promise<void> | undefined;
  /** Throws for a refusal, waits for as long as it likes. */
  readonly onFinish?: (message: TakenMessage) => Promise<void> | void;
}

/** Keeps messages in memory, and remembers what it was made to throw away. */
export class MemoryIntake implements Intake {
  readonly messages: TakenMessage[] = [];
  readonly refusals: Refusal[] = [];
  aborted = 0;
  begun = 0;
  script: Script;

  constructor(script: Script = {}) {
    this.script = script;
  }

  refused(refusal: Refusal): void {
    this.refusals.push(refusal);
  }

  begin(client: Client, envelope: Envelope): Transaction {
    this.script.onBegin?.(envelope);
    this.begun++;
    const id = `M${this.begun}`;
    const chunks: Uint8Array[] = [];
    return {
      id,
      write: (chunk) => {
        chunks.push(Uint8Array.from(chunk));
        return this.script.onWrite?.(chunk);
      },
      finish: async (trace) => {
        const message = { id, client, envelope, body: Buffer.concat(chunks), trace };
        await this.script.onFinish?.(message);
        this.messages.push(message);
        return { ...REPLIES.queued, text: `${REPLIES.queued.text} as ${id}` };
      },
      abort: () => {
        this.aborted++;
      },
    };
  }
}

/** One log line. */
export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export class MemoryLog implements Log {
  readonly lines: LogLine[] = [];
  readonly error = this.#writer("error");
  readonly warn = this.#writer("warn");
  readonly info = this.#writer("info");
  readonly debug = this.#writer("debug");

  #writer(level: string) {
    return (event: string, fields: LogFields = {}) => {
      this.lines.push({ level, event, fields });
    };
  }
}

/** Settings of a small site, `example.org`; 127.0.0.1 is a stranger to it. */
export const TEST_SETTINGS: InboundSettings = {
  hostname: "gw.example.org",
  postmaster: "postmaster@example.org",
  messageSizeMax: 100_000,
  bareLineEnding: "refuse",
  recipientsMax: 100,
  sessionsMax: 100,
  sessionsPerAddressMax: 100,
  idleTimeoutMs: 60_000,
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
  relayNetworks: ["192.0.2.0/24"],
  relayDomains: ["example.org", "*.example.org", "bücher.example"],
};

/** A listener with what stands behind it. */
export interface TestInbound {
  readonly listener: Listener;
  readonly intake: MemoryIntake;
  readonly log: MemoryLog;
  readonly port: number;
}

/** What may differ from a plain listener. */
export interface TestInboundOptions {
  readonly settings?: Partial<InboundSettings>;
  readonly door?: Partial<DoorPlan>;
  readonly directories?: readonly Directory[];
  readonly tls?: CertificateFiles;
  readonly moreTls?: readonly CertificateFiles[];
  readonly script?: Script;
  readonly clock?: Clock;
  readonly dialog?: Dialog;
}

/** Starts a listener on 127.0.0.1. */
export async function startInbound(options: TestInboundOptions = {}): Promise<TestInbound> {
  const intake = new MemoryIntake(options.script);
  const log = new MemoryLog();
  const listener = await Listener.start({
    doors: [{ ...plainDoor(["127.0.0.1:0"]), ...options.door }],
    directories: options.directories ?? [],
    loginLimits: { failuresMax: 3, failuresWithinMs: 60_000 },
    settings: { ...TEST_SETTINGS, ...options.settings },
    intake,
    log,
    clock: options.clock ?? systemClock,
    ...(options.dialog !== undefined && { dialog: options.dialog }),
    certificates: options.tls === undefined ? [] : [options.tls, ...(options.moreTls ?? [])],
  });
  return { listener, intake, log, port: listener.ports[0] ?? 0 };
}
