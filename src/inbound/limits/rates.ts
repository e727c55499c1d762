// Rates: how much of something may come from one source within some time.
import { networkOf, siteOf } from "../../base/ip-range.ts";
import type { Client } from "../../message.ts";
import { RateMeter } from "./rate-meter.ts";

/** What is counted. */
export const COUNTED = ["sessions", "messages", "recipients", "bytes"] as const;
export type Counted = (typeof COUNTED)[number];

/** Whose events are counted together. */
export const RATED = ["address", "network", "sender", "user"] as const;
export type Rated = (typeof RATED)[number];

/** One limit. */
export interface RateLimit {
  readonly name: string;
  readonly of: Counted;
  readonly per: Rated;
  readonly max: number;
  readonly withinMs: number;
}

/** Who does something; what is not known yet is missing. */
export interface Source {
  readonly client: Pick<Client, "address" | "user">;
  /** Envelope sender; the null sender is no one and has no rate. */
  readonly sender?: string;
  /** A host of the site's own: what it passes on comes from many, so its address has no rate. */
  readonly isOwn?: boolean;
}

function keyOf(per: Rated, { client, sender, isOwn = false }: Source): string | undefined {
  switch (per) {
    case "address":
      return isOwn ? undefined : siteOf(client.address);
    case "network":
      return isOwn ? undefined : networkOf(client.address);
    case "sender":
      return sender === "" ? undefined : sender?.toLowerCase();
    case "user":
      return client.user;
    default:
      return per satisfies never;
  }
}

/** The rates of a gateway. They go on counting when their limits are set anew. */
export class Rates {
  #meters = new Map<string, { readonly limit: RateLimit; readonly meter: RateMeter }>();

  constructor(limits: readonly RateLimit[] = []) {
    this.configure(limits);
  }

  /** True if nothing is counted. */
  get isEmpty(): boolean {
    return this.#meters.size === 0;
  }

  /** Takes other limits; what was counted for those that stay is kept. */
  configure(limits: readonly RateLimit[]): void {
    const before = this.#meters;
    this.#meters = new Map(
      limits.map((limit) => {
        const key = `${limit.name} ${limit.of} ${limit.per} ${limit.withinMs}`;
        return [key, { limit, meter: before.get(key)?.meter ?? new RateMeter(limit) }];
      }),
    );
  }

  /** Counts; what has been refused for other reasons is not to be counted. */
  add(of: Counted, source: Source, at: { readonly now: number; readonly count?: number }): void {
    for (const { limit, meter } of this.#meters.values()) {
      const key = limit.of === of ? keyOf(limit.per, source) : undefined;
      if (key !== undefined) meter.add(key, at.now, at.count ?? 1);
    }
  }

  /** The first limit that the source has reached, undefined if there is none. */
  reached(of: Counted, source: Source, now: number): RateLimit | undefined {
    for (const { limit, meter } of this.#meters.values()) {
      const key = limit.of === of ? keyOf(limit.per, source) : undefined;
      if (key !== undefined && meter.count(key, now) >= limit.max) return limit;
    }
    return undefined;
  }
}

/** The limit in words, for the log: `rate "bulk": 100 messages per address within 60s`. */
export function describeLimit({ name, of, per, max, withinMs }: RateLimit): string {
  return `rate "${name}": ${max} ${of} per ${per} within ${withinMs / 1000}s`;
}
