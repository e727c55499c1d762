// The SPF cases of the mail-auth library, through gw's SPF step and its resolver.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Answer } from "dns-packet";
import { checkSpf } from "../../src/authentication/spf.ts";
import { reverseName } from "../../src/dns/reverse.ts";
import { addressRecord, FakeDns, mxRecord, RCODE, reply, type Zone } from "../harness/fake-dns.ts";
import { textRecord } from "../harness/signed-mail.ts";
import { checkParts } from "./parts.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const FOLDER = `${CORPUS}/smtp/mail-auth/spf`;

interface Case {
  readonly domain: string;
  readonly sender: string;
  readonly ip: string;
  /** Records that have come with this case and those before it, `NAME RECORD`. */
  readonly records: readonly string[];
  readonly expect: string;
}

/** What gw finds where the cases expect something else, and why that is right. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "all.yml / All test / 1: fail expected, permerror found":
    '"ip:" is no mechanism, and a syntax error anywhere counts (RFC 7208 §4.6)',
  "basic.yml / DNS Temp Error / 1: temperror expected, none found":
    "a name with an underscore is no host name, and is not asked for (§4.3)",
  "basic.yml / DNS Lookup Limits / 1: softfail expected, permerror found":
    "ten names that do not exist: more than two such questions are too many (§4.6.4)",
  "exists.yml / Exists / 2: pass expected, fail found":
    "exists asks for A records only, whatever the client's address is (§5.7)",
  "ip.yml / IPv6 match / 4: pass expected, fail found":
    "an IPv4 client is in no IPv6 network, a mapped one neither (§5.6)",
};

let dns: FakeDns;
beforeAll(async () => {
  dns = await FakeDns.start();
});
afterAll(() => dns.stop());

// `mx: NAME ADDRESS, ADDRESS` stands for hosts with these addresses.
function exchangers(name: string, addresses: readonly string[]): [string, Answer[]][] {
  const hosts = addresses.map((address, at) => ({ host: `mx${at + 1}-of.${name}`, address }));
  const records = hosts.map(({ host }, at) => mxRecord(name, at + 1, host));
  return [
    [name, records],
    ...hosts.map(({ host, address }): [string, Answer[]] => [host, [addressRecord(host, address)]]),
  ];
}

function entriesOf(type: string, text: string): [string, Answer[]][] {
  const [, name = "", value = ""] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
  const values = value.split(",").map((each) => each.trim());
  switch (type) {
    case "spf":
    case "exp":
      return [[name, [textRecord(name, value)]]];
    case "a":
    case "aaaa":
      return [[name, values.map((each) => addressRecord(name, each))]];
    case "mx":
      return exchangers(name, values);
    case "ptr": {
      const reverse = reverseName(name) ?? "";
      const hosts = values.map((each) => each.replace(/\.$/, ""));
      return [[reverse, hosts.map((data) => ({ name: reverse, type: "PTR", ttl: 300, data }))]];
    }
    default:
      return [];
  }
}

function zoneOf(document: string): Zone {
  const zone: Record<string, Answer[]> = {};
  const [, records = ""] = /^records:\n((?: .*\n)*)/m.exec(document) ?? [];
  for (const [, type = "", text = ""] of records.matchAll(/^ +([a-z]+): +(.*\S)\s*$/gm)) {
    for (const [name, answers] of entriesOf(type, text)) {
      const key = name.toLowerCase();
      zone[key] = [...(zone[key] ?? []), ...answers];
    }
  }
  return zone;
}

// What a test says holds for those behind it; one may bring a record of its own, and several addresses.
function casesOf(document: string): Case[] {
  const [, tests = ""] = /^tests:\n([\s\S]*)/m.exec(document) ?? [];
  let now = { domain: "", sender: "", ip: "", records: [] as readonly string[] };
  return [...tests.matchAll(/^ *(?:- )?([a-z]+):(.*)$/gm)].flatMap(([, key = "", text = ""]) => {
    const value = text.trim();
    if (key === "expect") return [{ ...now, expect: value.split(" ")[0] ?? "" }];
    if (key === "spf") now = { ...now, records: [...now.records, value] };
    else if (key === "domain" || key === "sender" || key === "ip") now = { ...now, [key]: value };
    return [];
  });
}

// gw asks for the sender's own domain; cases that ask for another one, as an include would, can't be put.
function isAskable({ domain, sender }: Case): boolean {
  const own = sender.slice(sender.lastIndexOf("@") + 1).toLowerCase();
  return sender === "" || own === domain.toLowerCase();
}

test("the SPF cases of mail-auth come out as expected, or differ for a reason", async () => {
  if (!existsSync(FOLDER)) return expect(existsSync(FOLDER)).toBe(false);
  const wrong: string[] = [];
  let [count, passed, skipped] = [0, 0, 0];
  for (const file of readdirSync(FOLDER).sort()) {
    for (const document of readFileSync(`${FOLDER}/${file}`, "utf8").split(/^---$/m)) {
      dns.zone = zoneOf(document);
      dns.trick = ({ name, packet }) =>
        name.includes("_dns_error") ? [reply(packet, RCODE.servfail)] : undefined;
      for (const [at, one] of casesOf(document).entries()) {
        count++;
        for (const [name, answers] of one.records.flatMap((text) => entriesOf("spf", text))) {
          const others = dns.zone[name]?.filter(({ type }) => type !== "TXT") ?? [];
          dns.zone = { ...dns.zone, [name]: [...others, ...answers] };
        }
        if (!isAskable(one)) {
          skipped++;
          continue;
        }
        const parts = checkParts(dns);
        const helo = one.sender === "" ? one.domain : "helo.example";
        const asked = { address: one.ip, helo, sender: one.sender };
        const { result } = await checkSpf(asked, parts);
        parts.deadline.clear();
        const [, name = ""] = /^name: (.*)$/m.exec(document) ?? [];
        const found = `${file} / ${name} / ${at + 1}: ${one.expect} expected, ${result} found`;
        if (result === one.expect) passed++;
        else if (DIFFERENT[found] === undefined) wrong.push(found);
      }
    }
  }
  console.log(`mail-auth SPF: ${passed} of ${count} passed, ${skipped} can't be asked`);
  expect(wrong).toEqual([]);
});
