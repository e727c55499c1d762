// The sending side's thread: unpacks orders, hands them to the courier, and posts what came of them,
// many at a time, since a message between threads costs more than what it carries.
import { GarbagePacer } from "../base/garbage.ts";
import { LOG_LEVELS, type Log, type LogFields, type LogLevel } from "../base/log.ts";
import { Courier } from "./courier.ts";
import type { KnownPolicy } from "./security/sts-policy.ts";
import type { LogEntry, NumberedDelivery, Order, Report } from "./settings.ts";

declare const self: {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(report: Report): void;
};

type End = NonNullable<Report["ends"]>[number];

/** Collects what happens in one turn of the event loop into one report. */
class Outbox {
  #ends: End[] = [];
  #logs: LogEntry[] = [];
  #policies: KnownPolicy[] = [];
  #isScheduled = false;

  addEnd(end: End): void {
    this.#ends.push(end);
    this.#schedule();
  }

  addLog(level: LogLevel, event: string, fields: LogFields = {}): void {
    this.#logs.push({ level, event, fields });
    this.#schedule();
  }

  addPolicy(policy: KnownPolicy): void {
    this.#policies.push(policy);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      self.postMessage({ ends: this.#ends, logs: this.#logs, policies: this.#policies });
      this.#policies = [];
      this.#ends = [];
      this.#logs = [];
    });
  }
}

function begin(): void {
  const outbox = new Outbox();
  const [error, warn, info, debug] = LOG_LEVELS.map(
    (level) => (event: string, fields?: LogFields) => outbox.addLog(level, event, fields),
  ) as [Log["error"], Log["warn"], Log["info"], Log["debug"]];
  const garbage = new GarbagePacer();
  let courier: Courier | undefined;

  const deliver = async ({ number, delivery }: NumberedDelivery) => {
    const outcomes = (await courier?.deliver(delivery)) ?? [];
    garbage.passed(delivery.body.kind === "file" ? delivery.body.size : 0);
    outbox.addEnd({ number, outcomes });
  };

  self.onmessage = ({ data: order }) => {
    switch (order.kind) {
      case "start":
        courier = new Courier(
          order.settings,
          { error, warn, info, debug },
          {
            onPolicy: (policy) => outbox.addPolicy(policy),
            // They come together, and seldom.
            onTlsResults: (tlsResults) => self.postMessage({ tlsResults }),
          },
        );
        self.postMessage({ isReady: true });
        break;
      case "deliver":
        for (const each of order.deliveries) void deliver(each);
        break;
      case "stop":
        courier?.stop();
        break;
      default:
        order satisfies never;
    }
  };
}

begin();
