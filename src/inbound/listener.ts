// The doors for SMTP clients: listens, hands connections to sessions, and closes in good order.
import type { Clock } from "../base/clock.ts";
import { type ListenPlace, parseListenPlace } from "../base/endpoint.ts";
import { describeError, type Log } from "../base/log.ts";
import { Tally } from "../base/tally.ts";
import type { Intake } from "../pipeline/intake.ts";
import type { Access } from "./access/access.ts";
import type { House } from "./connection.ts";
import { Door } from "./door/door.ts";
import { serverOptions } from "./door/options.ts";
import { type InheritedSocket, nameOf, type Spot, spotsOf } from "./door/place.ts";
import { Load } from "./limits/load.ts";
import { Rates } from "./limits/rates.ts";
import { Logins } from "./login/logins.ts";
import { RelayRules } from "./relay.ts";
import { Server } from "./server.ts";
import type { DoorPlan, InboundSettings, ListenerPlan } from "./settings.ts";
import { Certificates } from "./tls/certificates.ts";
import { type Dialog, dialogLogger, type PeerOf } from "./watch/dialog.ts";

/** What a listener works with. */
export interface ListenerOptions extends ListenerPlan {
  readonly intake: Intake;
  /** The access rules in force, asked for whenever settings are taken. */
  readonly access?: () => Access | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** Hears every line of every session. */
  readonly dialog?: Dialog;
}

/** A change that is ready: one of the two must be called. */
export interface ListenerChange {
  commit(): void;
  abort(): Promise<void>;
}

const LOGIN_FAILURES_MAX = 10;
const LOGIN_FAILURES_WITHIN_MS = 900_000;
const SWEEP_MS = 5_000;
const EXPIRY_WARNING_DAYS = 14;
interface Wanted {
  readonly plan: DoorPlan;
  readonly spot: Spot;
}

