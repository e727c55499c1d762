import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { DnsClient } from "../../src/dns/dns-client.ts";
import {
  addressRecord,
  FakeDns,
  RCODE,
  reply,
  type Trick,
  truncatedReply,
} from "../harness/fake-dns.ts";

let dns: FakeDns;
let second: FakeDns;
const ZONE = { "a.example": [addressRecord("a.example", "192.0.2.1")] };

beforeEach(async () => {
  dns = await FakeDns.start(ZONE);
  second = await FakeDns.start(ZONE);
});
afterEach(async () => {
  await dns.stop();
  await second.stop();
});

function client(servers = [dns.endpoint], timeoutMs = 100, rounds = 1): DnsClient {
  return new DnsClient({ servers, timeoutMs, rounds });
}

test("query() gives the answer, and whether the name exists", async () => {
  const found = await client().query("a.example", "A");
  expect(found).toMatchObject({ kind: "answer", hasName: true });
  expect(found.kind === "answer" && found.records[0]?.data).toBe("192.0.2.1");
  expect(await client().query("b.example", "A")).toMatchObject({ kind: "answer", hasName: false });
});

const TROUBLE: [string, Trick][] = [
  ["SERVFAIL", ({ packet }) => [reply(packet, RCODE.servfail)]],
  ["REFUSED", ({ packet }) => [reply(packet, RCODE.refused)]],
  ["a refusal without the question", ({ packet }) => [{ ...reply(packet, 2), questions: [] }]],
  ["silence", () => []],
  ["garbage", () => [randomBytes(40), Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(600, 0xff)]],
  ["a flood of garbage", () => new Array<Buffer>(200).fill(Buffer.alloc(20, 1))],
  ["another id", ({ packet }) => [{ ...reply(packet), id: ((packet.id ?? 0) + 1) % 65536 }]],
  ["a query for an answer", ({ packet }) => [{ ...reply(packet), type: "query" }]],
  [
    "another question",
    ({ packet }) => [{ ...reply(packet), questions: [{ name: "b.example", type: "A" }] }],
  ],
  [
    "two questions",
    ({ packet }) => [
      { ...reply(packet), questions: [...(packet.questions ?? []), { name: "b.x", type: "A" }] },
    ],
  ],
  ["an answer without a question", ({ packet }) => [{ ...reply(packet), questions: [] }]],
  [
    "truncation without TCP's answer",
    ({ packet, transport }) => (transport === "udp" ? [truncatedReply(packet)] : []),
  ],
  [
    "truncation with garbage over TCP",
    ({ packet, transport }) =>
      transport === "udp" ? [truncatedReply(packet)] : [Buffer.from("garbage garbage")],
  ],
];

test.each(TROUBLE)("query() finds trouble in %s, and asks the next server", async (_, trick) => {
  dns.trick = trick;
  expect((await client().query("a.example", "A")).kind).toBe("trouble");
  const both = client([dns.endpoint, second.endpoint]);
  expect(await both.query("a.example", "A")).toMatchObject({ kind: "answer", hasName: true });
});

test("a true answer is found behind false ones", async () => {
  dns.trick = (asked) => [
    randomBytes(30),
    { ...reply(asked.packet, RCODE.nxdomain), id: ((asked.packet.id ?? 0) + 1) % 65536 },
    dns.answer(asked),
  ];
  expect(await client().query("a.example", "A")).toMatchObject({ kind: "answer", hasName: true });
});

test("an answer that was cut off is asked for again over TCP", async () => {
  const many = Array.from({ length: 200 }, (_, i) => addressRecord("a.example", `192.0.2.${i}`));
  dns.zone = { "a.example": many };
  dns.trick = ({ packet, transport }) =>
    transport === "udp" ? [truncatedReply(packet)] : undefined;
  const found = await client().query("a.example", "A");
  expect(found.kind === "answer" && found.records.length).toBe(200);
  expect(dns.asked.map(({ transport }) => transport)).toEqual(["udp", "tcp"]);
});

test("a server that does not know EDNS is asked without it", async () => {
  dns.trick = ({ packet }) =>
    packet.additionals?.length ? [reply(packet, RCODE.formerr)] : undefined;
  expect(await client().query("a.example", "A")).toMatchObject({ kind: "answer", hasName: true });
});

test("servers are asked in rounds; a port where nobody listens is trouble", async () => {
  let left = 1;
  dns.trick = () => (left-- > 0 ? [] : undefined);
  expect((await client([dns.endpoint], 100, 2).query("a.example", "A")).kind).toBe("answer");
  const { endpoint } = second;
  await second.stop();
  expect((await client([endpoint]).query("a.example", "A")).kind).toBe("trouble");
  second = await FakeDns.start(ZONE);
  expect((await client([]).query("a.example", "A")).kind).toBe("trouble");
});

test("many questions at the same time are all answered", async () => {
  const one = client([dns.endpoint], 2000);
  const names = Array.from({ length: 600 }, (_, i) => `n${i}.example`);
  const replies = await Promise.all(names.map((name) => one.query(name, "A")));
  expect(replies.every(({ kind }) => kind === "answer")).toBe(true);
  expect(new Set(dns.asked.map(({ packet }) => packet.id)).size).toBeGreaterThan(550);
});
