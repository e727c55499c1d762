// The composition root: opens the store, makes the threads, wires the stages, starts and stops them.
// Everything that lives as long as gw does is made here, and nowhere else.

import { availableParallelism, hostname as systemHostname } from "node:os";
import type { Limits } from "./base/budget.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import type { Config } from "./config/schema.ts";
import { Listener } from "./inbound/listener.ts";
import { Carrier } from "./outbound/carrier.ts";
import { Routes } from "./outbound/route.ts";
import { Delivery } from "./pipeline/delivery.ts";
import { Inspector } from "./pipeline/inspector.ts";
import { createIntake } from "./pipeline/intake.ts";
import { policyOf } from "./policy/decide.ts";
import { Queue } from "./queue/queue.ts";
import { embeddedCore, embeddedSet, embeddedSource } from "./scan/embedded.ts";
import { FILE_TYPES } from "./scan/file-type.ts";
import { loadSet, type SharedSet } from "./scan/signature-set.ts";
import { MessageIds } from "./store/message-id.ts";
import { Store } from "./store/store.ts";

/** A compiled signature set, and the core that runs it. */
export interface Signatures {
  readonly core: Uint8Array;
  readonly image: Uint8Array;
}

/** What a gateway needs beside its configuration. */
export interface GatewayOptions {
  readonly log: Log;
  readonly clock?: Clock;
  readonly signatures: Signatures;
}

const DELIVERY_GRACE_MS = 10_000;

/**
 * The shipped signature set, compiled anew together with the site's own sources if the configuration
 * names any. Throws CompileError with file, line and column of what is wrong in them.
 */
export async function openSignatures(config: Config): Promise<Signatures> {
  const core = embeddedCore();
  const own = config["scan.signatures_dir"];
  if (own === "") return { core, image: embeddedSet() };
  // Loaded only here: most gateways run on the set as it was shipped.
  const { compileSources } = await import("./signature/compile.ts");
  const { readSources } = await import("./signature/files.ts");
  const sources = [embeddedSource(), ...(await readSources(own))];
  const { image } = await compileSources(sources, core, { isStrict: true, types: FILE_TYPES });
  return { core, image };
}

/** Name of this host for greetings and trace fields. */
export function hostnameOf(config: Config): string {
  return config["server.hostname"] || systemHostname();
}

/** RFC 5321 §4.5.1: where `RCPT TO:<postmaster>` goes. */
function postmasterOf(config: Config): string {
  return config["server.postmaster"] || `postmaster@${hostnameOf(config)}`;
}

/** Bounds for taking one message apart. */
export function limitsOf(config: Config): Limits {
  return {
    objectSizeMax: config["scan.object_size_max"],
    expandedSizeMax: config["scan.expanded_size_max"],
    objectCountMax: config["scan.object_count_max"],
    depthMax: config["scan.depth_max"],
    timeMaxMs: config["scan.timeout"],
  };
}

/** Threads that scan, and the signature set in memory that they share. */
export function startInspector(config: Config, options: GatewayOptions): Inspector {
  const workers = config["scan.workers"] || availableParallelism();
  const limits = limitsOf(config);
  const { core, image } = options.signatures;
  const set: SharedSet = loadSet(image, {
    core,
    arenas: workers,
    arenaSize: limits.objectSizeMax,
  });
  const timeoutMs = limits.timeMaxMs;
  return Inspector.start({ set, workers, limits, timeoutMs, log: options.log });
}

/** One running gateway. */
export class Gateway {
  readonly #store: Store;
  readonly #inspector: Inspector;
  readonly #carrier: Carrier;
  readonly #queue: Queue;
  readonly #delivery: Delivery;
  #listener: Listener | undefined;

