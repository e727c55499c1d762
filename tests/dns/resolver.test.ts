import { afterEach, beforeEach, expect, test } from "bun:test";
import { Resolver } from "../../src/dns/resolver.ts";
import { addressRecord, FakeDns, mxRecord } from "../harness/fake-dns.ts";

let dns: FakeDns;
let now = 0;
const clock = { now: () => now, steady: () => now };

beforeEach(async () => {
  now = 0;
  dns = await FakeDns.start({
    "example.org": [
      mxRecord("example.org", 20, "B.example.org"),
      mxRecord("example.org", 10, "a.example.org"),
    ],
    "a.example.org": [
      addressRecord("a.example.org", "192.0.2.1", 100),
      addressRecord("a.example.org", "2001:db8::1"),
    ],
    "null.example": [mxRecord("null.example", 0, ".")],
    "empty.example": [],
    "alias.example": [{ name: "alias.example", type: "CNAME", ttl: 60, data: "a.example.org" }],
    "loop.example": [{ name: "loop.example", type: "CNAME", ttl: 60, data: "loop.example" }],
  });
});
afterEach(() => dns.stop());

function resolver(hosts = ""): Resolver {
  return new Resolver({ servers: [dns.endpoint], timeoutMs: 200, rounds: 1, clock, hosts });
}

test("exchanges() gives hosts in lower case, the null MX as an empty name", async () => {
  expect(await resolver().exchanges("Example.ORG")).toEqual({
    kind: "found",
    values: [
      { preference: 20, host: "b.example.org" },
      { preference: 10, host: "a.example.org" },
    ],
  });
  expect(await resolver().exchanges("null.example")).toEqual({
    kind: "found",
    values: [{ preference: 0, host: "" }],
  });
});

test("no such record and no such name are told apart", async () => {
  expect(await resolver().exchanges("empty.example")).toEqual({ kind: "empty" });
  expect(await resolver().addresses("empty.example")).toEqual({ kind: "empty" });
  expect(await resolver().exchanges("nowhere.example")).toEqual({ kind: "noName" });
  expect(await resolver().addresses("nowhere.example")).toEqual({ kind: "noName" });
});

test("a name that can't be asked for does not exist", async () => {
  const long = "x".repeat(64);
  for (const name of ["", "..", `${long}.example`, "a\u0000.example", `${"a.".repeat(130)}x`]) {
    expect(await resolver().exchanges(name)).toEqual({ kind: "noName" });
  }
  expect(dns.asked).toEqual([]);
});

test("addresses() gives IPv4 first, and follows aliases", async () => {
  const both = { kind: "found", values: ["192.0.2.1", "2001:db8::1"] } as const;
  expect(await resolver().addresses("a.example.org")).toEqual(both);
  expect(await resolver().addresses("alias.example")).toEqual(both);
});

test("an alias that the server did not follow is asked for", async () => {
  dns.trick = ({ name, packet, type, transport }) =>
    name === "alias.example"
      ? [{ ...dns.answer({ name, packet, type, transport }), answers: dns.zone[name] ?? [] }]
      : undefined;
  const found = await resolver().addresses("alias.example");
  expect(found).toEqual({ kind: "found", values: ["192.0.2.1", "2001:db8::1"] });
  expect(dns.questions).toContain("A a.example.org");
});

test("aliases that never end are trouble, not an absence", async () => {
  const lookup = await resolver().addresses("loop.example");
  expect(lookup.kind).toBe("trouble");
  expect(dns.asked.length).toBeLessThan(20);
});

test("an unknown name is asked for in its xn-- form", async () => {
  await resolver().exchanges("bücher.example");
  expect(dns.questions).toEqual(["MX xn--bcher-kva.example"]);
});

test("names of the hosts file and localhost are not asked for", async () => {
  const hosts = "192.0.2.7 Relay.local relay # comment\n2001:db8::7 relay\nrubbish relay\n";
  const local = resolver(hosts);
  expect(await local.addresses("RELAY")).toMatchObject({ values: ["192.0.2.7", "2001:db8::7"] });
  expect(await local.addresses("relay.local")).toMatchObject({ values: ["192.0.2.7"] });
  expect(await local.addresses("localhost")).toMatchObject({ values: ["127.0.0.1", "::1"] });
  expect(dns.asked).toEqual([]);
});

test("answers are kept for their TTL, absences and trouble for less", async () => {
  const cached = resolver();
  const asks = async (work: () => Promise<unknown>) => {
    const before = dns.asked.length;
    await work();
    return dns.asked.length - before;
  };
  const addresses = () => cached.addresses("a.example.org");
  const absent = () => cached.exchanges("nowhere.example");
  expect(await asks(() => Promise.all([addresses(), addresses()]))).toBe(2);
  expect(await asks(absent)).toBe(1);
  now += 50_000;
  expect(await asks(addresses)).toBe(0);
  expect(await asks(absent)).toBe(0);
  now += 50_001;
  expect(await asks(addresses)).toBe(1);
  expect(await asks(absent)).toBe(1);
});

