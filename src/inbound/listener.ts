// The door for SMTP clients: listens, hands connections to sessions, and closes in good order.
import type { AddressInfo } from "node:net";
import type { SMTPServerOptions } from "smtp-server";
import type { Clock } from "../base/clock.ts";
import { type Endpoint, parseEndpoint } from "../base/endpoint.ts";
import { describeError, type Log } from "../base/log.ts";
import { Tally } from "../base/tally.ts";
import type { Intake } from "../pipeline/intake.ts";
import type { Door, SessionLimits } from "./connection.ts";
import { RelayRules, type RelaySettings } from "./relay.ts";
import { Server } from "./server.ts";
import type { SessionSettings } from "./session.ts";
import {
  type Certificate,
  type CertificateFiles,
  CertificateWatch,
  loadCertificate,
} from "./tls/certificate.ts";

/** Settings that may change while gw runs. */
export interface InboundSettings extends SessionSettings, SessionLimits, RelaySettings {}

/** What a listener works with. */
export interface ListenerOptions {
  /** `192.0.2.1:25`, `[::]:25`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** STARTTLS is offered if there are files. */
  readonly tls?: CertificateFiles;
  readonly settings: InboundSettings;
  readonly intake: Intake;
  readonly log: Log;
  readonly clock: Clock;
  /** Every line of every session into the log, at level debug. */
  readonly isDialogLogged?: boolean;
}

// RFC 5321 §4.5.3.1.4 asks for 512; the extensions that are offered add less than 1100 to RCPT.
const COMMAND_LENGTH_MAX = 4096;
const SWEEP_MS = 5_000;
const CERTIFICATE_CHECK_MS = 60_000;
const DAY_MS = 86_400_000;
const EXPIRY_WARNING_DAYS = 14;
// AUTH is not offered; the others are jokes and proxies' commands that smtp-server brings along.
const DISABLED_COMMANDS = ["AUTH", "WIZ", "SHELL", "KILL", "XCLIENT", "XFORWARD"];

/** Receives mail on one or several addresses. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #door: Door;
  readonly #servers: Server[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #watch: CertificateWatch | undefined;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#door = {
      parts: partsOf(options, options.settings),
      limits: options.settings,
      sessions: new Tally(),
    };
    this.#watch = options.tls === undefined ? undefined : new CertificateWatch(options.tls);
  }

  /** Listens on all addresses, or on none: throws what stands in the way, naming the address. */
  static async start(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    const endpoints = options.listen.map(endpointOf);
    const certificate = options.tls && listener.#load(options.tls);
    try {
      for (const endpoint of endpoints) await listener.#listen(endpoint, certificate);
    } catch (error) {
      await listener.stop(0);
      throw error;
    }
    listener.#every(SWEEP_MS, () => listener.sweep());
    listener.#every(CERTIFICATE_CHECK_MS, () => listener.reloadCertificate());
    return listener;
  }

  /** `127.0.0.1:2525`, `[::1]:2525`: where it listens, in the order of `listen`. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ server }) => {
      const { address, family, port } = server.address() as AddressInfo;
      return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
    });
  }

  get ports(): readonly number[] {
    return this.#servers.map(({ server }) => (server.address() as AddressInfo).port);
  }

  /** Sessions at this moment. */
  get sessions(): number {
    return this.#door.sessions.total;
  }

  /** Takes new settings for sessions that begin from now on; throws if they are wrong. */
  reload(settings: InboundSettings): void {
    this.#door.parts = partsOf(this.#options, settings);
    this.#door.limits = settings;
    for (const { options } of this.#servers) {
      options.name = settings.hostname;
      options.size = settings.messageSizeMax;
      options.socketTimeout = settings.idleTimeoutMs;
    }
  }

  /** Reads the certificate again if its files have changed; keeps the old one if the new is bad. */
  reloadCertificate(): void {
    const { tls, log } = this.#options;
    if (tls === undefined || this.#watch?.hasChanged() !== true) return;
    try {
      const { cert, key } = this.#load(tls);
      for (const server of this.#servers) server.updateSecureContext({ cert, key });
      log.info("certificate-loaded", { file: tls.certificate });
    } catch (error) {
      // The old certificate serves on: mail must not stop because a renewal went wrong.
      log.error("certificate-not-loaded", { cause: describeError(error) });
    }
  }

  /** Ends sessions that take too long. Runs by itself every few seconds. */
  sweep(): void {
    const now = this.#options.clock.steady();
    for (const server of this.#servers) {
      for (const connection of server.open) connection.sweep(now);
    }
  }

  /**
   * Closes the doors, says 421 to sessions without a message, gives messages that are on their way
   * in `graceMs` to arrive, then ends them too: their clients will send them again.
   */
  async stop(graceMs: number): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await Promise.all(this.#servers.map((server) => close(server, graceMs)));
  }

  #every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms);
    timer.unref();
    this.#timers.push(timer);
  }

  #load(files: CertificateFiles): Certificate {
    const certificate = loadCertificate(files);
    const days = Math.floor((certificate.expiresAt - this.#options.clock.now()) / DAY_MS);
    const fields = { file: files.certificate, days };
    // An expired certificate still encrypts, and most servers do not look at it (RFC 7435 §1.1).
    if (days < EXPIRY_WARNING_DAYS) this.#options.log.warn("certificate-expires", fields);
    return certificate;
  }

  async #listen(endpoint: Endpoint, certificate: Certificate | undefined): Promise<void> {
    const server = new Server(serverOptions(this.#options, certificate), this.#door);
    const { log } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(listenError(endpoint, error)));
      const { address: host, port } = endpoint;
      // Without ipv6Only, [::] takes the IPv4 port as well and 0.0.0.0 finds it in use.
      server.listen({ host, port, ipv6Only: true }, resolve);
    });
    server.removeAllListeners("error");
    server.on("error", (error) => log.warn("listener-failed", { cause: describeError(error) }));
    this.#servers.push(server);
  }
}

