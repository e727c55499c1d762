// A message's way in: spool -> inspect (explode, scan) -> decide -> commit, then the reply. The
// reply is 250 only when body and envelope are safe on disk; any doubt is a temporary refusal.

import type { Clock } from "../base/clock.ts";
import { GarbagePacer } from "../base/garbage.ts";
import { describeError, type Log } from "../base/log.ts";
import type { MessageIds } from "../base/message-id.ts";
import type { Client, Disposition, Envelope, MessageRecord, Verdict } from "../message.ts";
import { decide, type Policy } from "../policy/decide.ts";
import { REPLIES, type Reply, SmtpError } from "../reply.ts";
import { StoreFullError } from "../store/disk.ts";
import type { Draft } from "../store/draft.ts";
import type { Store } from "../store/store.ts";
import type { Inspected, Inspector } from "./inspector.ts";

/** One message on its way in. */
export interface Transaction {
  /** Queue id, for the trace field and the reply. */
  readonly id: string;
  /** Takes body bytes; a promise means: wait before sending more. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * Scans, decides, commits. `trace` is the Received field, whole lines, CRLF-ended. Resolves with
   * the reply to give; throws `SmtpError` for a refusal.
   */
  finish(trace: string): Promise<Reply>;
  /** The client is gone or broke a rule: nothing is kept. */
  abort(): void;
}

/** What the SMTP doors see of the pipeline. */
export interface Intake {
  /** Begins a message; throws `SmtpError` if none can be taken now. */
  begin(client: Client, envelope: Envelope): Transaction;
}

/** What intake works with. */
export interface IntakeParts {
  readonly store: Store;
  readonly ids: MessageIds;
  readonly inspector: Inspector;
  readonly policy: Policy;
  /** RFC 5321 §6.3: Received fields at which a message is held to be looping. */
  readonly hopsMax: number;
  readonly log: Log;
  readonly clock: Clock;
}

const FINDINGS_MAX = 10;

/** Makes the intake of a gateway. */
export function createIntake(parts: IntakeParts): Intake {
  const whole = { ...parts, garbage: new GarbagePacer() };
  return { begin: (client, envelope) => new Incoming(whole, client, envelope) };
}

interface Parts extends IntakeParts {
  readonly garbage: GarbagePacer;
}

class Incoming implements Transaction {
  readonly id: string;
  readonly #parts: Parts;
  readonly #client: Client;
  readonly #envelope: Envelope;
  readonly #draft: Draft;
  readonly #receivedAt: number;

  constructor(parts: Parts, client: Client, envelope: Envelope) {
    this.#parts = parts;
    this.#client = client;
    this.#envelope = envelope;
    this.#receivedAt = parts.clock.now();
    this.id = parts.ids.next();
    try {
      this.#draft = parts.store.draft(this.id);
    } catch (error) {
      throw this.#storageRefusal(error);
    }
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#parts.garbage.passed(chunk.length);
    try {
      return this.#draft.write(chunk)?.catch((error: unknown) => {
        throw this.#storageRefusal(error);
      });
    } catch (error) {
      throw this.#storageRefusal(error);
    }
  }

  async finish(trace: string): Promise<Reply> {
    try {
      const body = await this.#draft.finish();
      const inspected = await this.#parts.inspector.inspect({
        body,
        name: "message",
        isMessage: true,
      });
      if (inspected.summary.hops > this.#parts.hopsMax) throw new SmtpError(REPLIES.tooManyHops);
      const disposition = decide(inspected.verdict, this.#parts.policy);
      this.#logScan(inspected.verdict, disposition);
      return await this.#settle(disposition, this.#record(inspected, trace));
    } catch (error) {
      this.#draft.discard();
      throw error instanceof SmtpError ? error : this.#storageRefusal(error);
    }
  }

  abort(): void {
    this.#draft.discard();
  }

  async #settle(disposition: Disposition, record: MessageRecord): Promise<Reply> {
    const { store } = this.#parts;
    switch (disposition.kind) {
      case "deliver":
        await store.commit(this.#draft, record, "queue");
        return this.#queued();
      case "quarantine":
      case "block":
        await store.commit(this.#draft, record, "quarantine");
        return this.#queued();
      case "reject":
        throw new SmtpError(
          record.status === "infected" ? REPLIES.malware : REPLIES.policyRefused,
          disposition.reason,
        );
      case "defer":
        throw new SmtpError(REPLIES.scanIncomplete, disposition.reason);
      default: {
        const unknown: never = disposition;
        throw new Error(`unknown disposition ${JSON.stringify(unknown)}`);
      }
    }
  }

  #queued(): Reply {
    return { ...REPLIES.queued, text: `${REPLIES.queued.text} as ${this.id}` };
  }

  #record(inspected: Inspected, trace: string): MessageRecord {
    const { verdict, summary } = inspected;
    const findings = new Set<string>();
    for (const object of verdict.objects) {
      for (const finding of object.findings) findings.add(finding.signature);
      if (findings.size >= FINDINGS_MAX) break;
    }
    return {
      id: this.id,
      receivedAt: this.#receivedAt,
      client: this.#client,
      envelope: this.#envelope,
      trace: `${trace}X-Gw-Scan: ${verdict.status}; id=${this.id}; set=${verdict.signatureSet}\r\n`,
      size: this.#draft.size,
      messageId: summary.messageId,
      subject: summary.subject,
      status: verdict.status,
      findings: [...findings],
    };
  }

  #logScan(verdict: Verdict, disposition: Disposition): void {
    const fields = {
      id: this.id,
      status: verdict.status,
      disposition: disposition.kind,
      objects: verdict.objects.length,
      ms: Math.round(verdict.elapsedMs),
      reason: "reason" in disposition ? disposition.reason : undefined,
    };
    if (verdict.status === "clean") this.#parts.log.debug("scanned", fields);
    else this.#parts.log.info("scanned", fields);
  }

  #storageRefusal(error: unknown): SmtpError {
    if (error instanceof StoreFullError) return new SmtpError(REPLIES.storageFull, error);
    this.#parts.log.error("intake-failed", { id: this.id, cause: describeError(error) });
    return new SmtpError(REPLIES.localError, error);
  }
}
