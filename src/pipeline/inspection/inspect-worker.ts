// The thread in which foreign bytes are taken apart and scanned. It owns one arena of the shared
// memory and holds nothing else: it may be killed at any moment.

import { closeSync, openSync, readSync } from "node:fs";
import { GarbagePacer } from "../../base/garbage.ts";
import { describeError } from "../../base/log.ts";
import type { WorkerAnswer, WorkerNews, WorkerOrder, WorkerPost } from "../../base/worker-pool.ts";
import type { Body } from "../../message.ts";
import { type MailSummary, summarise } from "../../mime/summary.ts";
import { Engine } from "../../scan/engine.ts";
import { BLIND, inspect, MESSAGE } from "../inspect.ts";
import { performTreatment } from "../policy/treatment.ts";
import { type Inspected, type InspectJob, type InspectStart, unscanned } from "./job.ts";

declare const self: Worker;

// Bodies are read into the same memory again and again: fresh memory for each large one costs more
// than reading it. What is very large is not kept.
const KEPT_SIZE_MAX = 16 * 1024 * 1024;

class BodyReader {
  #memory = new Uint8Array(0);

  /** The bytes, which are good until the next call. */
  read(body: Body): Uint8Array {
    if (body.kind === "bytes") return body.bytes;
    const bytes = this.#room(body.size);
    const descriptor = openSync(body.path, "r");
    try {
      for (let filled = 0; filled < body.size; ) {
        const count = readSync(descriptor, bytes, filled, body.size - filled, body.offset + filled);
        // What is not there is an error, not an end.
        if (count === 0)
          throw new Error(`${body.path} ends before byte ${body.offset + body.size}`);
        filled += count;
      }
    } finally {
      closeSync(descriptor);
    }
    return bytes;
  }

  #room(size: number): Uint8Array {
    if (size > KEPT_SIZE_MAX) return new Uint8Array(size);
    if (size > this.#memory.length) this.#memory = new Uint8Array(size);
    return this.#memory.subarray(0, size);
  }
}

const NO_SUMMARY: MailSummary = { messageId: "", subject: "", hops: 0 };

/** What a thread has for all its jobs. */
interface Bench extends InspectStart {
  readonly engine: Engine;
  readonly garbage: GarbagePacer;
}

function work(bench: Bench, job: InspectJob, bytes: Uint8Array): Inspected {
  const { engine, limits, passwords, garbage } = bench;
  if (job.treatment !== undefined) {
    const scan = (again: Uint8Array, name: string) => {
      // The message itself keeps its name; what is an object of it is read as what it looks like.
      const declaredType = name === job.name ? MESSAGE : "";
      return inspect({ bytes: again, name, declaredType }, engine, limits, { passwords, garbage });
    };
    const treated = performTreatment(bytes, job.treatment, { scan, limits });
    return { verdict: job.treatment.verdict, summary: NO_SUMMARY, treated };
  }
  const summary = job.isMessage ? summarise(bytes) : NO_SUMMARY;
  const { name, isHashed = false } = job;
  if (job.isScanned === false && !isHashed) {
    const about = { name, size: bytes.length, identity: engine.identity };
    return { verdict: unscanned(about, "not scanned: check = false"), summary };
  }
  const subject = { name, declaredType: job.isMessage ? MESSAGE : "", bytes };
  const scanner = job.isScanned === false ? BLIND : engine;
  const told = [summary.subject];
  const onText = (text: string) => told.push(text);
  const { texts = [] } = job;
  const options = { passwords, isHashed, garbage, texts, ...(job.isMessage && { onText }) };
  const verdict = inspect(subject, scanner, limits, options);
  return { verdict, summary, ...(job.isMessage && { excerpt: told.join("\n") }) };
}

// Small jobs are answered together: waking the other thread costs more than looking at a small mail.
const ANSWER_WITHIN_MS = 1;

function workOff(
  orders: readonly WorkerOrder<InspectJob>[],
  inspectOne: (job: InspectJob) => Inspected,
): void {
  let answers: WorkerAnswer<Inspected>[] = [];
  let lastPostAt = performance.now();
  for (const { ticket, job } of orders) {
    try {
      answers.push({ ticket, result: inspectOne(job) });
    } catch (error) {
      answers.push({ ticket, error: describeError(error) });
    }
    const now = performance.now();
    if (now - lastPostAt < ANSWER_WITHIN_MS) continue;
    post(answers);
    answers = [];
    lastPostAt = now;
  }
  if (answers.length > 0) post(answers);
}

function post(message: WorkerPost<Inspected>): void {
  self.postMessage(message);
}

type InspectMessage = readonly WorkerOrder<InspectJob>[] | WorkerNews<InspectStart>;

type Pause = () => Promise<void>;

// What has come for the thread is taken first.
const untilNextTurn: Pause = () => new Promise((resolve) => setTimeout(resolve, 0));

function engineOf(start: InspectStart, pause?: Pause): Promise<Engine> {
  const { set, arena, isPhishingChecked, isBrief } = start;
  const options = { isPhishingChecked, isBrief, ...(pause !== undefined && { pause }) };
  return Engine.attach(set, arena, options);
}

/** The worker once it has its first signatures. */
class InspectWorker {
  readonly #reader = new BodyReader();
  readonly #garbage = new GarbagePacer();
  #engine: Engine;
  #order: InspectStart;

  private constructor(engine: Engine, order: InspectStart) {
    this.#engine = engine;
    this.#order = order;
  }

  static async start(order: InspectStart): Promise<InspectWorker> {
    return new InspectWorker(await engineOf(order), order);
  }

  // Beside the mail: what comes meanwhile is still for the old engine, which goes when the new one
  // is ready.
  async turnTo(order: InspectStart): Promise<void> {
    this.#engine = await engineOf(order, untilNextTurn);
    this.#order = order;
    post("told");
  }

  take(orders: readonly WorkerOrder<InspectJob>[]): void {
    workOff(orders, (job) => {
      const bytes = this.#reader.read(job.body);
      const engine = this.#engine;
      // The administrator's first: they are for this very site.
      const passwords = [...this.#order.passwords, ...engine.passwords];
      const bench = { ...this.#order, passwords, engine, garbage: this.#garbage };
      return work(bench, job, bytes);
    });
  }
}

function begin(): void {
  let worker: Promise<InspectWorker> | undefined;
  let turning: Promise<unknown> = Promise.resolve();
  // A thread whose engine can't start ends; the pool notices and replaces it.
  const failed = (error: unknown) => {
    setTimeout(() => {
      throw error;
    });
  };
  self.onmessage = ({ data }: MessageEvent<InspectStart | InspectMessage>) => {
    if (worker === undefined) {
      worker = InspectWorker.start(data as InspectStart);
      worker.then(() => post("ready"), failed);
      return;
    }
    const one = worker;
    const message = data as InspectMessage;
    if ("news" in message) {
      // One after the other: the last one stays.
      turning = turning.then(async () => (await one).turnTo(message.news));
      turning.catch(failed);
    } else one.then((it) => it.take(message)).catch(failed);
  };
}

begin();
