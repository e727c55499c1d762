// Broken rules, lists, header fields and DNS answers from a fixed seed: nothing throws, nothing takes
// long, and what is taken says what it means.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { encode } from "dns-packet";
import { parseDnsList } from "../../src/config/access/dns-list.ts";
import { parseAccessRule, RULE_LISTS, RULE_WORDS } from "../../src/config/access/rule.ts";
import { Resolver } from "../../src/dns/resolver.ts";
import { groupsOf, reversed } from "../../src/dns/reverse.ts";
import { withoutForged } from "../../src/entity/forged.ts";
import { FakeDns, mxRecord } from "../harness/fake-dns.ts";
import { textRecord } from "../harness/signed-mail.ts";
import { mutated, random } from "./mutate.ts";

const SEED = 20_261_123;
// A long run is started by hand: GW_FUZZ_ROUNDS=1000000 bun test tests/fuzz/access.test.ts
const ROUNDS = Number(process.env["GW_FUZZ_ROUNDS"] ?? 5000);
// Each damaged answer costs a time-out.
const ANSWERS = Math.min(ROUNDS, 150);
const next = random(SEED);
const WORDS = ["from", " to ", "deny ", ",", "*", "@", "any", "192.0.2.0/24", "::", "/", "\0", "é"];

test("parseAccessRule() takes whole rules of known words only", () => {
  let taken = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const list = RULE_LISTS[round % RULE_LISTS.length] ?? "connect";
    const { example, actions, conditions, hasRanges } = RULE_WORDS[list];
    const line = mutated(Buffer.from(example), WORDS, next).toString();
    const rule = parseAccessRule(list, line);
    if (typeof rule === "string") continue;
    taken++;
    expect(actions).toContain(rule.action);
    for (const each of rule.conditions) {
      expect(conditions.includes(each) || (hasRanges && /[.:]/.test(each))).toBe(true);
    }
  }
  expect(taken).toBeGreaterThan(10);
});

test("parseDnsList(), reversed() and groupsOf() take nothing but what they are for", () => {
  const samples = ["bl.example.org=127.0.0.0/28*-3", "2001:db8::192.0.2.1", "::ffff:192.0.2.1"];
  for (let round = 0; round < ROUNDS; round++) {
    const sample = Buffer.from(samples[round % samples.length] ?? "");
    const text = mutated(sample, WORDS, next).toString();
    const list = parseDnsList(text);
    if (list !== undefined) expect(list.weight).not.toBe(0);
    const groups = groupsOf(text);
    if (groups !== undefined) expect(groups.length).toBe(8);
    const name = reversed(text);
    if (name !== undefined)
      expect(name).toMatch(/^(?:\d{1,3}\.){3}\d{1,3}$|^(?:[\da-f]\.){31}[\da-f]$/);
  }
});

test("withoutForged() only ever takes something away, and all that it should", () => {
  const own = "Authentication-Results: (a) gw.example.org; dkim=pass\r\n x\r\n";
  const sample = Buffer.from(`Received: x\r\n\ty\r\n${own}Subject: b\r\n${own}From: c\r\n`);
  const words = ["\r\n", "\n", "\r", " ", "(", ")", "\\", '"', ":", "Authentication-Results:", own];
  for (let round = 0; round < ROUNDS; round++) {
    const header = mutated(sample, words, next).toString("latin1");
    const left = withoutForged(header, "gw.example.org");
    expect(left.length).toBeLessThanOrEqual(header.length);
    expect(withoutForged(left, "gw.example.org")).toBe(left);
  }
});

let dns: FakeDns;
beforeAll(async () => {
  dns = await FakeDns.start();
});
afterAll(() => dns.stop());

test("damaged answers of a DNS server are trouble or answers, and never more", async () => {
  const clock = { now: () => 0, steady: () => 0 };
  const servers = [dns.endpoint];
  const resolver = new Resolver({ servers, timeoutMs: 10, rounds: 1, clock, hosts: "" });
  dns.trick = ({ packet, name, type }) => {
    const answers = type === "MX" ? [mxRecord(name, 1, "mx.example")] : [textRecord(name, "a b")];
    const whole = encode({ ...packet, type: "response", flags: 0x80, additionals: [], answers });
    const bytes = mutated(whole, ["\xc0\x0c", "\xc0\xff", "\xff\xff", "\0\0"], next);
    // Id and question as they must be, or nothing else would be looked at.
    whole.copy(bytes, 0, 0, Math.min(12 + name.length + 6, bytes.length, whole.length));
    return [bytes];
  };
  const kinds = new Set<string>();
  for (let round = 0; round < ANSWERS; round++) {
    const lookup = await (round % 2 === 0
      ? resolver.exchanges(`n${round}.example`)
      : resolver.texts(`n${round}.example`));
    kinds.add(lookup.kind);
    if (lookup.kind === "found") expect(lookup.values.length).toBeLessThan(65);
  }
  expect(kinds.has("found")).toBe(true);
  expect(kinds.has("trouble")).toBe(true);
}, 30_000);
