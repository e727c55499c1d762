// Destinations side by side: a slow one keeps nobody else waiting.
import { expect, test } from "bun:test";
import type { NextHop } from "../../src/outbound/route.ts";
import { HELD_MAX, Lanes, type Shipment } from "../../src/pipeline/lanes.ts";
import type { QueueJob } from "../../src/queue/queue.ts";

const hop = (domain: string): NextHop => ({ kind: "mx", domain });
const domainOf = ({ nextHop }: Shipment) => (nextHop.kind === "mx" ? nextHop.domain : "");
const job = {} as QueueJob;

function setUp(capacityOf: (domain: string) => number) {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const active = new Map<string, number>();
  const clock = { now: 0 };
  const lanes = new Lanes({
    capacity: (nextHop) => {
      const domain = nextHop.kind === "mx" ? nextHop.domain : "";
      return capacityOf(domain) - (active.get(domain) ?? 0);
    },
    run: (shipment) => {
      const domain = domainOf(shipment);
      started.push(domain);
      active.set(domain, (active.get(domain) ?? 0) + 1);
      return new Promise<void>((resolve) => {
        ends.push(() => {
          active.set(domain, (active.get(domain) ?? 1) - 1);
          resolve();
        });
      });
    },
    steady: () => clock.now,
  });
  const add = (domain: string, count: number) => {
    for (let i = 0; i < count; i++) lanes.add(domain, { job, nextHop: hop(domain) });
  };
  return { lanes, started, ends, clock, add };
}

test("each destination gets what it can take, in turn", () => {
  const { lanes, started, add } = setUp((domain) => (domain === "slow" ? 1 : 3));
  add("slow", 5);
  add("fast", 5);
  lanes.pump(() => {});
  expect(started).toEqual(["slow", "fast", "fast", "fast"]);
  expect(lanes.room).toBe(HELD_MAX - 10);
});

test("an end makes room for the next", async () => {
  const { lanes, started, ends, add } = setUp(() => 1);
  add("a", 3);
  const pump = () => lanes.pump(pump);
  pump();
  for (let i = 0; i < 3; i++) {
    ends[i]?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(started.length).toBe(3);
  expect(lanes.room).toBe(HELD_MAX);
  await lanes.settled();
});

test("takeStuck() gives what waits for a destination that does not move, once room is needed", () => {
  const { lanes, clock, add } = setUp((domain) => (domain === "hangs" ? 2 : 0));
  add("hangs", 100);
  lanes.pump(() => {});
  clock.now = 60_000;
  expect(lanes.takeStuck()).toEqual([]);
  add("new", HELD_MAX - 100);
  expect(lanes.takeStuck().length).toBe(98);
  expect(lanes.room).toBe(98);
});

test("add() takes in no more for a destination that does not move, until it does", async () => {
  const { lanes, clock, ends, add } = setUp(() => 1);
  const more = () => lanes.add("hangs", { job, nextHop: hop("hangs") });
  add("hangs", 30);
  lanes.pump(() => {});
  clock.now = 60_000;
  expect([more(), lanes.add("other", { job, nextHop: hop("other") })]).toEqual([false, true]);
  ends[0]?.();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(more()).toBe(true);
});

test("clear() gives all that waits and lets go on what is under way", () => {
  const { lanes, add } = setUp(() => 1);
  add("a", 3);
  add("b", 2);
  lanes.pump(() => {});
  expect(lanes.clear().length).toBe(3);
  expect(lanes.room).toBe(HELD_MAX - 2);
});