/** Receives mail at one or several doors. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #house: House;
  readonly #rates = new Rates();
  readonly #load = new Load();
  readonly #timers: NodeJS.Timeout[] = [];
  #doors: readonly Door[] = [];
  /** Places that are given up, with sessions that live on. */
  #shut: readonly Door[] = [];
  #certificates: Certificates | undefined;
  #loginKey: string | undefined;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#rates.configure(options.settings.rates);
    this.#loginKey = options.loginKey;
    this.#house = {
      parts: this.#partsFor(options.settings),
      limits: options.settings,
      sessions: new Tally(),
      logins: this.#loginsFor(options),
    };
    this.#certificates = certificatesOf(options);
  }

  /** Opens all doors, or none: throws what stands in the way, naming the place. */
  static async start(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    listener.#warnOfEnd();
    for (const { plan, spot } of wantedOf(options)) {
      try {
        const door = await listener.#open(plan, spot, listener.#certificates);
        listener.#doors = [...listener.#doors, door];
      } catch (error) {
        await listener.stop(0);
        throw error;
      }
    }
    listener.#every(SWEEP_MS, () => {
      listener.sweep();
      listener.reloadCertificate();
    });
    return listener;
  }

  /** `127.0.0.1:2525`, `[::1]:2525`, `unix:/path`: where it listens, in the order of the doors. */
  get addresses(): readonly string[] {
    return this.#doors.map(({ name }) => name);
  }

  /** The TCP ports, in the same order; 0 where there is none. */
  get ports(): readonly number[] {
    return this.#doors.map(({ port }) => port);
  }

  /** The sockets themselves, for another process or another listener to go on with. */
  get sockets(): readonly InheritedSocket[] {
    return this.#doors.flatMap(({ socket }) => socket ?? []);
  }

  /** Sessions at this moment. */
  get sessions(): number {
    return this.#house.sessions.total;
  }

  /** Takes new settings for sessions that begin from now on; throws if they are wrong. */
  reload(settings: InboundSettings): void {
    this.#house.parts = this.#partsFor(settings);
    this.#rates.configure(settings.rates);
    this.#house.limits = settings;
    for (const server of this.#servers()) {
      server.options.name = settings.hostname;
      server.options.size = settings.messageSizeMax;
      server.options.socketTimeout = settings.idleTimeoutMs;
      server.options.maxClients = settings.sessionsMax;
    }
  }

  /**
   * Makes ready for another plan: reads certificates and opens places. Throws what stands in the way,
   * and then nothing has changed. Old places are closed by `commit()`, sessions live on.
   */
  async prepare(plan: ListenerPlan): Promise<ListenerChange> {
    const certificates = certificatesOf(plan);
    // It throws for networks that are none.
    new RelayRules(plan.settings);
    const opened: Door[] = [];
    const replaced: (() => void)[] = [];
    const next: Door[] = [];
    const abort = async () => {
      await Promise.all(opened.map((door) => door.leave(0)));
    };
    try {
      for (const { plan: own, spot } of wantedOf(plan)) {
        const there = this.#doors.find((door) => isSame(door.spot, spot) && !next.includes(door));
        const rules = rulesText(own, certificates);
        if (there === undefined) {
          const door = await this.#open(own, spot, certificates, plan);
          opened.push(door);
          next.push(door);
          continue;
        }
        next.push(there);
        if (there.rules === rules) continue;
        const server = this.#serverFor(own, spot, certificates, plan);
        replaced.push(() => there.replace(server, rules));
      }
    } catch (error) {
      await abort();
      throw error;
    }
    const commit = () => {
      this.#certificates = certificates;
      for (const replace of replaced) replace();
      const gone = this.#doors.filter((door) => !next.includes(door));
      for (const door of gone) door.shut();
      this.#doors = next;
      this.#shut = [...this.#shut, ...gone].filter(({ isInUse }) => isInUse);
      if (plan.loginKey !== this.#loginKey) this.#house.logins = this.#loginsFor(plan);
      this.#loginKey = plan.loginKey;
      this.reload(plan.settings);
      this.#showCertificate();
    };
    return { commit, abort };
  }

  /**
   * Reads the certificates again if a file has changed; keeps the old ones if a new one is bad. Runs
   * by itself every few seconds.
   */
  reloadCertificate(): void {
    const { log } = this.#options;
    const certificates = this.#certificates;
    if (certificates?.hasChanged() !== true) return;
    try {
      certificates.reload();
      this.#showCertificate();
      log.info("certificate-loaded", { file: certificates.file });
      this.#warnOfEnd();
    } catch (error) {
      // The old certificate serves on: mail must not stop because a renewal went wrong.
      log.error("certificate-not-loaded", { cause: describeError(error) });
    }
  }

  /** Ends sessions that take too long. Runs by itself every few seconds. */
  sweep(): void {
    const now = this.#options.clock.steady();
    for (const { open } of this.#servers()) {
      for (const connection of open) connection.sweep(now);
    }
    this.#shut = this.#shut.filter(({ isInUse }) => isInUse);
  }

  /**
   * Closes the doors and says 421 to sessions without a message. True once all sessions are gone, false
   * if some still have a message on its way in after `graceMs`: those go on.
   */
  async leave(graceMs: number): Promise<boolean> {
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(false), graceMs);
    const all = [...this.#doors, ...this.#shut];
    const left = Promise.all(all.map((door) => door.vacate()));
    const isEmpty = await Promise.race([left.then(() => true), late.promise]);
    clearTimeout(timer);
    return isEmpty;
  }

  /**
   * Closes the doors, says 421 to sessions without a message, gives messages that are on their way
   * in `graceMs` to arrive, then ends them too: their clients will send them again.
   */
  async stop(graceMs: number): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    const all = [...this.#doors, ...this.#shut];
    await Promise.all(all.map((door) => door.leave(graceMs)));
  }

  #servers(): readonly Server[] {
    return [...this.#doors, ...this.#shut].flatMap(({ servers }) => servers);
  }

  #showCertificate(): void {
    const main = this.#certificates?.main;
    if (main === undefined) return;
    const { cert, key } = main;
    for (const server of this.#servers()) {
      // A door without TLS stays one.
      if (server.options.cert !== undefined) server.updateSecureContext({ cert, key });
    }
  }

  #loginsFor({ loginLimits, directories = [] }: ListenerPlan): Logins {
    const { log, clock } = this.#options;
    return new Logins({
      failuresMax: LOGIN_FAILURES_MAX,
      failuresWithinMs: LOGIN_FAILURES_WITHIN_MS,
      ...loginLimits,
      ...{ directories, log, now: () => clock.steady() },
    });
  }

  #partsFor(settings: InboundSettings): House["parts"] {
    const { intake, log, clock, access } = this.#options;
    const relay = new RelayRules(settings);
    const parts = { settings, relay, rates: this.#rates, load: this.#load, intake, log, clock };
    return { ...parts, access: access?.() };
  }

  #every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms);
    timer.unref();
    this.#timers.push(timer);
  }

  #warnOfEnd(): void {
    const end = this.#certificates?.firstToEnd(this.#options.clock.now());
    // An expired certificate still encrypts, and most servers do not look at it (RFC 7435 §1.1).
    if (end !== undefined && end.days < EXPIRY_WARNING_DAYS) {
      this.#options.log.warn("certificate-expires", end);
    }
  }

  async #open(
    plan: DoorPlan,
    spot: Spot,
    certificates: Certificates | undefined,
    of: ListenerPlan = this.#options,
  ): Promise<Door> {
    const server = this.#serverFor(plan, spot, certificates, of);
    const rules = rulesText(plan, certificates);
    return Door.open(spot, { server, rules, log: this.#options.log });
  }

  #serverFor(
    plan: DoorPlan,
    spot: Spot,
    certificates: Certificates | undefined,
    { settings }: ListenerPlan,
  ): Server {
    const { dialog } = this.#options;
    const peerOf: PeerOf = (id) => server.peerOf(id);
    const latest = () => this.#certificates;
    const options = serverOptions(settings, plan, { certificates, latest });
    const logger = dialog === undefined ? false : dialogLogger(dialog, peerOf);
    const isFile = spot.kind === "unix";
    const server: Server = new Server({ ...options, logger }, this.#house, { ...plan, isFile });
    return server;
  }
}

function certificatesOf({ certificates = [] }: ListenerPlan): Certificates | undefined {
  const [own, ...others] = certificates;
  return own && new Certificates(own, others);
}

function wantedOf({ doors, inherited = [] }: ListenerPlan): Wanted[] {
  return doors.flatMap((plan) =>
    plan.listen
      .map(placeOf)
      .flatMap((place) => spotsOf(place, inherited).map((spot) => ({ plan, spot }))),
  );
}

// What a server is made by once and for all; where it listens is its door's business.
function rulesText({ listen: _, ...plan }: DoorPlan, certificates: Certificates | undefined) {
  return JSON.stringify([plan, certificates !== undefined]);
}

// A door that was handed over has a socket of another number than its place would be given now.
function isSame(one: Spot, other: Spot): boolean {
  return nameOf(one) === nameOf(other);
}

function placeOf(text: string): ListenPlace {
  const place = parseListenPlace(text);
  if (place === undefined) {
    throw new Error(`cannot listen on ${JSON.stringify(text)}: not an address such as 0.0.0.0:25`);
  }
  return place;
}
