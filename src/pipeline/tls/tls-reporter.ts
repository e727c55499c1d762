// Once a day each domain that asks for it is told how encryption with its mail hosts went: by mail, or
// by HTTPS. What can't be sent is tried again for a while, then forgotten: no mail depends on it.
import { gzipSync } from "node:zlib";
import { type Clock, DAY_MS, HOUR_MS } from "../../base/clock.ts";
import { IpRanges } from "../../base/ip-range.ts";
import { describeError, type Log } from "../../base/log.ts";
import type { MessageIds } from "../../base/message-id.ts";
import { postmasterOf } from "../../config/names.ts";
import type { Config } from "../../config/schema.ts";
import { parseServers, Resolver } from "../../dns/resolver.ts";
import { postBytes } from "../../outbound/security/https.ts";
import type { TlsResult } from "../../outbound/security/tls-results.ts";
import type { TlsDay } from "../../store/rows/tls-rows.ts";
import type { Store } from "../../store/store.ts";
import { Sealing } from "../policy/sealing.ts";
import { tlsMail, tlsMailRecord } from "./tls-mail.ts";
import { type Destination, destinationsOf, tlsReport } from "./tls-report.ts";

/** What reports are sent with. */
export interface TlsReporterParts {
  readonly store: Pick<Store, "tls" | "draft" | "commit">;
  readonly ids: MessageIds;
  readonly hostname: string;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Log;
  /** For tests: certificates that are trusted, and hosts within the site that may be written to. */
  readonly trust?: { readonly ca: string };
}

// Domains at one time of looking; the rest has its turn a minute later.
const DOMAINS_MAX = 20;
const RETRY_MS = HOUR_MS;
const DAYS_KEPT = 3;
const DNS_ROUNDS = 2;
const POST_TIMEOUT_MS = 30_000;
const WAITING_MAX = 10_000;
// A domain that names such a host would have gw knock at doors behind the firewall.
const INSIDE = new IpRanges([
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.168.0.0/16", "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8"],
]);

interface Report {
  readonly id: string;
  readonly fileName: string;
  readonly packed: Uint8Array;
}

/** Sends the reports that are due. */
export class TlsReporter {
  readonly #parts: TlsReporterParts;
  readonly #sealing: Sealing;
  /** Domains that were tried in vain, by when they are tried again. */
  readonly #later = new Map<string, number>();
  #isSending = false;

