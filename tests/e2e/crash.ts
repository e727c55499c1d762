// Kills the compiled binary again and again while mail flows in and out, then counts:
// `bun tests/e2e/crash.ts [rounds] [seed]`. Run by hand; 20 rounds take about half a minute.
// A message that was answered with 250 must reach the next hop, whatever happens in between.
import { runCrashScript } from "../harness/crash-run.ts";
import { runScript } from "../harness/findings.ts";

await runScript(() =>
  runCrashScript({
    name: "crash",
    roundsDefault: 20,
    lifeMs: { shortest: 50, longest: 1500 },
    isHopFaulty: false,
    messagesMin: 0,
  }),
);
