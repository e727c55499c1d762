// Makes pictures of `gw report`: sends mixed mail through the built binary, spreads what was counted
// over a week, and has Chromium photograph the page, in the light, in the dark and as it is printed.
// `bun tests/e2e/report-page.ts FOLDER [MAILS]`
import { Database } from "bun:sqlite";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { GatewayProcess } from "../harness/gateway-process.ts";
import { sendMixed } from "../harness/mixed-traffic.ts";
import { freePort } from "../harness/process.ts";
import { pick, seededRandom } from "../harness/sample-mail.ts";
import { startSink } from "../harness/sink.ts";

const [target = "report-pictures", mails = "150"] = process.argv.slice(2);
const HOUR_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), "gw-report-"));
const out = resolve(target);
mkdirSync(out, { recursive: true });

// What one burst of mail left is told again for each hour of the days before, more of it by day.
function spread(dataFolder: string, hours: number): void {
  const db = new Database(join(dataFolder, "gw.db"));
  const random = seededRandom(7);
  const rows = db.query<{ summary: string }, []>("SELECT summary FROM history").all();
  const add = db.query("INSERT INTO history (span, at, closed, summary) VALUES (1, ?, 0, ?)");
  const now = new Date().setMinutes(0, 0, 0);
  db.transaction(() => {
    for (let hour = 1; hour <= hours; hour++) {
      const at = now - hour * HOUR_MS;
      const time = new Date(at).getHours();
      const times = 1 + pick(random, time > 7 && time < 19 ? 7 : 2);
      const summary = rows[pick(random, rows.length)]?.summary ?? "{}";
      for (let count = 0; count < times; count++) add.run(at, summary);
    }
  })();
  db.close();
}

function photograph(page: string, picture: string, ...options: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([
    ...["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
    ...["--disable-background-networking", "--no-first-run"],
    `--user-data-dir=${join(folder, "chromium")}`,
    ...options,
    `file://${page}`,
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString().slice(-500));
  process.stdout.write(`${picture}\n`);
}

const sink = startSink({
  onRecipient: (address) =>
    address.startsWith("fritz") ? "450 4.2.1 Mailbox is busy, come again" : "250 2.1.5 OK",
  onMessage: () => "250 2.0.0 OK",
});
const port = freePort();
const settings = {
  "inbound.relay_domains": ["example.org"],
  "inbound.relay_networks": ["192.0.2.0/24"],
};
const data = join(folder, "data");
const gateway = new GatewayProcess(folder, {
  ...{ dataFolder: data, port, nextHopPort: sink.port, settings },
});
try {
  await gateway.start();
  const tally = await sendMixed(port, Number(mails));
  process.stdout.write(`answers ${JSON.stringify(tally)}\n`);
  const page = join(out, "report.html");
  const { stdout } = await gateway.command("report", "--from", "1h");
  process.stdout.write(stdout);
  await gateway.stop();
  spread(data, 7 * 24);
  for (const [name, from] of [
    ["day", "1d"],
    ["week", "7d"],
  ] as const) {
    const made = await gateway.command("report", "--from", from, "--html", page);
    if (made.code !== 0) throw new Error(made.stderr);
    const file = join(out, `${name}.png`);
    photograph(page, file, `--screenshot=${file}`, "--window-size=1100,3000");
  }
  const dark = join(out, "dark.png");
  photograph(
    page,
    dark,
    `--screenshot=${dark}`,
    "--window-size=700,3600",
    "--force-dark-mode",
    "--blink-settings=preferredColorScheme=0",
  );
  const paper = join(out, "paper.pdf");
  photograph(page, paper, `--print-to-pdf=${paper}`, "--no-pdf-header-footer");
} finally {
  await gateway.stop();
  sink.stop();
  rmSync(folder, { recursive: true, force: true });
}