  /** Starts everything, or nothing: what is in the way is thrown with its name. */
  static async start(config: Config, options: GatewayOptions): Promise<Gateway> {
    const clock = options.clock ?? systemClock;
    const routes = Routes.parse(config["outbound.routes"]);
    const store = await Store.open({
      dataDir: config["server.data_dir"],
      freeSpaceMin: config["store.free_space_min"],
      log: options.log,
      clock,
    });
    const inspector = startInspector(config, options);
    const carrier = await Carrier.start(carrierOptions(config, options.log));
    const gateway = new Gateway(
      config,
      { ...options, clock },
      { store, inspector, carrier, routes },
    );
    try {
      await gateway.#open(config, options.log, clock);
    } catch (error) {
      await gateway.stop(0);
      throw error;
    }
    return gateway;
  }

  readonly #ids: MessageIds;

  private constructor(
    config: Config,
    options: Required<GatewayOptions>,
    parts: { store: Store; inspector: Inspector; carrier: Carrier; routes: Routes },
  ) {
    const { log, clock } = options;
    this.#store = parts.store;
    this.#inspector = parts.inspector;
    this.#carrier = parts.carrier;
    this.#ids = new MessageIds(clock, Math.random);
    const backoff = {
      delayMinMs: config["queue.retry_min"],
      delayMaxMs: config["queue.retry_max"],
      lifetimeMs: config["queue.lifetime"],
      delayWarningMs: 0,
    };
    this.#queue = new Queue({ store: parts.store, clock, log, backoff, random: Math.random });
    this.#delivery = new Delivery({
      ...parts,
      queue: this.#queue,
      ids: this.#ids,
      hostname: hostnameOf(config),
      log,
      clock,
    });
  }

  /** Where mail is taken, `127.0.0.1:2525`. */
  get addresses(): readonly string[] {
    return this.#listener?.addresses ?? [];
  }

  async #open(config: Config, log: Log, clock: Clock): Promise<void> {
    const intake = createIntake({
      store: this.#store,
      ids: this.#ids,
      inspector: this.#inspector,
      policy: policyOf(config),
      hopsMax: config["inbound.hops_max"],
      log,
      clock,
    });
    this.#listener = await Listener.start({ ...listenerOptions(config), intake, log, clock });
    this.#delivery.start();
  }

  /**
   * Closes the door, lets messages on their way in arrive within `graceMs`, ends attempts under way
   * and lets go of the data folder. What is not delivered stays in the queue.
   */
  async stop(graceMs: number): Promise<void> {
    await this.#listener?.stop(graceMs);
    this.#queue.close();
    await this.#carrier.stop(Math.min(graceMs, DELIVERY_GRACE_MS));
    await this.#delivery.stop();
    this.#inspector.stop();
    await this.#store.close();
  }
}

function listenerOptions(config: Config) {
  const certificate = config["inbound.tls_certificate"];
  const key = config["inbound.tls_key"];
  return {
    listen: config["inbound.listen"],
    ...(certificate !== "" && { tls: { certificate, key } }),
    settings: {
      hostname: hostnameOf(config),
      messageSizeMax: config["inbound.message_size_max"],
      recipientsMax: config["inbound.recipients_max"],
      sessionsMax: config["inbound.sessions_max"],
      sessionsPerAddressMax: config["inbound.sessions_per_address_max"],
      bareLineEnding: config["inbound.bare_line_ending"],
      idleTimeoutMs: config["inbound.idle_timeout"],
      greetingDelayMs: 0,
      postmaster: postmasterOf(config),
      relayNetworks: config["inbound.relay_networks"],
      relayDomains: config["inbound.relay_domains"],
    },
  };
}

function carrierOptions(config: Config, log: Log) {
  return {
    hostname: hostnameOf(config),
    sessionsPerHostMax: config["outbound.sessions_per_host_max"],
    connectTimeoutMs: config["outbound.connect_timeout"],
    replyTimeoutMs: config["outbound.reply_timeout"],
    tls: config["outbound.tls"],
    dnsServers: config["outbound.dns_servers"],
    log,
  };
}
