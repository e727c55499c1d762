// Runs every check and test, and closes with one plain line that counts them:
// `N passed, N failed`. The types and the linter count as one test each.

import { readFileSync, rmSync } from "node:fs";

interface Count {
  passed: number;
  failed: number;
}

const JUNIT = "dist/junit.xml";

function step(name: string, command: string[]): boolean {
  const began = performance.now();
  console.log(`\n== ${name}: ${command.join(" ")}`);
  const run = Bun.spawnSync(command, { stdout: "inherit", stderr: "inherit" });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`== ${name}: ${run.exitCode === 0 ? "ok" : "FAILED"} in ${seconds} s`);
  return run.exitCode === 0;
}

// The runner's own report, not its exit code, says how many there were.
function countTests(): Count {
  const report = readFileSync(JUNIT, "utf8");
  const head = /<testsuites[^>]*>/.exec(report)?.[0] ?? "";
  const number = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number("failures") + number("errors");
  return { passed: number("tests") - failed - number("skipped"), failed };
}

const bun = process.execPath;
const count: Count = { passed: 0, failed: 0 };
const tally = (isGood: boolean) => {
  if (isGood) count.passed++;
  else count.failed++;
};

tally(step("build", [bun, "build.ts"]));
tally(step("lint", ["node_modules/.bin/biome", "check", "."]));
tally(step("types", ["node_modules/.bin/tsc", "--noEmit"]));
rmSync(JUNIT, { force: true });
const isRunGood = step("tests", [
  bun,
  "test",
  "--timeout=60000",
  "--reporter=junit",
  `--reporter-outfile=${JUNIT}`,
  ...process.argv.slice(2),
]);
try {
  const tests = countTests();
  count.passed += tests.passed;
  count.failed += tests.failed;
  // A run that broke without a failed test (a file that does not load, none found) has failed.
  if (!isRunGood && tests.failed === 0) count.failed++;
} catch (error) {
  console.error(`no report of the tests: ${String(error)}`);
  count.failed++;
}

console.log(`\n${count.passed} passed, ${count.failed} failed`);
process.exit(count.failed === 0 ? 0 : 1);
