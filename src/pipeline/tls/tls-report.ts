// A domain's report of a day: how encryption with its mail hosts went, in the JSON of RFC 8460 §4.4;
// and the record by which a domain asks for reports, §3.

import { DAY_MS } from "../../base/clock.ts";
import type { AppliedPolicy, TlsResult } from "../../outbound/security/tls-results.ts";

/** Where a domain wants its reports. */
export type Destination =
  | { readonly kind: "mail"; readonly address: string }
  | { readonly kind: "https"; readonly url: URL };

/** What a report is made of. */
export interface TlsReportOptions {
  /** Name of this host. */
  readonly hostname: string;
  /** Whom to ask about the report. */
  readonly contact: string;
  /** Different for each report. */
  readonly id: string;
  readonly domain: string;
  /** Days since the epoch, in UTC. */
  readonly day: number;
  readonly results: readonly TlsResult[];
}

const DESTINATIONS_MAX = 4;
const RECORD_MAX = 2048;
const FAILURES_MAX = 200;
// RFC 6068 allows far more; what is no plain address is not written to.
const ADDRESS = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{1,63}$/;

/** The places that a domain's TXT records name; none if there is not exactly one such record. */
export function destinationsOf(records: readonly string[]): readonly Destination[] {
  const own = records.filter((text) => /^v=TLSRPTv1\s*(?:;|$)/.test(text));
  const [record = ""] = own;
  if (own.length !== 1 || record.length > RECORD_MAX) return [];
  const [, list = ""] = /;\s*rua\s*=\s*([^;]*)/.exec(record) ?? [];
  return list
    .split(",", DESTINATIONS_MAX)
    .flatMap((text): Destination[] => destinationOf(text.trim()) ?? []);
}

function destinationOf(text: string): [Destination] | undefined {
  const [, mailbox] = /^mailto:(.+)$/i.exec(text) ?? [];
  if (mailbox !== undefined) {
    const address = decoded(mailbox);
    return address !== undefined && ADDRESS.test(address) ? [{ kind: "mail", address }] : undefined;
  }
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.protocol === "https:" && url.username === "" && url.password === "";
  return url !== undefined && isPlain ? [{ kind: "https", url }] : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // No URI at all: nobody can be meant.
    return undefined;
  }
}

/** The report as JSON. */
export function tlsReport(options: TlsReportOptions): string {
  const { hostname, contact, id, domain, day, results } = options;
  const start = new Date(day * DAY_MS);
  const end = new Date((day + 1) * DAY_MS - 1000);
  const byPolicy = Map.groupBy(results, ({ policy }) => JSON.stringify(policy));
  return JSON.stringify({
    "organization-name": hostname,
    "date-range": { "start-datetime": moment(start), "end-datetime": moment(end) },
    "contact-info": contact,
    "report-id": id,
    policies: [...byPolicy.values()].map((alike) => policyPart(alike, domain)),
  });
}

// RFC 3339, without fractions of seconds.
function moment(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

function policyPart(results: readonly TlsResult[], domain: string) {
  const { kind, strings, hosts } = (results[0] as TlsResult).policy;
  const failures = results.filter(({ failure }) => failure !== undefined);
  const sum = (all: readonly TlsResult[]) => all.reduce((total, { count }) => total + count, 0);
  return {
    policy: {
      "policy-type": kind satisfies AppliedPolicy["kind"],
      ...(strings.length > 0 && { "policy-string": strings }),
      "policy-domain": domain,
      ...(hosts.length > 0 && { "mx-host": hosts }),
    },
    summary: {
      "total-successful-session-count": sum(results) - sum(failures),
      "total-failure-session-count": sum(failures),
    },
    ...(failures.length > 0 && {
      "failure-details": failures.slice(0, FAILURES_MAX).map(failurePart),
    }),
  };
}

function failurePart({ failure, count }: TlsResult) {
  if (failure === undefined) return undefined;
  const { kind, reason, host, address, localAddress } = failure;
  return {
    "result-type": kind,
    ...(localAddress !== undefined && { "sending-mta-ip": localAddress }),
    "receiving-mx-hostname": host,
    "receiving-ip": address,
    "failed-session-count": count,
    ...(reason !== undefined && { "failure-reason-code": reason }),
  };
}
