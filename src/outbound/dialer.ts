// Gets a session with a next hop: looks it up, tries its addresses in order, remembers for a while
// which of them did not answer and which can't do TLS.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Outcome } from "../message.ts";
import type { MailHosts, Target } from "./mail-hosts.ts";
import { TROUBLE, troubleOutcome } from "./response.ts";
import type { NextHop } from "./route.ts";
import type { TlsPolicy } from "./security/tls-policy.ts";
import type { TlsEnd, TlsFlaw } from "./security/tls-results.ts";
import { type Opening, openSession } from "./session/opening.ts";
import { describeTarget, type Session, type SessionContext } from "./session/session.ts";
import { type SessionTerms, sessionTerms } from "./settings.ts";

/** A session with a next hop, or what to tell those who wait for one. */
export type Dialed =
  | { readonly kind: "session"; readonly session: Session }
  | { readonly kind: "none"; readonly outcome: Outcome };

// An address that does not answer costs a whole timeout each time; its neighbours come first.
const ADDRESS_DOWN_MS = 60_000;
const TLS_BROKEN_MS = 600_000;
const MEMORY_SIZE_MAX = 10_000;

/** Remembers keys for a while; of too many it forgets the oldest. */
class Memory {
  readonly #until = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(key: string): boolean {
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (until > this.#clock.steady()) return true;
    this.#until.delete(key);
    return false;
  }

  add(key: string, forMs: number): void {
    this.#until.delete(key);
    this.#until.set(key, this.#clock.steady() + forMs);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MEMORY_SIZE_MAX && oldest !== undefined) this.#until.delete(oldest);
  }

  delete(key: string): void {
    this.#until.delete(key);
  }
}

/** Opens sessions. */
export class Dialer {
  readonly #hosts: MailHosts;
  readonly #context: SessionContext;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #policy: TlsPolicy;
  readonly #isDown: Memory;
  readonly #isTlsBroken: Memory;

  constructor(hosts: MailHosts, policy: TlsPolicy, context: SessionContext, clock: Clock) {
    this.#hosts = hosts;
    this.#policy = policy;
    this.#context = context;
    this.#clock = clock;
    this.#log = context.log;
    this.#isDown = new Memory(clock);
    this.#isTlsBroken = new Memory(clock);
  }

  /** Tries all addresses of the next hop; never rejects. */
  async dial(hop: NextHop): Promise<Dialed> {
    const located = await this.#hosts.locate(hop);
    if (located.kind === "none") return located;
    const { connectMs, greetingMs } = this.#context.settings.timeouts;
    const terms = sessionTerms(hop, this.#context.settings);
    const giveUpAt = this.#clock.steady() + connectMs + greetingMs;
    let last: Outcome = troubleOutcome(TROUBLE.noConnection, "");
    let isPermanent = true;
    for (const target of this.#order(located.targets)) {
      const opening = await this.#open(target, terms);
      const key = `${target.address} ${target.port}`;
      if (opening.kind === "open") {
        this.#isDown.delete(key);
        return { kind: "session", session: opening.session };
      }
      this.#isDown.add(key, ADDRESS_DOWN_MS);
      // One host that never takes mail says nothing about the others. RFC 7504 §4.
      isPermanent &&= opening.outcome.kind === "failed";
      if (last.host === "" || opening.outcome.kind === "deferred") last = opening.outcome;
      if (this.#clock.steady() >= giveUpAt) break;
    }
    if (last.kind === "failed" && !isPermanent) last = { ...last, kind: "deferred" };
    return { kind: "none", outcome: last };
  }

  #order(targets: readonly Target[]): Target[] {
    const isDown = ({ address, port }: Target) => this.#isDown.has(`${address} ${port}`);
    return [...targets.filter((one) => !isDown(one)), ...targets.filter(isDown)];
  }

  async #open(target: Target, asked: SessionTerms): Promise<Opening> {
    const agreed = await this.#policy.agree(target, asked, describeTarget(target));
    const { policy } = agreed;
    const note = (end: TlsEnd) => {
      if (policy !== undefined) this.#context.tlsResults?.note(target, policy, end);
    };
    if (agreed.kind === "refused") {
      note({ isEncrypted: true });
      return { ...agreed, isTlsTrouble: false };
    }
    const { terms } = agreed;
    const key = `${target.address} ${target.port}`;
    const inClear: SessionTerms = { ...terms, tls: "off" };
    const isEither =
      terms.tls === "opportunistic" && terms.protocol !== "smtps" && terms.login === undefined;
    if (isEither && this.#isTlsBroken.has(key)) {
      note({ isEncrypted: false, flaw: BROKEN });
      return openSession(target, inClear, this.#context);
    }
    const opening = await openSession(target, terms, this.#context);
    if (opening.kind === "open") {
      const { flaw, ...tls } = opening.tls;
      // Only a policy that is being tried asks how its certificates would have fared.
      note(policy?.isTesting === true && flaw !== undefined ? { ...tls, flaw } : tls);
      return opening;
    }
    if (opening.flaw !== undefined) note({ isEncrypted: false, flaw: opening.flaw });
    if (!isEither || !opening.isTlsTrouble) return opening;
    // RFC 7435 §3: opportunistic security falls back rather than fail.
    this.#isTlsBroken.add(key, TLS_BROKEN_MS);
    const host = describeTarget(target);
    this.#log.warn("tls-failed", { host, cause: opening.outcome.reply, next: "in clear" });
    return openSession(target, inClear, this.#context);
  }
}

const BROKEN: TlsFlaw = { kind: "validation-failure", reason: "TLS failed a while ago" };
