// Whether a client may have a session: by the door it came to, how many there are, and how many it
// had lately. One for each connection; it counts the session until it is over.
import { siteOf } from "../../base/ip-range.ts";
import type { Log } from "../../base/log.ts";
import type { Tally } from "../../base/tally.ts";
import type { Role } from "../../message.ts";
import { REPLIES, type Reply } from "../../reply.ts";
import type { RelayRules } from "../relay.ts";
import type { SessionLimits } from "./guard.ts";
import { describeLimit, type Rates } from "./rates.ts";

/** Why a session may not be, with what only the log is told. */
export type Refusal = Reply & { readonly cause?: string };

/** What an admission is decided with. */
export interface AdmissionParts {
  readonly role: Role;
  readonly sessions: Tally;
  readonly limits: SessionLimits;
  readonly relay: RelayRules;
  readonly rates: Rates;
  readonly log: Log;
}

/** The place of one session among all. */
export class Admission {
  readonly #parts: AdmissionParts;
  #site: string | undefined;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** Lets a client in, or says why not. A session that changes hands is asked for again. */
  enter(address: string, now: number): Refusal | undefined {
    const { role, sessions, limits, relay, rates, log } = this.#parts;
    const site = siteOf(address);
    if (site === this.#site) return undefined;
    this.leave();
    const isOwn = relay.isTrusted(address);
    if (role === "internal" && !isOwn) return REPLIES.notServed;
    const perKeyMax = isOwn ? limits.sessionsMax : limits.sessionsPerAddressMax;
    if (!sessions.enter(site, { totalMax: limits.sessionsMax, perKeyMax })) {
      return REPLIES.tooManySessions;
    }
    this.#site = site;
    const source = { client: { address }, isOwn };
    const rate = rates.reached("sessions", source, now);
    if (rate !== undefined) return { ...REPLIES.sessionRate, cause: describeLimit(rate) };
    rates.add("sessions", source, { now });
    log.debug("session-begun", { client: address, sessions: sessions.total });
    return undefined;
  }

  /** The session is over. */
  leave(): void {
    if (this.#site !== undefined) this.#parts.sessions.leave(this.#site);
    this.#site = undefined;
  }
}
