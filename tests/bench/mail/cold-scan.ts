// How long one scan takes when nothing runs yet: process start, signatures, one mail of 10 KB.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gatewayPath } from "../../harness/gateway-process.ts";
import { runCommand } from "../../harness/process.ts";
import { coldScanMail } from "./mail-set.ts";
import { median } from "./median.ts";
import type { SignatureFolders } from "./signature-set.ts";
import { findCommand } from "./systems.ts";

/** One scanner's times. */
export interface ColdScan {
  readonly command: string;
  readonly runs: number;
  readonly medianMs: number;
  readonly maxMs: number;
  /** Which signatures it had. */
  readonly signatures: string;
}

async function timed(name: string, command: readonly string[], runs: number) {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    const { code, stderr, stdout } = await runCommand(command);
    times.push(performance.now() - startedAt);
    // 0 is "clean" for both; anything else means that no scan was measured.
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${(stderr || stdout).trim()}`);
  }
  return { command: name, runs, medianMs: median(times), maxMs: Math.max(...times) };
}

/** Times `gw scan` and `clamscan`, those of them that are there. */
export async function runColdScans(
  folder: string,
  signatures: SignatureFolders,
  runs: number,
): Promise<ColdScan[]> {
  mkdirSync(folder, { recursive: true });
  const mail = join(folder, "cold.eml");
  writeFileSync(mail, coldScanMail());
  const scans: ColdScan[] = [];
  if (existsSync(gatewayPath())) {
    for (const [set, source] of [
      ["the bench's", signatures.gw],
      ["those shipped with gw", ""],
    ] as const) {
      const config = join(folder, "scan.toml");
      // A data folder as a host with a gateway has it, where the compiled set is kept.
      const data = join(folder, "scan-data");
      mkdirSync(data, { recursive: true });
      const settings = { "server.data_dir": data, "scan.signatures_dir": source };
      const lines = Object.entries(settings).map(
        ([key, value]) => `${key} = ${JSON.stringify(value)}\n`,
      );
      writeFileSync(config, lines.join(""));
      const command = [gatewayPath(), "scan", "--config", config, mail];
      await timed("gw scan", command, 1);
      scans.push({ ...(await timed("gw scan", command, runs)), signatures: set });
    }
  }
  const clamscan = findCommand("clamscan");
  if (clamscan !== undefined) {
    const command = [clamscan, "--no-summary", "-d", signatures.clamd, mail];
    scans.push({ ...(await timed("clamscan", command, runs)), signatures: "the bench's" });
  }
  return scans;
}
