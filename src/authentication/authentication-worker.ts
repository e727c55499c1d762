// The thread that checks who mail is from: many checks at the same time, since each mostly waits for
// DNS. It never fails to answer, unless a message holds it up; then the other end puts an end to it.
import { systemClock } from "../base/clock.ts";
import type { Endpoint } from "../base/endpoint.ts";
import { Resolver } from "../dns/resolver.ts";
import type { AuthenticationCheck } from "../message.ts";
import {
  type CheckedMessage,
  type MessageIdentity,
  type SenderIdentity,
  unchecked,
} from "./checked.ts";
import { Deadline } from "./deadline.ts";
import { CheckLookup } from "./lookup.ts";
import { checkMessage } from "./message-check.ts";
import { checkSpf } from "./spf.ts";

/** What the thread is started with. */
export interface CheckSettings {
  readonly hostname: string;
  readonly dns: {
    readonly servers: readonly Endpoint[];
    readonly timeoutMs: number;
    readonly rounds: number;
  };
  /** Milliseconds that one check may take. */
  readonly timeoutMs: number;
}

/** What the thread is told to do. */
export type CheckOrder =
  | { readonly kind: "start"; readonly settings: CheckSettings }
  | { readonly kind: "sender"; readonly number: number; readonly sender: SenderIdentity }
  | { readonly kind: "message"; readonly number: number; readonly message: MessageIdentity };

/** What it answers. */
export type CheckReport =
  | { readonly number: number; readonly spf: AuthenticationCheck }
  | { readonly number: number; readonly checked: CheckedMessage };

declare const self: {
  onmessage: (event: MessageEvent<CheckOrder>) => void;
  postMessage(report: CheckReport): void;
};

class Checker {
  readonly #settings: CheckSettings;
  readonly #resolver: Resolver;

  constructor(settings: CheckSettings) {
    this.#settings = settings;
    this.#resolver = new Resolver({ ...settings.dns, clock: systemClock });
  }

  async sender(sender: SenderIdentity): Promise<AuthenticationCheck> {
    return await this.#within((parts) => checkSpf(sender, parts));
  }

  async message(message: MessageIdentity): Promise<CheckedMessage> {
    return await this.#within(async (parts) => {
      try {
        return await checkMessage(message, parts);
      } catch {
        // A file that is gone, a message mailauth stumbles over: nothing is known of its sender.
        return unchecked("temperror");
      }
    });
  }

  async #within<Result>(
    work: (parts: Parameters<typeof checkMessage>[1]) => Promise<Result>,
  ): Promise<Result> {
    const { hostname, timeoutMs } = this.#settings;
    const deadline = new Deadline(timeoutMs);
    try {
      const lookup = new CheckLookup(this.#resolver, deadline);
      return await work({ lookup, deadline, hostname, timeoutMs });
    } finally {
      deadline.clear();
    }
  }
}

function begin(): void {
  let checker: Checker | undefined;
  self.onmessage = ({ data: order }) => {
    switch (order.kind) {
      case "start":
        checker = new Checker(order.settings);
        break;
      case "sender":
        void checker?.sender(order.sender).then((spf) => {
          self.postMessage({ number: order.number, spf });
        });
        break;
      case "message":
        void checker?.message(order.message).then((checked) => {
          self.postMessage({ number: order.number, checked });
        });
        break;
      default:
        order satisfies never;
    }
  };
}

begin();
