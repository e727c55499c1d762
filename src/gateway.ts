// The composition root: opens the store, makes the threads, wires the stages, starts and stops them.
// Everything that lives as long as gw does is made here, and nowhere else.

import { Doors } from "./admin/doors.ts";
import { Observation } from "./admin/observation.ts";
import type { Reloaded, Request, Stats, Status } from "./admin/protocol.ts";
import { type Clock, systemClock } from "./base/clock.ts";
import { describeError, type Log } from "./base/log.ts";
import { MessageIds } from "./base/message-id.ts";
import { VERSION } from "./base/version.ts";
import { changesBetween } from "./config/changes.ts";
import { hostnameOf, postmasterOf } from "./config/names.ts";
import type { Config } from "./config/schema.ts";
import type { Access } from "./inbound/access/access.ts";
import { openAccess } from "./inbound/access/open.ts";
import { Listener } from "./inbound/listener.ts";
import { siteOf } from "./inbound/relay.ts";
import { listenerPlan } from "./inbound/settings.ts";
import { isGenuineSender } from "./message.ts";
import { Carrier } from "./outbound/carrier.ts";
import { Routes } from "./outbound/routes.ts";
import { Delivery } from "./pipeline/delivery.ts";
import { Gate } from "./pipeline/gate.ts";
import type { Inspector } from "./pipeline/inspection/inspector.ts";
import { createIntake } from "./pipeline/intake.ts";
import { Notices } from "./pipeline/notice/notices.ts";
import { noticeSettings } from "./pipeline/notice/settings.ts";
import { Sealing } from "./pipeline/policy/sealing.ts";
import { Texts } from "./pipeline/policy/texts.ts";
import { hasOwnSignatures, type Signatures, startInspector } from "./pipeline/scanning.ts";
import { SenderChecks } from "./pipeline/sender/checks.ts";
import { backoffOf, carrierOptions } from "./pipeline/sending.ts";
import { type Settled, Trail } from "./pipeline/trail.ts";
import { keptMail } from "./pipeline/update/rescan/kept-mail.ts";
import { Upkeep } from "./pipeline/update/upkeep.ts";
import { VaultKeeper } from "./pipeline/vault/keeper.ts";
import { defaultGroup } from "./policy/groups.ts";
import { Policy } from "./policy/policy.ts";
import { Queue } from "./queue/queue.ts";
import { Store } from "./store/store.ts";

/** What a gateway needs beside its configuration. */
export interface GatewayOptions {
  readonly log: Log;
  readonly clock?: Clock;
  readonly signatures: Signatures;
  /** Where the configuration came from; "" for the defaults. */
  readonly configFile?: string;
  /** Reads the configuration again; throws what is wrong with it. */
  readonly readConfig?: () => Config;
  /** Told of every message that was scanned and settled. */
  readonly onScanned?: (message: Settled) => void;
  /** New settings are in force. */
  readonly onReload?: (config: Config) => void;
  /** Somebody asks this gateway to stop. */
  readonly onStop?: () => void;
  /** Somebody wants another program to take over; throws why it can't. */
  readonly onUpgrade?: (program: string, graceMs: number) => unknown;
  /** Doors that are open already. */
  readonly sockets?: Listener["sockets"];
  /** Opens ports and reads keys as the user that may, if gw itself may not. */
  readonly asRoot?: <T>(work: () => Promise<T>) => Promise<T>;
}

const DELIVERY_GRACE_MS = 10_000;

/** Parts that are made, one after the other, before a gateway is. */
interface Parts {
  readonly store: Store;
  readonly inspector: Inspector;
  readonly carrier: Carrier;
  readonly routes: Routes;
  readonly policy: Policy;
}

