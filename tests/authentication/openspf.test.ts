// The suite of openspf.org for RFC 7208, through gw's SPF step and its resolver.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import type { Answer } from "dns-packet";
import { checkSpf } from "../../src/authentication/spf.ts";
import { addressRecord, FakeDns, mxRecord, RCODE, reply } from "../harness/fake-dns.ts";
import { textRecord } from "../harness/signed-mail.ts";
import { checkParts } from "./parts.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const FILE = `${CORPUS}/smtp/openspf/rfc7208-tests.yml`;
const CASES = 203;

type Value = string | readonly [number, string] | readonly string[];
type Entry = "TIMEOUT" | Readonly<Record<string, Value>>;
interface Scenario {
  readonly description: string;
  readonly tests: Readonly<Record<string, Case>>;
  readonly zonedata: Readonly<Record<string, readonly Entry[]>>;
}
interface Case {
  readonly helo: string;
  readonly host: string;
  readonly mailfrom: string;
  readonly result: string | readonly string[];
}

let dns: FakeDns;
beforeAll(async () => {
  dns = await FakeDns.start();
});
afterAll(() => dns.stop());

function recordsOf(name: string, entries: readonly Entry[]): Answer[] {
  const hasText = entries.some((entry) => entry !== "TIMEOUT" && "TXT" in entry);
  return entries.flatMap((entry) => {
    if (entry === "TIMEOUT") return [];
    const [[type, value] = ["", ""]] = Object.entries(entry);
    if (value === "NONE") return [];
    // SPF records of type 99 stand for TXT records of the same text, unless there are some.
    if (type === "TXT" || (type === "SPF" && !hasText)) return [text(name, value)];
    if (type === "MX") return [mxRecord(name, Number(value[0]), String(value[1]))];
    if (type === "A" || type === "AAAA") return [addressRecord(name, String(value))];
    if (type === "PTR" || type === "CNAME") return [{ name, type, ttl: 300, data: String(value) }];
    return [];
  });
}

function text(name: string, value: Value): Answer {
  return textRecord(name, Array.isArray(value) ? value : String(value));
}

function serve({ zonedata }: Scenario): void {
  const names = Object.entries(zonedata).map(([name, entries]) => {
    return { name: name.toLowerCase(), entries };
  });
  dns.zone = Object.fromEntries(
    names.map((each) => [each.name, recordsOf(each.name, each.entries)]),
  );
  const silent = new Set(
    names.filter(({ entries }) => entries.includes("TIMEOUT")).map(({ name }) => name),
  );
  // "No answer in time" as a server that says that it has none: that is the same, and quicker.
  dns.trick = (asked) => {
    const isThere = dns.zone[asked.name]?.some(({ type }) => type === asked.type) === true;
    return silent.has(asked.name) && !isThere ? [reply(asked.packet, RCODE.servfail)] : undefined;
  };
}

function scenarios(): Scenario[] {
  const documents = readFileSync(FILE, "utf8").split(/^---$/m);
  return documents.flatMap((each) => {
    const scenario = Bun.YAML.parse(each) as Scenario | null;
    return scenario?.tests === undefined ? [] : [scenario];
  });
}

test("the openspf suite passes as a whole", async () => {
  if (!existsSync(FILE)) return expect(existsSync(FILE)).toBe(false);
  const failed: string[] = [];
  let count = 0;
  for (const scenario of scenarios()) {
    serve(scenario);
    for (const [name, { helo, host, mailfrom, result }] of Object.entries(scenario.tests)) {
      count++;
      const parts = checkParts(dns);
      const found = await checkSpf({ address: host, helo, sender: mailfrom }, parts);
      parts.deadline.clear();
      if (![result].flat().includes(found.result)) {
        failed.push(`${scenario.description} / ${name}: ${result} expected, ${found.result} found`);
      }
    }
  }
  console.log(`openspf: ${count - failed.length} of ${count} passed`);
  expect(failed).toEqual([]);
  expect(count).toBe(CASES);
});
