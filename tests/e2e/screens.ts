// Shows `gw top` and `gw trace` as a person sees them: in tmux, 80 columns and 24 lines, while mixed
// mail flows through the built binary. `bun tests/e2e/screens.ts [MAILS] [COLUMNSxROWS]`
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess, gatewayBinary } from "../harness/gateway-process.ts";
import { sendMixed } from "../harness/mixed-traffic.ts";
import { freePort } from "../harness/process.ts";
import { startSink } from "../harness/sink.ts";

const [mails = "60", size = "80x24"] = process.argv.slice(2);
const [columns = "80", rows = "24"] = size.split("x");
const folder = mkdtempSync(join(tmpdir(), "gw-screens-"));
const socket = join(folder, "tmux");

function tmux(...words: readonly string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["tmux", "-S", socket, ...words]);
  if (exitCode !== 0) throw new Error(`tmux ${words[0]}: ${stderr.toString()}`);
  return stdout.toString();
}

function open(name: string, command: string): void {
  const environment = `LC_ALL=C.UTF-8 TERM=${name === "plain" ? "vt100 NO_COLOR=1 LC_ALL=C" : "screen-256color"}`;
  tmux("new-session", "-d", "-s", name, "-x", columns, "-y", rows, `env ${environment} ${command}`);
}

/** The lines of a screen; an Error if one is too wide. */
function capture(name: string): string {
  const text = tmux("capture-pane", "-p", "-t", name);
  const wide = text.split("\n").find((line) => line.length > Number(columns));
  if (wide !== undefined) throw new Error(`${name}: wider than ${columns}: ${wide}`);
  return text;
}

async function gone(name: string): Promise<boolean> {
  for (let look = 0; look < 100; look++) {
    if (Bun.spawnSync(["tmux", "-S", socket, "has-session", "-t", name]).exitCode !== 0)
      return true;
    await Bun.sleep(50);
  }
  return false;
}

const sink = startSink({ onMessage: () => "250 2.0.0 OK" });
const port = freePort();
const settings = {
  "inbound.relay_domains": ["example.org"],
  "inbound.relay_networks": ["192.0.2.0/24"],
};
const gateway = new GatewayProcess(folder, {
  ...{ dataFolder: join(folder, "data"), port, nextHopPort: sink.port, settings },
});
try {
  await gateway.start();
  const place = `--data ${join(folder, "data")}`;
  const binary = gatewayBinary();
  open("colour", `${binary} top --interval 0.5 ${place}`);
  open("plain", `${binary} top --interval 0.5 ${place}`);
  open("trace", `${binary} trace --to ann@example.org ${place}`);
  await Bun.sleep(1_000);
  const sending = sendMixed(port, Number(mails));
  await Bun.sleep(1_500);
  for (const name of ["colour", "plain", "trace"]) {
    process.stdout.write(`--- ${name}, ${columns}x${rows}\n${capture(name)}\n`);
  }
  const tally = await sending;
  tmux("resize-window", "-t", "colour", "-x", "60", "-y", "12");
  await Bun.sleep(800);
  process.stdout.write(`--- top, made 60x12\n${tmux("capture-pane", "-p", "-t", "colour")}\n`);
  tmux("send-keys", "-t", "colour", "q");
  tmux("send-keys", "-t", "plain", "q");
  tmux("send-keys", "-t", "trace", "C-c");
  const ends = await Promise.all(["colour", "plain", "trace"].map(gone));
  process.stdout.write(
    `answers ${JSON.stringify(tally)}; ended by their keys: ${ends.join(" ")}\n`,
  );
  process.exitCode = ends.every(Boolean) ? 0 : 1;
} finally {
  Bun.spawnSync(["tmux", "-S", socket, "kill-server"]);
  await gateway.stop();
  sink.stop();
  rmSync(folder, { recursive: true, force: true });
}
