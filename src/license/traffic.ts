// How much mail came in on each day: licences may be for so much. Counted in memory, written down now
// and then; what a crash loses of it is a minute.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeAtomically } from "../base/file/atomic-file.ts";

/** Mail of one day (UTC). */
export interface DayTraffic {
  /** `2026-11-23`. */
  readonly day: string;
  readonly messages: number;
  readonly bytes: number;
}

const FOLDER = "licenses";
const FILE = "traffic.json";
const DAYS_KEPT = 400;

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Days of which something is known, oldest first. */
export function readTraffic(dataDir: string): DayTraffic[] {
  try {
    const value: unknown = JSON.parse(readFileSync(join(dataDir, FOLDER, FILE), "utf8"));
    return Array.isArray(value) ? (value as DayTraffic[]).slice(-DAYS_KEPT) : [];
  } catch {
    // Nothing was counted yet.
    return [];
  }
}

/** Counts the mail of a gateway. */
export class Traffic {
  readonly #dataDir: string;
  readonly #days: Map<string, DayTraffic>;
  #isChanged = false;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
    this.#days = new Map(readTraffic(dataDir).map((each) => [each.day, each]));
  }

  /** Notes what came since the last call. */
  add(now: number, messages: number, bytes: number): void {
    if (messages <= 0 && bytes <= 0) return;
    const day = dayOf(now);
    const old = this.#days.get(day) ?? { day, messages: 0, bytes: 0 };
    this.#days.set(day, { day, messages: old.messages + messages, bytes: old.bytes + bytes });
    this.#isChanged = true;
  }

  /** Bytes of a moment's day so far. */
  bytesOn(now: number): number {
    return this.#days.get(dayOf(now))?.bytes ?? 0;
  }

  /** Writes down what is known; throws what the disk says. */
  save(): void {
    if (!this.#isChanged) return;
    const days = [...this.#days.values()].sort((a, b) => (a.day < b.day ? -1 : 1));
    makeFolder(join(this.#dataDir, FOLDER));
    const text = JSON.stringify(days.slice(-DAYS_KEPT));
    writeAtomically(join(this.#dataDir, FOLDER, FILE), `${text}\n`);
    this.#isChanged = false;
  }
}
