// Chunks however they are cut: what comes out is what was sent, and commands are commands.
import { afterEach, expect, test } from "bun:test";
import { random } from "../../fuzz/mutate.ts";
import { startInbound, type TestInbound } from "../../harness/inbound.ts";
import { LineClient } from "../../harness/line-client.ts";

const inbounds: TestInbound[] = [];
afterEach(async () => {
  for (const { listener } of inbounds.splice(0)) await listener.stop(0);
});

const SEED = 20_261_124;
const ROUNDS = 60;
const WORDS = ["\r\n.\r\n", "BDAT 5 LAST\r\n", "QUIT\r\n", "text ", "..", "\r\n"];

test("messages in chunks of any size, cut anywhere by the network, arrive as they were", async () => {
  const inbound = await startInbound();
  inbounds.push(inbound);
  const next = random(SEED);
  const client = await LineClient.connect(inbound.port);
  await client.expect("220");
  await client.command("EHLO client.example.net", "250");
  for (let round = 0; round < ROUNDS; round++) {
    const words = Array.from({ length: next(40) }, () => WORDS[next(WORDS.length)] ?? "");
    const body = `${words.join("")}\r\n`;
    let wire = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n";
    let replies = 2;
    for (let at = 0; at < body.length; replies++) {
      const size = 1 + next(body.length - at);
      const isLast = at + size === body.length;
      wire += `BDAT ${size}${isLast ? " LAST" : ""}\r\n${body.slice(at, at + size)}`;
      at += size;
    }
    for (let at = 0; at < wire.length; ) {
      const size = 1 + next(30);
      client.send(wire.slice(at, at + size));
      at += size;
      if (next(4) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (let at = 0; at < replies; at++) await client.expect("250");
    expect(inbound.intake.messages.at(-1)?.body.toString()).toBe(body);
  }
  expect(inbound.intake.messages).toHaveLength(ROUNDS);
  client.close();
});

test("stop() lets a message in chunks arrive", async () => {
  const inbound = await startInbound();
  const client = await LineClient.connect(inbound.port);
  await client.expect("220");
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command("RCPT TO:<b@example.org>", "250");
  client.send("BDAT 3\r\nab\r");
  await client.expect("250");
  const stopped = inbound.listener.stop(10_000);
  client.send("BDAT 1 LAST\r\n\n");
  await client.expect("250 2.0.0 OK: queued");
  await client.expect("421 4.3.2");
  await stopped;
  expect(inbound.intake.messages[0]?.body.toString()).toBe("ab\r\n");
});
