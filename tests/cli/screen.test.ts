// The screen of `gw top` fits its terminal, whatever is to be shown.
import { expect, test } from "bun:test";
import type { Activity } from "../../src/admin/protocol.ts";
import { drawScreen, rateOf } from "../../src/cli/control/screen.ts";
import { shortNumber, sparkline } from "../../src/cli/view/chart.ts";

function activity(at: number, received: number, more: Partial<Activity> = {}): Activity {
  return {
    at,
    status: {
      version: "1.2.3",
      pid: 1,
      config: "",
      startedAt: 0,
      listen: ["[::]:25", "192.0.2.1:465", "unix:/var/run/gw/a-rather-long-name-of-a-socket"],
      dataDir: "/var/lib/gw",
      program: "/usr/bin/gw",
      paused: [],
      sessions: 12,
      scanning: 3,
      sending: 4,
      signatures: { identity: "gwdb-0123456789abcdef", count: 123456 },
      queue: { messages: 1234, recipients: 5678 },
      quarantine: { messages: 12, bytes: 123456789 },
      warnings: [],
    },
    stats: { mta_received_messages: received, av_messages_infected: 7 },
    minutes: Array.from({ length: 60 }, (_, n) => n),
    signatures: [["Gw.Test.EICAR", 1234567]],
    refusals: [[`550 ${"long ".repeat(50)}`, 2]],
    hosts: [["ünïcode.example", 1]],
    senders: [["\u001b[31mred@evil.example\r\n", 3]],
    ...more,
  };
}

const paint = (_: string, text: string) => text;

test.each([
  [80, 24],
  [132, 50],
  [60, 12],
  [40, 10],
  [20, 5],
  [200, 100],
])("a screen of %d columns and %d rows is filled and not exceeded", (columns, rows) => {
  for (const isPlain of [false, true]) {
    const options = { columns, rows, paint, isPlain };
    const lines = drawScreen(activity(60_000, 500), activity(59_000, 400), options);
    expect(lines).toHaveLength(rows);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
    const text = lines.join("\n");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/);
    if (isPlain) expect(text).toMatch(/^[ -~\n]*$/);
  }
});

test("at 80x24 rates, sessions, queue, verdicts and signatures are seen", () => {
  const options = { columns: 80, rows: 24, paint, isPlain: false };
  const text = drawScreen(activity(60_000, 500), activity(59_000, 400), options).join("\n");
  for (const word of [
    /in +100\/s/,
    "sessions 12",
    "queue 1234",
    "infected 7",
    "Gw.Test.EICAR",
    "q quits",
  ]) {
    expect(text).toMatch(word);
  }
});

test("what is paused or wrong stands on top", () => {
  const options = { columns: 80, rows: 24, paint, isPlain: false };
  const now = activity(0, 0);
  const paused = { ...now, status: { ...now.status, paused: ["send"] as const } };
  expect(drawScreen(paused, undefined, options)[1]).toStartWith("paused: send");
  const warned = { ...now, status: { ...now.status, warnings: ["feed x is old"] } };
  expect(drawScreen(warned, undefined, options)[1]).toStartWith("warning: feed x is old");
});

test("rates are of the time between two looks, and never negative", () => {
  expect(rateOf(activity(2_000, 30), activity(0, 10), "mta_received_messages")).toBe(10);
  expect(rateOf(activity(2_000, 0), activity(0, 10), "mta_received_messages")).toBe(0);
  expect(rateOf(activity(2_000, 10), undefined, "mta_received_messages")).toBe(0);
  expect(rateOf(activity(2_000, 10), activity(2_000, 0), "mta_received_messages")).toBe(0);
});

test.each([
  [0, "0"],
  [12.34, "12.3"],
  [999, "999"],
  [1234, "1.2k"],
  [123456, "123k"],
  [12345678, "12M"],
])("%d is shown as %s", (value, expected) => {
  expect(shortNumber(value)).toBe(expected);
});

test("sparkline() shows the highest as the tallest, and zeros as the lowest", () => {
  expect(sparkline([0, 5, 10])).toBe("▁▅█");
  expect(sparkline([0, 0])).toBe("▁▁");
  expect(sparkline([0, 10], true)).toBe("_@");
});
