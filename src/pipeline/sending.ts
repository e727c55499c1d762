// What the settings say of sending, in the words of the stages that send.
import { type Clock, DAY_MS } from "../base/clock.ts";
import { describeError, type Log } from "../base/log.ts";
import type { Config } from "../config/schema.ts";
import type { CarrierOptions } from "../outbound/carrier.ts";
import { type Routes, readCertificates } from "../outbound/routes.ts";
import { POLICIES_MAX } from "../outbound/security/sts.ts";
import type { KnownPolicy, StsPolicy } from "../outbound/security/sts-policy.ts";
import type { BackoffOptions } from "../queue/backoff.ts";
import type { TlsRow } from "../store/rows/tls-rows.ts";
import type { Store } from "../store/store.ts";

const HTTPS_PORT = 443;

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

/** How mail is sent on; reads the certificates that are trusted, and throws if it can't. */
export function carrierOptions(
  config: Config,
  { hostname, log, store, clock }: { hostname: string; log: Log; store: Store; clock: Clock },
): CarrierOptions {
  const ca = config["outbound.tls_ca"];
  const known = store.policies.all(POLICIES_MAX).map(({ policy, ...row }): KnownPolicy => {
    return { ...row, policy: JSON.parse(policy) as StsPolicy };
  });
  return {
    hostname,
    sessionsPerHostMax: config["outbound.sessions_per_host_max"],
    connectTimeoutMs: config["outbound.connect_timeout"],
    replyTimeoutMs: config["outbound.reply_timeout"],
    tls: config["outbound.tls"],
    dnsServers: config["dns.servers"],
    dnsTimeoutMs: config["dns.timeout"],
    settings: {
      ...(ca !== "" && { tlsCa: readCertificates(ca, "outbound: tls_ca") }),
      ...(config["outbound.mta_sts"] && { sts: { port: HTTPS_PORT, known } }),
      eightBit: config["outbound.eight_bit"],
      eightBitSigned: config["outbound.eight_bit_signed"],
      localAddresses: config["outbound.source_addresses"],
      isTlsCounted: config["outbound.tls_reports"],
    },
    onTlsResults: (results) => {
      const day = Math.floor(clock.now() / DAY_MS);
      const rows = results.map(({ count, ...result }): TlsRow => {
        return { day, domain: result.domain, result: JSON.stringify(result), count };
      });
      try {
        store.tls.add(rows);
      } catch (error) {
        log.warn("tls-results-lost", { count: rows.length, cause: describeError(error) });
      }
    },
    onPolicy: ({ policy, ...row }) => {
      try {
        store.policies.put({ ...row, policy: JSON.stringify(policy) });
      } catch (error) {
        // It holds until the next start all the same.
        log.warn("mta-sts-not-kept", { domain: row.domain, cause: describeError(error) });
      }
    },
    log,
  };
}
