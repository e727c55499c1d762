// The composition root: opens the store, makes the threads, wires the stages, starts and stops them.
// Everything that lives as long as gw does is made here, and nowhere else.

import { hostname as systemHostname } from "node:os";
import { type Clock, systemClock } from "./base/clock.ts";
import type { Log } from "./base/log.ts";
import { MessageIds } from "./base/message-id.ts";
import type { Config } from "./config/schema.ts";
import { Listener } from "./inbound/listener.ts";
import { Carrier } from "./outbound/carrier.ts";
import { Routes } from "./outbound/route.ts";
import { Delivery } from "./pipeline/delivery.ts";
import type { Inspector } from "./pipeline/inspector.ts";
import { createIntake } from "./pipeline/intake.ts";
import { type Signatures, startInspector } from "./pipeline/scanning.ts";
import { Trail } from "./pipeline/trail.ts";
import { Policy } from "./policy/policy.ts";
import { Queue } from "./queue/queue.ts";
import { Store } from "./store/store.ts";

/** What a gateway needs beside its configuration. */
export interface GatewayOptions {
  readonly log: Log;
  readonly clock?: Clock;
  readonly signatures: Signatures;
}

const DELIVERY_GRACE_MS = 10_000;

/** Name of this host for greetings and trace fields. */
export function hostnameOf(config: Config): string {
  return config["server.hostname"] || systemHostname();
}

/** RFC 5321 §4.5.1: where `RCPT TO:<postmaster>` goes. */
function postmasterOf(config: Config): string {
  return config["server.postmaster"] || `postmaster@${hostnameOf(config)}`;
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
    const policy = new Policy(config, { clock, log: options.log });
    const store = await Store.open({
      dataDir: config["server.data_dir"],
      freeSpaceMin: config["store.free_space_min"],
      decisionsKeepMs: config["store.decisions_keep"],
      log: options.log,
      clock,
    });
    const inspector = startInspector(config, options);
    const carrier = await Carrier.start(carrierOptions(config, options.log));
    const gateway = new Gateway(
      config,
      { ...options, clock },
      { store, inspector, carrier, routes, policy },
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
  readonly #policy: Policy;
  readonly #trail: Trail;

  private constructor(
    config: Config,
    options: Required<GatewayOptions>,
    parts: {
      store: Store;
      inspector: Inspector;
      carrier: Carrier;
      routes: Routes;
      policy: Policy;
    },
  ) {
    const { log, clock } = options;
    this.#store = parts.store;
    this.#inspector = parts.inspector;
    this.#carrier = parts.carrier;
    this.#ids = new MessageIds(clock, Math.random);
    this.#policy = parts.policy;
    const isKept = config["store.decisions_keep"] > 0;
    this.#trail = new Trail({ store: parts.store, clock, isKept });
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
      trail: this.#trail,
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
      policy: this.#policy,
      trail: this.#trail,
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
