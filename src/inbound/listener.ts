// The doors for SMTP clients: listens, hands connections to sessions, and closes in good order.
import type { SecureContext } from "node:tls";
import type { SMTPServerOptions } from "smtp-server";
import type { Clock } from "../base/clock.ts";
import { type ListenPlace, parseListenPlace } from "../base/endpoint.ts";
import { describeError, type Log } from "../base/log.ts";
import { Tally } from "../base/tally.ts";
import type { Intake } from "../pipeline/intake.ts";
import type { Access } from "./access/access.ts";
import type { House } from "./connection.ts";
import { Load } from "./limits/load.ts";
import { Rates } from "./limits/rates.ts";
import { type LoginOptions, Logins } from "./login/logins.ts";
import type { Directory } from "./login/users.ts";
import {
  boundName,
  boundPort,
  cleanUp,
  type InheritedSocket,
  listenOn,
  type Spot,
  spotsOf,
} from "./place.ts";
import { RelayRules } from "./relay.ts";
import { Server } from "./server.ts";
import type { DoorPlan, InboundSettings } from "./settings.ts";
import type { CertificateFiles } from "./tls/certificate.ts";
import { Certificates } from "./tls/certificates.ts";
import { type Dialog, dialogLogger, type PeerOf } from "./watch/dialog.ts";

/** What a listener works with. */
export interface ListenerOptions {
  readonly doors: readonly DoorPlan[];
  /** The host's own first. Without any, TLS is not offered. */
  readonly certificates?: readonly CertificateFiles[];
  /** Sockets for doors at `systemd:NAME`. */
  readonly inherited?: readonly InheritedSocket[];
  /** Where users are known that log in. */
  readonly directories?: readonly Directory[];
  readonly loginLimits?: Pick<LoginOptions, "failuresMax" | "failuresWithinMs">;
  readonly settings: InboundSettings;
  readonly intake: Intake;
  /** The access rules in force, asked for whenever settings are taken. */
  readonly access?: () => Access | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** Hears every line of every session. */
  readonly dialog?: Dialog;
}

// RFC 5321 §4.5.3.1.4 asks for 512; the extensions that are offered add less than 1100 to RCPT.
const COMMAND_LENGTH_MAX = 4096;
const LOGIN_FAILURES_MAX = 10;
const LOGIN_FAILURES_WITHIN_MS = 900_000;
const SWEEP_MS = 5_000;
const EXPIRY_WARNING_DAYS = 14;
// Jokes that smtp-server brings along.
const DISABLED_COMMANDS = ["WIZ", "SHELL", "KILL"];
const RELAY_COMMANDS = ["XCLIENT", "XFORWARD"];

interface Post {
  readonly server: Server;
  readonly spot: Spot;
}

