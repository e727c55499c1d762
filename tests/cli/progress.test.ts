import { expect, test } from "bun:test";
import { Progress } from "../../src/cli/view/progress.ts";
import { fakeTerminal } from "./fake-terminal.ts";

test("Progress draws bar, count and name, at most ten times a second, and cleans up", () => {
  const terminal = fakeTerminal({ isWatched: true });
  let now = 0;
  const progress = new Progress(terminal, 4, () => now);
  progress.step("a\u001b.eml");
  progress.step("b.eml");
  now = 1000;
  progress.step("c.eml");
  progress.clear();
  progress.clear();
  expect(terminal.printed.err).toBe(
    "[######------------------] 1/4 a\\u{1b}.eml\r\u001b[K" +
      "[##################------] 3/4 c.eml\r\u001b[K",
  );
});

test("Progress cuts its line to the terminal and stays inside when counts change", () => {
  const terminal = fakeTerminal({ isWatched: true, columns: 40 });
  const progress = new Progress(terminal, 1, () => 0);
  progress.step("first");
  progress.clear();
  const late = new Progress(terminal, 1, () => terminal.printed.err.length * 1000);
  late.step("x".repeat(100));
  late.step("x".repeat(100));
  for (const line of terminal.printed.err.split("\r\u001b[K")) {
    expect(line.length).toBeLessThan(40);
  }
});

test("Progress is silent if nobody looks", () => {
  const terminal = fakeTerminal();
  const progress = new Progress(terminal, 4);
  progress.step("a");
  progress.clear();
  expect(terminal.printed).toEqual({ out: "", err: "" });
});
