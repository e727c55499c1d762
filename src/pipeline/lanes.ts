// What is due, sorted by destination: each gets as much at a time as it can take, so that one that
// is slow or hangs keeps no mail for others from going out. What waits for one that does not move is
// put off, to make room.
import type { NextHop } from "../outbound/route.ts";
import type { QueueJob } from "../queue/queue.ts";

/** The recipients of one message that share a destination. */
export interface Shipment {
  readonly job: QueueJob;
  readonly nextHop: NextHop;
}

/** What lanes are driven with. */
export interface LaneParts {
  /** How many more shipments a destination can take now. */
  readonly capacity: (nextHop: NextHop) => number;
  /** Sees one shipment through; resolves when it is settled. */
  readonly run: (shipment: Shipment) => Promise<void>;
  /** Steady time, milliseconds. */
  readonly steady: () => number;
}

interface Lane {
  readonly nextHop: NextHop;
  readonly waiting: QueueJob[];
  active: number;
  /** When a shipment was last settled, or the lane begun. */
  movedAt: number;
}

/** Shipments that are under way or wait, at most; the rest stays in the queue. */
export const HELD_MAX = 1_000;
/** Shipments under way at one time. */
const ACTIVE_MAX = 800;
/** A destination that has settled nothing for so long holds others up. */
const STUCK_MS = 5_000;
/** So many wait for such a one, in case that it moves again; more are not taken in. */
const STUCK_WAITING_MAX = 20;

/** Shipments by destination. */
export class Lanes {
  readonly #parts: LaneParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #attempts = new Set<Promise<void>>();
  #waiting = 0;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** How many more are taken. */
  get room(): number {
    return Math.max(0, HELD_MAX - this.#waiting - this.#attempts.size);
  }

  /**
   * `key` is the same for the same next hop, and no other. False if the shipment is not taken in,
   * because what waits for its destination does not move.
   */
  add(key: string, { job, nextHop }: Shipment): boolean {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { nextHop, waiting: [], active: 0, movedAt: this.#parts.steady() };
      this.#lanes.set(key, lane);
    } else if (lane.waiting.length >= STUCK_WAITING_MAX && this.#isStuck(lane)) return false;
    lane.waiting.push(job);
    this.#waiting++;
    return true;
  }

  #isStuck({ active, movedAt }: Lane): boolean {
    return active > 0 && movedAt < this.#parts.steady() - STUCK_MS;
  }

  /** Starts what can be started, the destinations in turn; `onEnd` is called after each end. */
  pump(onEnd: () => void): void {
    let isMoving = true;
    while (isMoving) {
      isMoving = false;
      for (const [key, lane] of this.#lanes) {
        if (this.#attempts.size >= ACTIVE_MAX) return;
        if (lane.waiting.length === 0 || this.#parts.capacity(lane.nextHop) === 0) continue;
        const job = lane.waiting.shift() as QueueJob;
        this.#waiting--;
        this.#start(key, lane, { job, nextHop: lane.nextHop }, onEnd);
        isMoving = true;
      }
    }
  }

  #start(key: string, lane: Lane, shipment: Shipment, onEnd: () => void): void {
    lane.active++;
    const attempt = this.#parts.run(shipment).finally(() => {
      this.#attempts.delete(attempt);
      lane.active--;
      lane.movedAt = this.#parts.steady();
      if (lane.active + lane.waiting.length === 0) this.#lanes.delete(key);
      onEnd();
    });
    this.#attempts.add(attempt);
  }

  /** Takes out what waits for destinations that do not move, if there is no room for others. */
  takeStuck(): QueueJob[] {
    if (this.room > 0) return [];
    const stuck = [...this.#lanes.values()].filter((lane) => this.#isStuck(lane));
    return stuck.flatMap((lane) => this.#empty(lane));
  }

  /** Takes out all that waits. */
  clear(): QueueJob[] {
    return [...this.#lanes.values()].flatMap((lane) => this.#empty(lane));
  }

  #empty(lane: Lane): QueueJob[] {
    const jobs = lane.waiting.splice(0);
    this.#waiting -= jobs.length;
    return jobs;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#attempts);
  }
}