function partsOf(options: ListenerOptions, settings: InboundSettings): Door["parts"] {
  const { intake, log, clock } = options;
  return { settings, relay: new RelayRules(settings), intake, log, clock };
}

function endpointOf(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) {
    throw new Error(`cannot listen on ${JSON.stringify(text)}: not an address such as 0.0.0.0:25`);
  }
  return endpoint;
}

function serverOptions(
  options: ListenerOptions,
  certificate: Certificate | undefined,
): SMTPServerOptions {
  const { hostname, messageSizeMax, idleTimeoutMs } = options.settings;
  return {
    name: hostname,
    heloResponse: "%s",
    size: messageSizeMax,
    socketTimeout: idleTimeoutMs,
    maxCommandLength: COMMAND_LENGTH_MAX,
    // RFC 3463 and RFC 3461; off by default in smtp-server.
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    disableReverseLookup: true,
    disabledCommands: [...DISABLED_COMMANDS, ...(certificate === undefined ? ["STARTTLS"] : [])],
    logger: options.isDialogLogged === true ? dialogLogger(options.log) : false,
    // RFC 8996: TLS 1.0 and 1.1 are gone.
    minVersion: "TLSv1.2",
    ...(certificate !== undefined && { cert: certificate.cert, key: certificate.key }),
  };
}

// smtp-server logs in the manner of bunyan: data, a format, its arguments. Of all that, only what
// passes over the wire is wanted: `C:` and `S:` with the line.
function dialogLogger(log: Log): Exclude<SMTPServerOptions["logger"], boolean | undefined> {
  const silent = () => {};
  const debug = (data: { cid?: string } | undefined, side?: unknown, line?: unknown) => {
    if (side !== "C:" && side !== "S:") return;
    log.debug("dialog", { session: data?.cid, line: `${side} ${String(line)}` });
  };
  return { trace: silent, debug, info: silent, warn: silent, error: silent, fatal: silent };
}

function listenError(endpoint: Endpoint, error: Error & { code?: string }): Error {
  const { address, port } = endpoint;
  const place = address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there (a mail server?)",
    EACCES: "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE",
    EADDRNOTAVAIL: "this host does not have that address",
  };
  const reason = reasons[error.code ?? ""] ?? error.message;
  return new Error(`cannot listen on ${place}: ${reason}`, { cause: error });
}

async function close(server: Server, graceMs: number): Promise<void> {
  const left = server.leave();
  const deadline = setTimeout(() => {
    for (const connection of server.open) connection.destroy();
  }, graceMs);
  await left;
  clearTimeout(deadline);
}
