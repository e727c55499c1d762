import { describe, expect, test } from "bun:test";
import { inspect, type ObjectScanner } from "../../../src/pipeline/inspect.ts";
import type { Inspected, InspectJob } from "../../../src/pipeline/inspection/job.ts";
import { EarlierTexts, inspectOf } from "../../../src/pipeline/sender/earlier.ts";
import { LIMITS } from "../../harness/extracts.ts";
import { encrypted7z } from "../../unpack/archive/sevenzip/build.ts";

const DAY_MS = 24 * 3_600_000;

function memory() {
  let now = 1_000_000;
  const clock = { now: () => now } as ConstructorParameters<typeof EarlierTexts>[0];
  return {
    texts: new EarlierTexts(clock),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe("EarlierTexts", () => {
  test("has what a sender wrote, the latest first, upper and lower case alike", () => {
    const { texts } = memory();
    texts.remember("A@example.org", "one");
    texts.remember("a@Example.org", "two");
    texts.remember("b@example.org", "other");
    expect(texts.of("a@example.org")).toEqual(["two", "one"]);
    expect(texts.of("c@example.org")).toEqual([]);
  });

  test("keeps nothing of the null sender, and nothing blank", () => {
    const { texts } = memory();
    texts.remember("", "one");
    texts.remember("a@example.org", " \n");
    expect([texts.of(""), texts.of("a@example.org")]).toEqual([[], []]);
  });

  test("forgets after a day", () => {
    const { texts, pass } = memory();
    texts.remember("a@example.org", "one");
    pass(DAY_MS / 2);
    texts.remember("a@example.org", "two");
    pass(DAY_MS / 2 + 1);
    expect(texts.of("a@example.org")).toEqual(["two"]);
  });

  test("keeps a few texts of each, cut, and each once", () => {
    const { texts } = memory();
    for (let i = 0; i < 20; i++) texts.remember("a@example.org", `text ${i}`);
    texts.remember("a@example.org", "text 19");
    texts.remember("b@example.org", "x".repeat(100_000));
    expect(texts.of("a@example.org").length).toBe(8);
    expect(texts.of("a@example.org")[0]).toBe("text 19");
    expect(texts.of("b@example.org")[0]?.length).toBe(2048);
  });

  test("is bounded over all senders: who was silent longest goes first", () => {
    const { texts } = memory();
    for (let i = 0; i < 20_001; i++) texts.remember(`s${i}@example.org`, "text");
    expect(texts.of("s0@example.org")).toEqual([]);
    expect(texts.of("s20000@example.org")).toEqual(["text"]);
    for (let i = 0; i < 5000; i++) texts.remember(`t${i}@example.org`, `${i}`.padEnd(2048, "x"));
    expect(texts.of("t0@example.org")).toEqual([]);
    expect(texts.of("t4999@example.org").length).toBe(1);
  });
});

const BLIND: ObjectScanner = {
  identity: "none",
  scan: ({ bytes }) => ({ findings: [], scanned: bytes.length, isComplete: true }),
};

// As the threads do it, without threads.
const inspector = {
  jobs: 0,
  inspect(job: InspectJob): Promise<Inspected> {
    this.jobs++;
    if (job.body.kind !== "bytes") throw new Error("no bytes");
    const excerpts: string[] = [];
    const subject = { name: "message", declaredType: "message/rfc822", bytes: job.body.bytes };
    const onText = (text: string) => excerpts.push(text);
    const verdict = inspect(subject, BLIND, LIMITS, { onText, texts: job.texts ?? [] });
    const summary = { messageId: "", subject: "", hops: 0 };
    return Promise.resolve({ verdict, summary, excerpt: excerpts.join("\n") });
  },
};

function mail(body: string, attachment?: Buffer): InspectJob {
  const lines = ["From: a@example.org", "Subject: x", "MIME-Version: 1.0"];
  lines.push("Content-Type: multipart/mixed; boundary=b", "", "--b", "", body);
  if (attachment !== undefined) {
    lines.push("--b", "Content-Type: application/octet-stream; name=a.7z");
    lines.push("Content-Transfer-Encoding: base64", "", attachment.toString("base64"));
  }
  const bytes = Buffer.from([...lines, "--b--", ""].join("\r\n"));
  return { body: { kind: "bytes", bytes }, name: "message", isMessage: true };
}

describe("inspectOf()", () => {
  const archive = encrypted7z([{ name: "a.txt", content: "the content" }], "Xq-7781-kk");
  const names = ({ verdict }: Inspected) => verdict.objects.map(({ name }) => name);

  test("opens what the sender gave the password of in an earlier mail", async () => {
    const parts = { inspector, earlier: memory().texts };
    await inspectOf("a@example.org", mail("The password is Xq-7781-kk"), parts);
    const found = await inspectOf("A@example.org", mail("See the file.", archive), parts);
    expect(found.verdict.status).toBe("clean");
    expect(names(found)).toContain("a.txt");
  });

  test("does not for another sender, nor look twice where nothing is encrypted", async () => {
    const parts = { inspector, earlier: memory().texts };
    await inspectOf("a@example.org", mail("The password is Xq-7781-kk"), parts);
    const found = await inspectOf("b@example.org", mail("See the file.", archive), parts);
    expect(found.verdict.status).toBe("protected");
    const before = inspector.jobs;
    await inspectOf("a@example.org", mail("Nothing"), parts);
    expect(inspector.jobs).toBe(before + 1);
  });
});