/** Receives mail at one or several doors. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #house: House;
  readonly #posts: Post[] = [];
  readonly #rates = new Rates();
  readonly #load = new Load();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #certificates: Certificates | undefined;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#rates.configure(options.settings.rates);
    this.#house = {
      parts: this.#partsFor(options.settings),
      limits: options.settings,
      sessions: new Tally(),
      logins: new Logins({
        failuresMax: LOGIN_FAILURES_MAX,
        failuresWithinMs: LOGIN_FAILURES_WITHIN_MS,
        ...options.loginLimits,
        directories: options.directories ?? [],
        log: options.log,
        now: () => options.clock.steady(),
      }),
    };
    const [own, ...others] = options.certificates ?? [];
    this.#certificates = own && new Certificates(own, others);
  }

  /** Opens all doors, or none: throws what stands in the way, naming the place. */
  static async start(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    listener.#warnOfEnd();
    const spots = options.doors.flatMap((plan) => {
      const places = plan.listen.map(placeOf);
      return places.flatMap((place) =>
        spotsOf(place, options.inherited ?? []).map((spot) => ({ plan, spot })),
      );
    });
    try {
      for (const { plan, spot } of spots) await listener.#open(plan, spot);
    } catch (error) {
      await listener.stop(0);
      throw error;
    }
    listener.#every(SWEEP_MS, () => {
      listener.sweep();
      listener.reloadCertificate();
    });
    return listener;
  }

  /** `127.0.0.1:2525`, `[::1]:2525`, `unix:/path`: where it listens, in the order of the doors. */
  get addresses(): readonly string[] {
    return this.#posts.map(({ server, spot }) => boundName(spot, server.server));
  }

  /** The TCP ports, in the same order; 0 where there is none. */
  get ports(): readonly number[] {
    return this.#posts.map(({ server }) => boundPort(server.server));
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
    for (const { server } of this.#posts) {
      server.options.name = settings.hostname;
      server.options.size = settings.messageSizeMax;
      server.options.socketTimeout = settings.idleTimeoutMs;
      server.options.maxClients = settings.sessionsMax;
    }
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
      const { cert, key } = certificates.main;
      for (const { server } of this.#posts) server.updateSecureContext({ cert, key });
      log.info("certificate-loaded", { file: this.#options.certificates?.[0]?.certificate });
      this.#warnOfEnd();
    } catch (error) {
      // The old certificate serves on: mail must not stop because a renewal went wrong.
      log.error("certificate-not-loaded", { cause: describeError(error) });
    }
  }

  /** Ends sessions that take too long. Runs by itself every few seconds. */
  sweep(): void {
    const now = this.#options.clock.steady();
    for (const { server } of this.#posts) {
      for (const connection of server.open) connection.sweep(now);
    }
  }

  /**
   * Closes the doors, says 421 to sessions without a message, gives messages that are on their way
   * in `graceMs` to arrive, then ends them too: their clients will send them again.
   */
  async stop(graceMs: number): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await Promise.all(this.#posts.map((post) => close(post, graceMs)));
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

  async #open(plan: DoorPlan, spot: Spot): Promise<void> {
    const { dialog } = this.#options;
    const peerOf: PeerOf = (id) => server.peerOf(id);
    const options = serverOptions(this.#options, plan, this.#certificates);
    const logger = dialog === undefined ? false : dialogLogger(dialog, peerOf);
    const server: Server = new Server({ ...options, logger }, this.#house, plan);
    const { log } = this.#options;
    server.on("error", (error) => {
      // What stands in the way of listening is thrown.
      if (server.server.listening) log.warn("listener-failed", { cause: describeError(error) });
    });
    await listenOn(server.server, spot, plan.socketMode);
    this.#posts.push({ server, spot });
  }
}

function placeOf(text: string): ListenPlace {
  const place = parseListenPlace(text);
  if (place === undefined) {
    throw new Error(`cannot listen on ${JSON.stringify(text)}: not an address such as 0.0.0.0:25`);
  }
  return place;
}

function serverOptions(
  options: ListenerOptions,
  plan: DoorPlan,
  certificates: Certificates | undefined,
): SMTPServerOptions {
  const { hostname, messageSizeMax, idleTimeoutMs, sessionsMax } = options.settings;
  const isTls = certificates !== undefined && plan.tls !== "none";
  return {
    name: hostname,
    heloResponse: "%s",
    size: messageSizeMax,
    socketTimeout: idleTimeoutMs,
    // Connections that have not come to a session: they wait for TLS or for a PROXY header.
    maxClients: sessionsMax,
    maxCommandLength: COMMAND_LENGTH_MAX,
    // RFC 3463 and RFC 3461; off by default in smtp-server.
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    disableReverseLookup: true,
    // Who must log in is asked where mail begins.
    authOptional: true,
    lmtp: plan.protocol === "lmtp",
    disabledCommands: [
      ...DISABLED_COMMANDS,
      ...(isTls ? [] : ["STARTTLS"]),
      ...(plan.auth === "off" ? ["AUTH"] : []),
      ...(plan.xclientNetworks.length > 0 ? [] : RELAY_COMMANDS),
    ],
    // RFC 8996: TLS 1.0 and 1.1 are gone.
    minVersion: "TLSv1.2",
    ...(isTls && {
      secure: plan.tls === "implicit",
      cert: certificates.main.cert,
      key: certificates.main.key,
      SNICallback: (name: string, done: (error: null, context?: SecureContext) => void) =>
        done(null, certificates.contextFor(name)),
    }),
  };
}

async function close({ server, spot }: Post, graceMs: number): Promise<void> {
  const left = server.leave();
  const deadline = setTimeout(() => {
    for (const connection of server.open) connection.destroy();
  }, graceMs);
  await left;
  clearTimeout(deadline);
  cleanUp(spot);
}
