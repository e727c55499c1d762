import { expect, test } from "bun:test";
import { openSession, toWire } from "./generator.ts";
import { type SinkMessage, startSink, unstuffDots } from "./sink.ts";

const STUFFING: readonly (readonly [string, string])[] = [
  ["", ".\r\n"],
  ["a\r\n", "a\r\n.\r\n"],
  ["a", "a\r\n.\r\n"],
  [".\r\n", "..\r\n.\r\n"],
  ["..\r\n.\r\n", "...\r\n..\r\n.\r\n"],
  ["a\r\n.b\r\n", "a\r\n..b\r\n.\r\n"],
  ["a\n.b\r\n", "a\n.b\r\n.\r\n"],
];

test.each(STUFFING)("toWire(%j) gives %j", (message, wire) => {
  expect(toWire(Buffer.from(message)).toString()).toBe(wire);
  const isEnded = message === "" || message.endsWith("\r\n");
  const stuffed = Buffer.from(wire.slice(0, -".\r\n".length));
  expect(unstuffDots(stuffed).toString()).toBe(isEnded ? message : `${message}\r\n`);
});

async function openTo(port: number) {
  const opening = await openSession({ port });
  if (opening.kind === "failed") throw new Error(JSON.stringify(opening.outcome));
  return opening.session;
}

test("what a session sends is what the sink keeps, whatever the size", async () => {
  const kept: SinkMessage[] = [];
  const sink = startSink({
    onMessage: async (message) => {
      kept.push(message);
      await Promise.resolve();
      return "250 2.0.0 kept";
    },
  });
  const session = await openTo(sink.port);
  const bodies = ["", ".\r\n", "a\r\n.\r\n", `${"x".repeat(3_000_000)}\r\n.\r\n`];
  for (const body of bodies) {
    const outcome = await session.send({
      sender: "a@example.net",
      recipients: ["b@example.org", "c@example.org"],
      wire: toWire(Buffer.from(body)),
    });
    expect(outcome).toMatchObject({ kind: "replied", stage: "message", code: 250 });
  }
  await session.quit();
  sink.stop();
  expect(kept.map((one) => one.bytes.toString() === bodies[kept.indexOf(one)])).not.toContain(
    false,
  );
  expect(kept[0]).toMatchObject({
    sender: "a@example.net",
    recipients: ["b@example.org", "c@example.org"],
  });
});

test("a refused recipient ends the transaction and not the session", async () => {
  const sink = startSink({
    onRecipient: (address) => (address.startsWith("no") ? "451 4.2.1 Later" : "250 OK"),
  });
  const session = await openTo(sink.port);
  const send = (recipient: string) =>
    session.send({ sender: "", recipients: [recipient], wire: toWire(Buffer.from("x")) });
  expect(await send("no@example.org")).toMatchObject({ stage: "rcpt", code: 451 });
  expect(await send("yes@example.org")).toMatchObject({ stage: "message", code: 250 });
  await session.quit();
  expect(session.isGone).toBe(true);
  sink.stop();
});

test("a server that is not there, or goes away, is an outcome and not an exception", async () => {
  const sink = startSink({});
  const session = await openTo(sink.port);
  sink.stop();
  const outcome = await session.send({
    sender: "",
    recipients: ["b@example.org"],
    wire: toWire(Buffer.from("x")),
  });
  expect(outcome.kind).toBe("lost");
  const again = await openSession({ port: sink.port });
  expect(again).toEqual({ kind: "failed", outcome: { kind: "lost", stage: "connect" } });
});
