// The worst that can happen to delivery, all at once: the next hop is killed and started again, hangs,
// and refuses for the time being at random, while gw is killed with -9:
// `bun tests/e2e/faults.ts [rounds] [seed] [messages]`. Run by hand; 50 rounds and 10,600 messages
// take some three minutes. Every message that was answered with 250 must arrive, and arrive twice only
// where the next hop had said 250 and either side was killed right then.
import { runCrashScript } from "../harness/crash-run.ts";
import { runScript } from "../harness/findings.ts";

await runScript(() =>
  runCrashScript({
    name: "faults",
    roundsDefault: 50,
    lifeMs: { shortest: 300, longest: 4000 },
    isHopFaulty: true,
    messagesMin: 10_600,
  }),
);
