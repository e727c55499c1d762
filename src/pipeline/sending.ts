// What the settings say of sending, in the words of the stages that send.
import type { Log } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import type { CarrierOptions } from "../outbound/carrier.ts";
import type { Routes } from "../outbound/routes.ts";
import type { BackoffOptions } from "../queue/backoff.ts";

/** The delays for a recipient: those of its route, else those for all mail. */
export function backoffOf(config: Config, routes: Routes, address: string): BackoffOptions {
  return {
    delayMinMs: config["queue.retry_min"],
    delayMaxMs: config["queue.retry_max"],
    lifetimeMs: config["queue.lifetime"],
    delayWarningMs: config["queue.delay_warning"],
    ...routes.retry(address),
  };
}

/** How mail is sent on. */
export function carrierOptions(config: Config, hostname: string, log: Log): CarrierOptions {
  return {
    hostname,
    sessionsPerHostMax: config["outbound.sessions_per_host_max"],
    connectTimeoutMs: config["outbound.connect_timeout"],
    replyTimeoutMs: config["outbound.reply_timeout"],
    tls: config["outbound.tls"],
    dnsServers: config["dns.servers"],
    dnsTimeoutMs: config["dns.timeout"],
    settings: {
      eightBit: config["outbound.eight_bit"],
      eightBitSigned: config["outbound.eight_bit_signed"],
      localAddresses: config["outbound.source_addresses"],
    },
    log,
  };
}
