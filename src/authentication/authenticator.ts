// The doorway to the checks of who mail is from. Whatever becomes of the thread behind it, every
// check ends with a result, in doubt with `temperror`: that is a statement about us, not the sender.
import type { Log } from "../base/log.ts";
import { workerUrl } from "../base/worker-url.ts";
import type { AuthenticationCheck } from "../message.ts";
import type { CheckOrder, CheckReport, CheckSettings } from "./authentication-worker.ts";
import {
  type CheckedMessage,
  type MessageIdentity,
  type SenderIdentity,
  unchecked,
} from "./checked.ts";

/** How checks are made. */
export interface AuthenticatorOptions extends CheckSettings {
  readonly log: Log;
  /** Makes the thread; for tests. */
  readonly spawn?: () => Worker;
}

interface Pending {
  readonly timer: ReturnType<typeof setTimeout>;
  /** Undefined: it could not be checked. */
  readonly resolve: (report: CheckReport | undefined) => void;
}

// Checks at the same time; each may hold a message's place in memory. Those beyond are not made.
const PENDING_MAX = 2000;
// The thread ends each check by itself; if it does not, something holds it up.
const GRACE_MS = 5000;

/** Checks senders and messages, in a thread of its own that is made when it is first needed. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #lastNumber = 0;
  #isStopped = false;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** SPF of a session's sender. Never rejects. */
  async checkSender(sender: SenderIdentity): Promise<AuthenticationCheck> {
    const report = await this.#run((number) => ({ kind: "sender", number, sender }));
    if (report !== undefined && "spf" in report) return report.spf;
    return { result: "temperror", domain: "" };
  }

  /** SPF, DKIM, ARC and DMARC of a message. Never rejects. */
  async checkMessage(message: MessageIdentity): Promise<CheckedMessage> {
    const report = await this.#run((number) => ({ kind: "message", number, message }));
    return report !== undefined && "checked" in report ? report.checked : unchecked("temperror");
  }

  /** Ends the thread; checks under way end without a result. */
  stop(): void {
    this.#isStopped = true;
    this.#endThread();
  }

  #run(orderOf: (number: number) => CheckOrder): Promise<CheckReport | undefined> {
    if (this.#isStopped || this.#pending.size >= PENDING_MAX) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const number = ++this.#lastNumber;
      const { timeoutMs, log } = this.#options;
      const timer = setTimeout(() => {
        log.error("authentication-overrun", { ms: timeoutMs + GRACE_MS });
        this.#endThread();
      }, timeoutMs + GRACE_MS);
      timer.unref?.();
      this.#pending.set(number, { timer, resolve });
      this.#thread().postMessage(orderOf(number));
    });
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const { spawn, log, hostname, dns, timeoutMs } = this.#options;
    const url = "authentication/authentication-worker.ts";
    const worker = spawn?.() ?? new Worker(workerUrl(url));
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<CheckReport>) => this.#end(data.number, data);
    worker.onerror = (event: ErrorEvent) => {
      event.preventDefault?.();
      if (this.#worker !== worker) return;
      log.error("authentication-failed", { cause: event.message || "worker error" });
      this.#endThread();
    };
    const settings = { hostname, dns, timeoutMs };
    worker.postMessage({ kind: "start", settings } satisfies CheckOrder);
    return worker;
  }

  // The next check makes a new one.
  #endThread(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const number of [...this.#pending.keys()]) this.#end(number, undefined);
  }

  #end(number: number, report: CheckReport | undefined): void {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    clearTimeout(pending?.timer);
    pending?.resolve(report);
  }
}
