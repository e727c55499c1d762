import { expect, test } from "bun:test";
import { describeLimit, type RateLimit, Rates } from "../../../src/inbound/limits/rates.ts";

const limit = (change: Partial<RateLimit>): RateLimit => ({
  name: "test",
  of: "messages",
  per: "address",
  max: 2,
  withinMs: 60_000,
  ...change,
});
const from = (address: string, user?: string) => ({
  client: { address, ...(user !== undefined && { user }) },
});

test.each([
  ["address", from("192.0.2.1"), from("192.0.2.2")],
  ["address", from("2001:db8::1"), from("2001:db8:0:1::1")],
  ["network", from("192.0.2.1"), from("192.0.3.1")],
  ["network", from("2001:db8:1:2::1"), from("2001:db8:2:2::1")],
  ["user", from("192.0.2.1", "ann"), from("192.0.2.1", "bob")],
  ["sender", { ...from("192.0.2.1"), sender: "A@x" }, { ...from("192.0.2.1"), sender: "b@x" }],
] as const)("a rate per %s counts %j and not %j", (per, source, other) => {
  const rates = new Rates([limit({ per })]);
  rates.add("messages", source, { now: 0 });
  expect(rates.reached("messages", source, 0)).toBeUndefined();
  rates.add("messages", source, { now: 0 });
  expect(rates.reached("messages", source, 0)?.per).toBe(per);
  expect(rates.reached("messages", other, 0)).toBeUndefined();
  expect(rates.reached("recipients", source, 0)).toBeUndefined();
  expect(rates.reached("messages", source, 120_000)).toBeUndefined();
});

test.each([
  ["network", from("192.0.2.1"), from("192.0.2.200")],
  ["network", from("2001:db8:1:2::1"), from("2001:db8:1:ffff::1")],
  ["address", from("2001:db8::1"), from("2001:db8::2")],
] as const)("a rate per %s holds %j and %j to be one", (per, source, other) => {
  const rates = new Rates([limit({ per, max: 1 })]);
  rates.add("messages", source, { now: 0 });
  expect(rates.reached("messages", other, 0)).toBeDefined();
});

test("own hosts, the null sender and clients without a login have no rate", () => {
  const rates = new Rates(
    (["address", "network", "sender", "user"] as const).map((per) => limit({ per, max: 1 })),
  );
  const source = { ...from("192.0.2.1"), sender: "", isOwn: true };
  rates.add("messages", source, { now: 0 });
  expect(rates.reached("messages", source, 0)).toBeUndefined();
});

test("configure() keeps the counts of limits that stay", () => {
  const rates = new Rates([limit({ max: 5 })]);
  rates.add("messages", from("192.0.2.1"), { now: 0, count: 3 });
  rates.configure([limit({ max: 3 })]);
  const reached = rates.reached("messages", from("192.0.2.1"), 0);
  expect(reached && describeLimit(reached)).toBe('rate "test": 3 messages per address within 60s');
  rates.configure([]);
  expect(rates.isEmpty).toBe(true);
});
