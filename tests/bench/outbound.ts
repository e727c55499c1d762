// Measures the sending side by hand: `bun tests/bench/outbound.ts [count5k] [sessions]`. The far side
// is Postfix's smtp-sink if it is installed, and for large messages also a sink of our own in a
// process of its own, since smtp-sink reads byte by byte. CPU is that of this process: the worker,
// and the main thread that only hands over.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../src/base/log.ts";
import { Carrier } from "../../src/outbound/carrier.ts";

const LINE = Buffer.from(`${"x".repeat(76)}\r\n`);

/** Takes everything; replies at the end of each command group and of each message. */
function serveSink(socket: Socket): void {
  let isData = false;
  let tail = "";
  let held = "";
  socket.on("error", () => {});
  socket.write("220 sink ESMTP\r\n");
  socket.on("data", (chunk: Buffer) => {
    if (isData) {
      tail = (tail + chunk.toString("latin1", Math.max(0, chunk.length - 5))).slice(-5);
      if (tail !== "\r\n.\r\n") return;
      isData = false;
      socket.write("250 2.0.0 taken\r\n");
      return;
    }
    held += chunk.toString("latin1");
    let replies = "";
    for (let end = held.indexOf("\n"); end >= 0; end = held.indexOf("\n")) {
      const command = held.slice(0, 4).toUpperCase();
      held = held.slice(end + 1);
      if (command === "EHLO") replies += "250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
      else if (command === "DATA") replies += "354 go\r\n";
      else replies += command === "QUIT" ? "221 bye\r\n" : "250 ok\r\n";
      isData ||= command === "DATA";
    }
    socket.write(replies);
  });
}

async function run(name: string, port: number, count: number, size: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gw-bench-"));
  const path = join(folder, "body");
  writeFileSync(path, Buffer.concat(new Array<Buffer>(Math.ceil(size / LINE.length)).fill(LINE)));
  const bodySize = Math.ceil(size / LINE.length) * LINE.length;
  const sessionsPerHostMax = Number(process.argv[3] ?? 20);
  const carrier = await Carrier.start({ hostname: "gw.test", log: silentLog, sessionsPerHostMax });
  const nextHop = { kind: "host", host: "127.0.0.1", port } as const;
  let left = count;
  let delivered = 0;
  let reply = "";
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const lane = async () => {
    while (left-- > 0) {
      const [outcome] = await carrier.deliver({
        id: "0000000000A",
        nextHop,
        envelope: { sender: "a@example.org", isUtf8: false, body: "8bitmime" },
        recipients: [{ address: "b@example.org" }],
        trace: "Received: from a by b with ESMTP id 0000000000A;\r\n\tSun, 22 Nov 2026\r\n",
        body: { kind: "file", path, offset: 0, size: bodySize },
      });
      if (outcome?.kind === "delivered") delivered++;
      else reply = outcome?.reply ?? "";
    }
  };
  await Promise.all(Array.from({ length: carrier.capacity(nextHop) }, lane));
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  const cpuMs = (user + system) / 1000 / count;
  const rate = ((delivered / ms) * 1000).toFixed(0);
  const speed = ((delivered * bodySize) / ms / 1000).toFixed(0);
  const rss = (process.memoryUsage.rss() / 1e6).toFixed(0);
  console.log(
    `${name} ${size} B: ${delivered}/${count}, ${rate} msg/s, ${speed} MB/s, ` +
      `${cpuMs.toFixed(3)} ms CPU each, RSS ${rss} MB ${reply}`,
  );
  await carrier.stop(1000);
  rmSync(folder, { recursive: true });
}

async function main(): Promise<void> {
  if (process.argv[2] === "sink") {
    const server = createServer(serveSink);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      console.log(typeof address === "object" ? address?.port : "");
    });
    return;
  }
  const count = Number(process.argv[2] ?? 20_000);
  const port = 20_000 + (process.pid % 10_000);
  const user = process.getuid?.() === 0 ? ["-u", "postfix"] : [];
  const hasSink = Bun.which("smtp-sink") !== null;
  if (hasSink) {
    const sink = Bun.spawn(["smtp-sink", ...user, `127.0.0.1:${port}`, "1000"]);
    await Bun.sleep(500);
    await run("smtp-sink", port, count, 5_000);
    await run("smtp-sink", port, count / 10, 100_000);
    await run("smtp-sink", port, count / 100, 5_000_000);
    sink.kill();
  }
  const sink = Bun.spawn([process.execPath, import.meta.path, "sink"], { stdout: "pipe" });
  const { value } = await sink.stdout.getReader().read();
  const ownPort = Number(new TextDecoder().decode(value).trim());
  await run("own sink", ownPort, count, 5_000);
  await run("own sink", ownPort, count / 10, 100_000);
  await run("own sink", ownPort, count / 40, 5_000_000);
  sink.kill();
}

await main();