  constructor(parts: TlsReporterParts) {
    this.#parts = parts;
    const { hostname, clock, log } = parts;
    // A report is the site's own mail, and of nobody's chain. RFC 8460 §3 wants it signed.
    this.#sealing = new Sealing({
      ...{ hostname, clock, log },
      rows: () => parts.config().signing.map((row) => ({ ...row, arc: false })),
      isInside: () => true,
    });
  }

  /** Sends what is due, if anything is; never rejects. Called once a minute. */
  async tend(): Promise<void> {
    const { store, config, clock, log } = this.#parts;
    if (!config()["outbound.tls_reports"] || this.#isSending) return;
    this.#isSending = true;
    try {
      const today = Math.floor(clock.now() / DAY_MS);
      const due = store.tls.before(today, WAITING_MAX).filter((one) => this.#isDue(one, today));
      for (const one of due.slice(0, DOMAINS_MAX)) await this.#report(one);
    } catch (error) {
      log.error("tls-report-failed", { cause: describeError(error) });
    } finally {
      this.#isSending = false;
    }
  }

  #isDue(one: TlsDay, today: number): boolean {
    if (one.day < today - DAYS_KEPT) {
      this.#forget(one);
      return false;
    }
    return (this.#later.get(keyOf(one)) ?? 0) <= this.#parts.clock.now();
  }

  async #report(one: TlsDay): Promise<void> {
    const { config, clock, log } = this.#parts;
    const { domain } = one;
    // A resolver of its own each time: a few questions a day are worth no memory.
    const resolver = new Resolver({
      servers: parseServers(config()["dns.servers"]),
      timeoutMs: config()["dns.timeout"],
      ...{ rounds: DNS_ROUNDS, clock },
    });
    const lookup = await resolver.texts(`_smtp._tls.${domain}`);
    if (lookup.kind === "trouble") {
      this.#postpone(one);
      return;
    }
    const wanted = destinationsOf(lookup.kind === "found" ? lookup.values : []);
    const report = wanted.length === 0 ? undefined : this.#compose(one);
    let isSent = report === undefined;
    for (const destination of report === undefined ? [] : wanted) {
      const to = destination.kind === "mail" ? destination.address : destination.url.host;
      try {
        await this.#send(report as Report, destination, { domain, resolver });
        log.info("tls-report", { domain, recipient: to });
        isSent = true;
      } catch (error) {
        log.warn("tls-report-failed", { domain, recipient: to, cause: describeError(error) });
      }
    }
    if (isSent) this.#forget(one);
    else this.#postpone(one);
  }

  #forget(one: TlsDay): void {
    this.#parts.store.tls.drop(one);
    this.#later.delete(keyOf(one));
  }

  #postpone(one: TlsDay): void {
    this.#later.set(keyOf(one), this.#parts.clock.now() + RETRY_MS);
  }

  #compose(one: TlsDay): Report {
    const { store, ids, hostname, config } = this.#parts;
    const { domain, day } = one;
    const results = store.tls.of(one).map(({ result, count }): TlsResult => {
      return { ...(JSON.parse(result) as Omit<TlsResult, "count">), count };
    });
    const id = `${ids.next()}.${domain}@${hostname}`;
    const contact = postmasterOf(config());
    const text = tlsReport({ hostname, contact, id, domain, day, results });
    const [begin, end] = [day * (DAY_MS / 1000), (day + 1) * (DAY_MS / 1000) - 1];
    return {
      id,
      fileName: `${hostname}!${domain}!${begin}!${end}.json.gz`,
      packed: gzipSync(text),
    };
  }

  async #send(
    report: Report,
    destination: Destination,
    about: { readonly domain: string; readonly resolver: Resolver },
  ): Promise<void> {
    switch (destination.kind) {
      case "mail":
        return await this.#mail(report, destination.address, about.domain);
      case "https":
        return await this.#post(report, destination.url, about.resolver);
      default:
        destination satisfies never;
    }
  }

  async #mail({ id: reportId, fileName, packed }: Report, to: string, domain: string) {
    const { store, ids, hostname, config, clock } = this.#parts;
    const id = ids.next();
    const from = postmasterOf(config());
    const options = {
      ...{ id, reportId, hostname, from, to, domain, now: clock.now() },
      ...{ fileName, packed },
    };
    const plain = tlsMail(options);
    const { client, envelope } = tlsMailRecord(options, plain);
    const { bytes } = await this.#sealing.apply({ bytes: plain, client, envelope });
    const draft = store.draft(id);
    try {
      await draft.write(bytes);
      await draft.finish();
      await store.commit(draft, tlsMailRecord(options, bytes), "queue");
    } catch (error) {
      draft.discard();
      throw error;
    }
  }

  // RFC 8460 §5.4.
  async #post({ packed }: Report, url: URL, resolver: Resolver): Promise<void> {
    const { trust } = this.#parts;
    const lookup = await resolver.addresses(url.hostname);
    const found = lookup.kind === "found" ? lookup.values : [];
    const addresses = found.filter((one) => trust !== undefined || !INSIDE.contains(one));
    const failed = await postBytes(
      {
        ...{ addresses, host: url.hostname, port: Number(url.port || 443) },
        ...{ path: `${url.pathname}${url.search}`, timeoutMs: POST_TIMEOUT_MS },
        ...(trust !== undefined && { ca: trust.ca }),
      },
      { type: "application/tlsrpt+gzip", bytes: packed },
    );
    if (failed !== undefined) throw failed;
  }
}

function keyOf({ day, domain }: TlsDay): string {
  return `${day} ${domain}`;
}