/** One running gateway. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #observation: Observation;
  readonly #startedAt: number;
  readonly #store: Store;
  readonly #inspector: Inspector;
  readonly #carrier: Carrier;
  readonly #queue: Queue;
  readonly #delivery: Delivery;
  readonly #ids: MessageIds;
  readonly #trail: Trail;
  readonly #gate = new Gate();
  readonly #texts: Texts;
  readonly #notices: Notices;
  readonly #keeper: VaultKeeper;
  readonly #upkeep: Upkeep;
  readonly #senders: SenderChecks;
  #access: Access | undefined;
  #config: Config;
  #routes: Routes;
  #policy: Policy;
  #listener: Listener | undefined;
  #listen: ((sockets: Listener["sockets"]) => Promise<Listener>) | undefined;
  #doors: Doors | undefined;
  #reloading: Promise<unknown> = Promise.resolve();

  /** Starts everything, or nothing: what is in the way is thrown with its name. */
  static async start(config: Config, given: GatewayOptions): Promise<Gateway> {
    const { clock = systemClock } = given;
    const observation = new Observation(given.log, clock);
    const { log } = observation;
    const options = { ...given, log };
    const routes = Routes.parse(config["outbound.routes"], config.route);
    const policy = new Policy(config, { clock, log });
    const store = await Store.open({
      dataDir: config["server.data_dir"],
      freeSpaceMin: config["store.free_space_min"],
      decisionsKeepMs: config["store.decisions_keep"],
      log,
      clock,
    });
    const inspector = startInspector(config, options);
    const carrier = await Carrier.start(
      carrierOptions(config, { hostname: hostnameOf(config), log, store, clock }),
    );
    const parts = { store, inspector, carrier, routes, policy };
    const gateway = new Gateway(config, { ...options, clock }, { ...parts, observation });
    try {
      await gateway.#open();
    } catch (error) {
      await gateway.stop(0);
      throw error;
    }
    return gateway;
  }

  private constructor(
    config: Config,
    options: GatewayOptions & { readonly clock: Clock },
    parts: Parts & { readonly observation: Observation },
  ) {
    const { log, clock, onScanned } = options;
    this.#options = options;
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
    this.#startedAt = clock.now();
    this.#observation = parts.observation;
    this.#store = parts.store;
    this.#inspector = parts.inspector;
    this.#carrier = parts.carrier;
    this.#routes = parts.routes;
    this.#policy = parts.policy;
    this.#ids = new MessageIds(clock, Math.random);
    const isKept = config["store.decisions_keep"] > 0;
    this.#trail = new Trail({ store: parts.store, clock, isKept, onScanned });
    const about = { ids: this.#ids, hostname: hostnameOf(config), log, clock };
    this.#texts = new Texts(log);
    const forNotices = { ...about, store: parts.store, texts: this.#texts };
    this.#senders = new SenderChecks(config, {
      hostname: hostnameOf(config),
      log,
      ...siteOf(config),
    });
    this.#notices = new Notices(forNotices, noticeSettings(config, siteOf(config)));
    const dataDir = config["server.data_dir"];
    this.#keeper = new VaultKeeper({ ...parts, dataDir, log, clock }, config);
    this.#upkeep = new Upkeep({
      ...{ config: () => this.#config, inspector: parts.inspector, log, clock },
      counts: () => parts.observation.counts,
      tell: (event, lines) => this.#notices.tellAdmin(event, lines),
      kept: keptMail({
        ...parts,
        ...about,
        policy: () => this.#policy,
        from: postmasterOf(config),
      }),
    });
    const backoff = (address: string) => backoffOf(this.#config, this.#routes, address);
    this.#queue = new Queue({ store: parts.store, clock, log, backoff, random: Math.random });
    this.#delivery = new Delivery({
      ...parts,
      routes: () => this.#routes,
      gate: this.#gate,
      queue: this.#queue,
      ids: this.#ids,
      trail: this.#trail,
      hostname: hostnameOf(config),
      isGenuine: ({ client, envelope }) =>
        isGenuineSender(client, envelope) || siteOf(this.#config).isInside(client),
      reportTemplate: () => this.#texts.template("dsn", defaultGroup(this.#config).rules),
      log,
      clock,
    });
  }

  /** Where mail is taken, `127.0.0.1:2525`. */
  get addresses(): readonly string[] {
    return this.#listener?.addresses ?? [];
  }

  async #open(): Promise<void> {
    const log = this.#log;
    const clock = this.#clock;
    const config = this.#config;
    const intake = createIntake({
      store: this.#store,
      ids: this.#ids,
      inspector: this.#inspector,
      policy: () => this.#policy,
      gate: this.#gate,
      trail: this.#trail,
      notices: this.#notices,
      senders: this.#senders,
      texts: this.#texts,
      sealing: new Sealing({
        ...{ hostname: hostnameOf(config), clock, log },
        rows: () => this.#config.signing,
        isInside: (client) => siteOf(this.#config).isInside(client),
      }),
      hostname: hostnameOf(config),
      hopsMax: () => this.#config["inbound.hops_max"],
      log,
      clock,
    });
    this.#access = this.#accessOf(config);
    const open = (sockets = this.#options.sockets) =>
      Listener.start({
        ...listenerPlan(this.#config, hostnameOf(config), log, sockets),
        ...{ access: () => this.#access, dialog: this.#observation.watch, intake, log, clock },
      });
    this.#listen = open;
    this.#listener = await (this.#options.asRoot?.(() => open()) ?? open());
    this.#delivery.start();
    this.#notices.start();
    this.#keeper.start();
    this.#upkeep.start();
    this.#observation.start({
      ...{ store: this.#store, ids: this.#ids, hostname: hostnameOf(config) },
      config: () => this.#config,
      status: () => this.status(),
      signatureAge: () => this.#upkeep.freshness.ageSeconds(),
    });
    const answers = {
      answer: (request: Request) => this.#answer(request),
      stats: () => this.stats(),
      trouble: () => this.#trouble(),
      warnings: () => this.#upkeep.freshness.warnings(),
    };
    this.#doors = await Doors.open(config, answers, log);
  }

  #answer(request: Request): unknown {
    switch (request.verb) {
      case "status":
        return this.status();
      case "trace":
      case "activity":
      case "history":
      case "report":
        return this.#observation.answer(request);
      case "stats":
        return this.stats();
      case "reload":
        return this.reload();
      case "signatures":
        return this.#upkeep.refresh().then(() => this.status());
      case "upgrade":
        return this.#options.onUpgrade?.(request.program, request.graceMs);
      case "stop":
        // The answer goes first.
        setImmediate(() => this.#options.onStop?.());
        return {};
      case "pause":
      case "resume":
        this.#gate.turn(request.verb, request.stages, this.#log);
        return this.status();
      default:
        return request satisfies never;
    }
  }

  /** The gateway at this moment. */
  status(): Status {
    return {
      version: VERSION,
      pid: process.pid,
      program: process.execPath,
      config: this.#options.configFile ?? "",
      startedAt: this.#startedAt,
      listen: this.addresses,
      dataDir: this.#config["server.data_dir"],
      paused: this.#gate.paused,
      sessions: this.#listener?.sessions ?? 0,
      scanning: this.#inspector.pendingCount,
      sending: this.#queue.inFlight,
      signatures: { identity: this.#inspector.identity, count: this.#inspector.signatureCount },
      queue: this.#store.queue.counts(),
      quarantine: this.#store.vault.counts(),
      warnings: this.#upkeep.freshness.warnings(),
    };
  }

  // What keeps mail from being taken now.
  #trouble(): string {
    const { paused } = this.#gate;
    if (this.#store.isStalled) return "the store is behind with its writing";
    return paused.length === 0 ? "" : `paused: ${paused.join(", ")}`;
  }

  /** Counters since the start, and what is true now. */
  stats(): Stats {
    return this.#observation.stats(this.status());
  }

  /**
   * Reads configuration and signatures again and takes what has changed. Everything is made before
   * anything is taken: if something is wrong it is thrown and all goes on as it was.
   */
  reload(): Promise<Reloaded> {
    const reloaded = this.#reloading.then(() => this.#reload());
    this.#reloading = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #reload(): Promise<Reloaded> {
    const log = this.#log;
    try {
      const wanted = this.#options.readConfig?.() ?? this.#config;
      const { ready, waiting, taken } = changesBetween(this.#config, wanted);
      const routes = Routes.parse(taken["outbound.routes"], taken.route);
      const policy = new Policy(taken, { clock: this.#clock, log });
      const access = this.#accessOf(taken);
      if (hasOwnSignatures(this.#config) || hasOwnSignatures(taken)) {
        await this.#upkeep.refresh(taken);
      }
      const doors = await this.#listener?.prepare(listenerPlan(taken, hostnameOf(taken), log));
      this.#access?.close(access);
      this.#access = access;
      doors?.commit();
      this.#routes = routes;
      this.#policy = policy;
      this.#senders.reconfigure(taken, siteOf(taken));
      this.#notices.reconfigure(noticeSettings(taken, siteOf(taken)));
      this.#keeper.reconfigure(taken);
      this.#config = taken;
      this.#options.onReload?.(taken);
      const signatures = this.#inspector.identity;
      const list = (keys: readonly string[]) => keys.join(" ") || undefined;
      log.info("reloaded", { changed: list(ready), waiting: list(waiting), signatures });
      return { changed: ready, waiting, signatures };
    } catch (error) {
      log.error("not-reloaded", { cause: describeError(error) });
      throw error;
    }
  }

  #accessOf(config: Config): Access {
    return openAccess(
      config,
      {
        rows: this.#store.greylist,
        checkSender: (client, sender) => this.#senders.checkSender(client, sender),
        nextHop: (address) => this.#routes.nextHop(address),
        hostname: hostnameOf(config),
        ...siteOf(config),
        ...{ log: this.#log, clock: this.#clock },
      },
      this.#access,
    );
  }

  /** The doors for clients, for another process to take over. */
  get listener(): Listener | undefined {
    return this.#listener;
  }

  /** Opens doors again that were left. */
  async reopen(sockets: Listener["sockets"]): Promise<void> {
    this.#listener = await this.#listen?.(sockets);
  }

  /**
   * Closes the door, lets messages on their way in arrive within `graceMs`, ends attempts under way
   * and lets go of the data folder. What is not delivered stays in the queue.
   */
  async stop(graceMs: number): Promise<void> {
    this.#doors?.close();
    await this.#listener?.stop(graceMs);
    this.#queue.close();
    await this.#carrier.stop(Math.min(graceMs, DELIVERY_GRACE_MS));
    await this.#delivery.stop();
    await this.#keeper.stop();
    this.#inspector.stop();
    await this.#upkeep.stop();
    this.#access?.close();
    this.#senders.stop();
    this.#notices.stop();
    this.#observation.stop();
    await this.#store.close();
  }
}
