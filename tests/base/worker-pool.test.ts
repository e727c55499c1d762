import { afterEach, expect, test } from "bun:test";
import { type JobEnd, WorkerPool } from "../../src/base/worker-pool.ts";

let pool: WorkerPool<string, string> | undefined;
const losses: string[] = [];

function start(size: number, timeoutMs = 5000): WorkerPool<string, string> {
  losses.length = 0;
  pool = new WorkerPool({
    size,
    timeoutMs,
    spawn: () => new Worker(new URL("./pool-worker.ts", import.meta.url)),
    onLoss: (_slot, reason) => losses.push(reason),
  });
  return pool;
}

afterEach(() => pool?.stop());

const done = (job: string): JobEnd<string> => ({ kind: "done", result: `did ${job}` });

test("run() gives each job its own answer", async () => {
  const jobs = Array.from({ length: 50 }, (_, index) => `job ${index}`);
  const one = start(2);
  expect(await Promise.all(jobs.map((job) => one.run(job)))).toEqual(jobs.map(done));
  expect(one.pendingCount).toBe(0);
});

test("run() ends a job that overruns as a timeout and the jobs behind it still get done", async () => {
  const one = start(1, 300);
  const ends = await Promise.all(["spin", "a", "b", "c", "d", "e"].map((job) => one.run(job)));
  expect(ends).toEqual([{ kind: "timeout" }, ...["a", "b", "c", "d", "e"].map(done)]);
  expect(losses).toEqual(["overran 300 ms"]);
});

test("run() never takes another job's answer for that of a job without one", async () => {
  const one = start(1, 300);
  const [silent, after] = await Promise.all([one.run("silent"), one.run("after")]);
  expect(silent?.kind).toBe("crash");
  expect(after).toEqual(done("after"));
  expect(losses).toEqual(["answered out of order"]);
});

test("run() ends a job that kills its worker as a crash and the next one gets a new worker", async () => {
  const one = start(1);
  const [dead, alive] = await Promise.all([one.run("die"), one.run("after")]);
  expect(dead?.kind).toBe("crash");
  expect(alive).toEqual(done("after"));
  expect(await one.run("later")).toEqual(done("later"));
});

test("run() passes on a job's own error without losing the worker", async () => {
  const one = start(1);
  expect(await one.run("fail")).toEqual({ kind: "crash", reason: "failed" });
  expect(await one.run("next")).toEqual(done("next"));
  expect(losses).toEqual([]);
});

test("stop() ends the jobs under way and refuses later ones", async () => {
  const one = start(1, 60_000);
  const stuck = one.run("spin");
  one.stop();
  expect(await stuck).toEqual({ kind: "crash", reason: "stopped" });
  expect(await one.run("late")).toEqual({ kind: "crash", reason: "stopped" });
});
