import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { Resolver } from "../../src/dns/resolver.ts";
import { MailHosts } from "../../src/outbound/mail-hosts.ts";
import type { NextHop } from "../../src/outbound/route.ts";
import { addressRecord, FakeDns, mxRecord, RCODE, reply } from "../harness/fake-dns.ts";

let dns: FakeDns;

function mx(name: string, ...hosts: [number, string][]) {
  return { [name]: hosts.map(([preference, host]) => mxRecord(name, preference, host)) };
}

function address(name: string, ...addresses: string[]) {
  return { [name]: addresses.map((each) => addressRecord(name, each)) };
}

beforeEach(async () => {
  dns = await FakeDns.start({
    ...mx("two.example", [20, "b.example"], [10, "a.example"]),
    ...mx("same.example", [10, "a.example"], [10, "b.example"], [10, "c.example"]),
    ...mx("null.example", [0, "."]),
    ...mx("mixed.example", [0, "."], [10, "a.example"]),
    ...mx("zero.example", [10, "zero-host.example"]),
    ...mx("partly.example", [5, "zero-host.example"], [7, "gone.example"], [10, "a.example"]),
    ...mx("gone-only.example", [5, "gone.example"]),
    ...mx("loopback.example", [5, "here.example"]),
    ...mx(
      "many.example",
      ...Array.from({ length: 60 }, (_, i): [number, string] => [i, "a.example"]),
    ),
    ...address("a.example", "192.0.2.1"),
    ...address("b.example", "192.0.2.2", "2001:db8::2"),
    ...address("c.example", "192.0.2.3"),
    ...address("implicit.example", "192.0.2.9"),
    ...address("zero-host.example", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255"),
    ...address("here.example", "127.0.0.1", "::1"),
    ...address("big.example", ...Array.from({ length: 60 }, (_, i) => `192.0.2.${i + 1}`)),
    "nothing.example": [],
  });
});
afterEach(() => dns.stop());

function locate(hop: NextHop, isLoopbackMxAllowed = false, random = () => 0.5) {
  const servers = [dns.endpoint];
  const resolver = new Resolver({
    servers,
    timeoutMs: 100,
    rounds: 1,
    clock: systemClock,
    hosts: "",
  });
  return new MailHosts(resolver, { mxPort: 25, isLoopbackMxAllowed, random }).locate(hop);
}

async function addressesOf(hop: NextHop, isLoopbackMxAllowed = false) {
  const located = await locate(hop, isLoopbackMxAllowed);
  return located.kind === "found" ? located.targets.map((target) => target.address) : located;
}

const FOUND: [string, string[]][] = [
  ["two.example", ["192.0.2.1", "192.0.2.2", "2001:db8::2"]],
  ["mixed.example", ["192.0.2.1"]],
  ["partly.example", ["192.0.2.1"]],
  ["implicit.example", ["192.0.2.9"]],
  ["many.example", ["192.0.2.1"]],
];

test.each(FOUND)("locate() finds the hosts of %s", async (domain, addresses) => {
  expect(await addressesOf({ kind: "mx", domain })).toEqual(addresses);
});

const NONE: [string, string, string][] = [
  ["a domain that says it takes no mail", "null.example", "556 5.1.10"],
  ["a domain that does not exist", "nowhere.example", "550 5.1.2"],
  ["a domain with neither MX nor address", "nothing.example", "550 5.4.4"],
  ["MX hosts that do not exist", "gone-only.example", "550 5.4.4"],
  ["MX hosts with impossible addresses", "zero.example", "550 5.4.4"],
  ["MX hosts that are this host", "loopback.example", "550 5.4.4"],
  ["no domain at all", "", "550 5.1.2"],
];

test.each(NONE)("locate() fails %s", async (_, domain, reply) => {
  const located = await locate({ kind: "mx", domain });
  if (located.kind !== "none") throw new Error("found");
  expect(located.outcome.kind).toBe("failed");
  expect(located.outcome.reply).toStartWith(reply);
});

test("trouble with DNS defers, for the domain and for its hosts", async () => {
  for (const wanted of ["two.example", "a.example", "b.example"]) {
    dns.trick = ({ name, packet }) =>
      name === wanted || (wanted !== "two.example" && name.length === 9)
        ? [reply(packet, RCODE.servfail)]
        : undefined;
    const located = await locate({ kind: "mx", domain: "two.example" });
    expect(located).toMatchObject({ kind: "none", outcome: { kind: "deferred" } });
  }
});

test("hosts of one preference come in random order", async () => {
  const firsts = new Set<string>();
  for (let i = 0; i < 40; i++) {
    const located = await locate({ kind: "mx", domain: "same.example" }, false, Math.random);
    if (located.kind === "found") firsts.add(located.targets[0]?.host ?? "");
  }
  expect([...firsts].sort()).toEqual(["a.example", "b.example", "c.example"]);
});

test("an MX at this host can be allowed", async () => {
  const hop = { kind: "mx", domain: "loopback.example" } as const;
  expect(await addressesOf(hop, true)).toEqual(["127.0.0.1", "::1"]);
});

test("configured hosts are found by address and name, and never fail for DNS", async () => {
  const host = (name: string): NextHop => ({ kind: "host", host: name, port: 26 });
  expect(await locate(host("127.0.0.1"))).toEqual({
    kind: "found",
    targets: [{ host: "127.0.0.1", address: "127.0.0.1", port: 26 }],
  });
  expect(await addressesOf(host("b.example"))).toEqual(["192.0.2.2", "2001:db8::2"]);
  expect(await addressesOf(host("localhost"))).toEqual(["127.0.0.1", "::1"]);
  expect(await addressesOf(host("big.example"))).toHaveLength(20);
  for (const name of ["nowhere.example", "nothing.example"]) {
    const located = await locate(host(name));
    expect(located).toMatchObject({ kind: "none", outcome: { kind: "deferred" } });
  }
});