test("a TTL of 0 is not believed to the letter", async () => {
  dns.zone["zero.example"] = [mxRecord("zero.example", 1, "a.example.org", 0)];
  const cached = resolver();
  await cached.exchanges("zero.example");
  now += 5000;
  await cached.exchanges("zero.example");
  expect(dns.asked.length).toBe(1);
});

test("one family's trouble does not hide the other's addresses, nor make an absence", async () => {
  dns.trick = ({ type, packet }) =>
    type === "AAAA" ? [{ ...packet, type: "response", flags: 2 }] : undefined;
  expect(await resolver().addresses("a.example.org")).toEqual({
    kind: "found",
    values: ["192.0.2.1"],
  });
  expect((await resolver().addresses("nowhere.example")).kind).toBe("trouble");
});

test("records of other names and of other types in an answer are not believed", async () => {
  dns.trick = ({ packet, name }) => [
    {
      ...packet,
      type: "response",
      flags: 0,
      additionals: [],
      answers: [addressRecord("evil.example", "192.0.2.66"), mxRecord(name, 1, "evil.example")],
    },
  ];
  expect(await resolver().addresses("a.example.org")).toEqual({ kind: "empty" });
});

test("texts() joins the strings of a record, and leaves out what is too long", async () => {
  const text = (...data: string[]) => ({ name: "t.example", type: "TXT", ttl: 60, data });
  const long = new Array<string>(20).fill("x".repeat(250));
  dns.zone["t.example"] = [text("v=spf1 -", "all"), text("two"), text(...long)];
  expect(await resolver().texts("t.example")).toEqual({
    kind: "found",
    values: ["v=spf1 -all", "two"],
  });
  dns.zone["t.example"] = [text(...long)];
  expect(await resolver().texts("t.example")).toEqual({ kind: "empty" });
});

test.each([
  ["192.0.2.10", "10.2.0.192.in-addr.arpa"],
  ["::ffff:192.0.2.10", "10.2.0.192.in-addr.arpa"],
  ["2001:db8::1", `1.${"0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`],
  ["fe80::1%eth0", `1.${"0.".repeat(28)}8.e.f.ip6.arpa`],
  ["::", `${"0.".repeat(32)}ip6.arpa`],
  ["64:ff9b::192.0.2.1", `1.0.2.0.0.0.0.c.${"0.".repeat(16)}b.9.f.f.4.6.0.0.ip6.arpa`],
])("names() asks for %s under its reverse name", async (address, name) => {
  dns.zone[name] = [{ name, type: "PTR", ttl: 60, data: "Mail.Example.ORG" }];
  expect(await resolver().names(address)).toEqual({ kind: "found", values: ["mail.example.org"] });
});

test("names() of what is no address asks nobody", async () => {
  expect(await resolver().names("here")).toEqual({ kind: "noName" });
  expect(dns.asked).toEqual([]);
});

test("associations() gives TLSA records as they are", async () => {
  const name = "_25._tcp.a.example.org";
  const certificate = Buffer.from("00ff10", "hex");
  const data = { usage: 3, selector: 1, matchingType: 1, certificate };
  dns.zone[name] = [{ name, type: "TLSA", ttl: 60, data }];
  const association = { usage: 3, selector: 1, matchingType: 1 };
  expect(await resolver().associations(name)).toEqual({
    kind: "found",
    values: [{ ...association, data: new Uint8Array([0, 255, 16]) }],
  });
});

const AUTHENTIC = 1 << 5;

test("the AD flag is asked for, and told of answers and of absences", async () => {
  dns.trick = (asked) => {
    const answer = dns.answer(asked);
    return [{ ...answer, flags: (answer.flags ?? 0) | AUTHENTIC }];
  };
  const found = { kind: "found", values: ["192.0.2.1", "2001:db8::1"], isAuthentic: true } as const;
  expect(await resolver().addresses("alias.example")).toEqual(found);
  expect(await resolver().texts("empty.example")).toEqual({ kind: "empty", isAuthentic: true });
  expect(await resolver().texts("no.example")).toEqual({ kind: "noName", isAuthentic: true });
  expect(dns.asked.every(({ packet }) => ((packet.flags ?? 0) & AUTHENTIC) !== 0)).toBe(true);
});

test("an answer is authentic only if all of it is", async () => {
  dns.trick = (asked) => {
    const answer = dns.answer(asked);
    const flags = (answer.flags ?? 0) | (asked.type === "A" ? AUTHENTIC : 0);
    return [{ ...answer, flags }];
  };
  const { isAuthentic } = (await resolver().addresses("a.example.org")) as { isAuthentic?: true };
  expect(isAuthentic).toBeUndefined();
});

test("what is kept is bounded by its size as well", async () => {
  const cached = resolver();
  const data = [...new Array<string>(16).fill("x".repeat(250))];
  dns.trick = ({ packet, name }) => [
    { ...packet, type: "response", flags: 0, additionals: [], answers: many(name, data) },
  ];
  dns.asked.length = 0;
  for (let at = 0; at < 300; at++) await cached.texts(`n${at}.example`);
  await cached.texts("n299.example");
  expect(dns.asked.length).toBe(300);
  await cached.texts("n0.example");
  expect(dns.asked.length).toBe(301);
});

function many(name: string, data: string[]) {
  return new Array(15).fill({ name, type: "TXT", ttl: 3000, data });
}
