// Greylisting: a client, sender and recipient that were never seen together are told to come again,
// which servers do and most senders of spam don't. RFC 6647 §2.4, §4, §5.
import { createHash } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { IpRanges } from "../../base/ip-range.ts";
import { groupsOf, plainAddress } from "../../dns/reverse.ts";
import type { GreylistRows } from "../../store/rows/greylist-rows.ts";

/** How greylisting goes. Times in milliseconds. */
export interface GreylistSettings {
  /** Before that, coming again does not count. */
  readonly delayMs: number;
  /** Who comes again later than that starts anew. */
  readonly windowMs: number;
  /** How long one that has passed is remembered. */
  readonly keepMs: number;
  /** So many passed triplets make a client's network known; 0: none ever is. */
  readonly passesForClient: number;
}

/** Who sends what to whom. */
export interface Triplet {
  readonly client: string;
  readonly sender: string;
  /** In the form in which addresses are compared. */
  readonly recipient: string;
}

const IPV4 = new IpRanges(["0.0.0.0/0"]);
// What was noted of a client is written again only when it is older than that.
const TOUCH_MS = 3_600_000;
const SWEEP_MS = 3_600_000;

// RFC 6647 §5: farms of servers come again from a neighbour's address.
function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (IPV4.contains(plain)) return plain.split(".").slice(0, 3).join(".");
  return groupsOf(plain)?.slice(0, 4).join(":") ?? plain;
}

// Senders that write a number into each address (VERP) would otherwise never be seen twice.
function steadySender(sender: string): string {
  const at = sender.lastIndexOf("@");
  const local = sender.slice(0, Math.max(at, 0)).replace(/\d+/g, "#");
  return `${local}${sender.slice(Math.max(at, 0))}`.toLowerCase();
}

function keyOf(...words: readonly string[]): string {
  return createHash("sha256").update(words.join("\0")).digest("base64url").slice(0, 24);
}

/** Remembers who came, and says who is to come again. */
export class Greylist {
  readonly #rows: GreylistRows;
  readonly #clock: Clock;
  readonly #settings: GreylistSettings;
  #sweepAt = 0;

  constructor(rows: GreylistRows, clock: Clock, settings: GreylistSettings) {
    this.#rows = rows;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Notes an attempt; true if it is to be told to come again. */
  isToWait({ client, sender, recipient }: Triplet): boolean {
    const { delayMs, windowMs, keepMs, passesForClient } = this.#settings;
    const now = this.#clock.now();
    if (now >= this.#sweepAt) {
      this.#sweepAt = now + SWEEP_MS;
      this.#rows.dropBefore(now - Math.max(keepMs, windowMs));
    }
    const network = networkOf(client);
    const clientKey = keyOf("client", network);
    const known = this.#rows.get(clientKey);
    if (passesForClient > 0 && known !== undefined && now - known.lastAt < keepMs) {
      if (known.passes >= passesForClient) {
        if (now - known.lastAt > TOUCH_MS) this.#rows.put({ ...known, lastAt: now });
        return false;
      }
    }
    const key = keyOf("triplet", network, steadySender(sender), recipient);
    const row = this.#rows.get(key);
    const isFresh = row !== undefined && now - row.lastAt < (row.passes > 0 ? keepMs : windowMs);
    if (row === undefined || !isFresh) {
      this.#rows.put({ key, firstAt: now, lastAt: now, passes: 0 });
      return true;
    }
    if (row.passes > 0) {
      if (now - row.lastAt > TOUCH_MS) this.#rows.put({ ...row, lastAt: now });
      return false;
    }
    if (now - row.firstAt < delayMs) return true;
    this.#rows.put({ ...row, lastAt: now, passes: 1 });
    const passes = (known === undefined || now - known.lastAt >= keepMs ? 0 : known.passes) + 1;
    this.#rows.put({ key: clientKey, firstAt: known?.firstAt ?? now, lastAt: now, passes });
    return false;
  }
}
