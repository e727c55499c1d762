// Who may log in: asks the directories, and slows down whoever guesses.
import { siteOf } from "../../base/ip-range.ts";
import { describeError, type Log } from "../../base/log.ts";
import { RateMeter } from "../limits/rate-meter.ts";
import type { Credentials } from "./sasl.ts";
import type { Directory, Identity } from "./users.ts";

/** How an attempt ended. */
export type LoginResult =
  | { readonly kind: "in"; readonly identity: Identity }
  | { readonly kind: "wrong" }
  /** Too many failures, or nobody could tell: to be tried later. */
  | { readonly kind: "later"; readonly cause: string };

/** What logins work with. */
export interface LoginOptions {
  /** Asked one after the other until one knows the user. */
  readonly directories: readonly Directory[];
  /** Wrong passwords of one address, and for one user, before all are refused for a while. */
  readonly failuresMax: number;
  readonly failuresWithinMs: number;
  readonly log: Log;
  /** A steady clock's milliseconds. */
  readonly now: () => number;
}

// A hash that is hard to guess costs memory and time: so many are worked on at once, and wait.
const CHECKS_MAX = 4;
const WAITING_MAX = 100;
// Guesses at one user come from many addresses; locking it sooner would let anyone keep it out.
const USER_FAILURES_FACTOR = 10;

/** Checks names and passwords. */
export class Logins {
  readonly #options: LoginOptions;
  readonly #byAddress: RateMeter;
  readonly #byUser: RateMeter;
  readonly #waiting: (() => void)[] = [];
  #checks = 0;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#byAddress = new RateMeter({ withinMs: options.failuresWithinMs });
    this.#byUser = new RateMeter({ withinMs: options.failuresWithinMs });
  }

  /** Tries to log in from an address; never rejects. */
  async attempt({ name, password }: Credentials, address: string): Promise<LoginResult> {
    const { failuresMax, now } = this.#options;
    const [site, user] = [siteOf(address), name.toLowerCase()];
    if (this.#byAddress.count(site, now()) >= failuresMax) {
      return { kind: "later", cause: "too many failures from this address" };
    }
    if (this.#byUser.count(user, now()) >= failuresMax * USER_FAILURES_FACTOR) {
      return { kind: "later", cause: "too many failures for this user" };
    }
    if (this.#waiting.length >= WAITING_MAX) return { kind: "later", cause: "too many logins" };
    await this.#turn();
    try {
      return await this.#check({ name, password }, { site, user });
    } finally {
      this.#checks--;
      this.#waiting.shift()?.();
    }
  }

  async #check(
    { name, password }: Credentials,
    { site, user }: { readonly site: string; readonly user: string },
  ): Promise<LoginResult> {
    const { directories, log, now } = this.#options;
    let trouble: string | undefined;
    for (const directory of directories) {
      try {
        const identity = await directory.check(name, password);
        if (identity !== undefined) return { kind: "in", identity };
      } catch (error) {
        trouble = describeError(error);
        log.warn("directory-failed", { cause: trouble });
      }
    }
    // Nobody is told to be wrong while one of those who know cannot be asked.
    if (trouble !== undefined) return { kind: "later", cause: trouble };
    this.#byAddress.add(site, now());
    this.#byUser.add(user, now());
    return { kind: "wrong" };
  }

  async #turn(): Promise<void> {
    if (this.#checks >= CHECKS_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#checks++;
  }
}
