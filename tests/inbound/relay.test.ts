import { expect, test } from "bun:test";
import { parseMailbox } from "../../src/inbound/address.ts";
import { RelayRules } from "../../src/inbound/relay.ts";

const STRANGER = "203.0.113.9";
const rules = new RelayRules({
  relayNetworks: ["192.0.2.0/24", "2001:db8::/32"],
  relayDomains: ["example.org", "*.wild.example", "bücher.example", "xn--mnchen-3ya.example"],
});

function accepts(client: string, recipient: string, of = rules): boolean {
  const mailbox = parseMailbox(recipient);
  if (mailbox === undefined) throw new Error(`no mailbox: ${recipient}`);
  return of.accepts(client, mailbox);
}

test.each([
  ["a@example.org", true],
  ["a@EXAMPLE.ORG", true],
  ["a@sub.example.org", false],
  ["a@badexample.org", false],
  ["a@example.org.evil.example", false],
  ["a@example.com", false],
  ["a@sub.wild.example", true],
  ["a@Deep.Sub.Wild.example", true],
  ["a@wild.example", false],
  ["a@notwild.example", false],
  ["a@bücher.example", true],
  ["a@BÜCHER.example", true],
  ["a@xn--bcher-kva.example", true],
  ["a@münchen.example", true],
  ["a@[203.0.113.9]", false],
  ["a%b.example@example.org", false],
  ["b.example!a@example.org", false],
  ['"a@b.example"@example.org', false],
  ['"a%b.example"@example.org', false],
  ["prvs=1234=a+b@example.org", true],
])("a stranger may send to %s: %p", (recipient, expected) => {
  expect(accepts(STRANGER, recipient)).toBe(expected);
});

test.each(["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:1::1"])(
  "a client in the relay networks (%s) may send to anyone",
  (client) => {
    expect(rules.isTrusted(client)).toBe(true);
    expect(accepts(client, "a@elsewhere.example")).toBe(true);
    expect(accepts(client, "a%b.example@elsewhere.example")).toBe(true);
  },
);

test("without settings nothing is relayed", () => {
  const none = new RelayRules({ relayNetworks: [], relayDomains: [] });
  expect(accepts(STRANGER, "a@example.org", none)).toBe(false);
});

test("the mask * stands for all domains, and not for routing through them", () => {
  const all = new RelayRules({ relayNetworks: [], relayDomains: ["*"] });
  expect(accepts(STRANGER, "a@anything.example", all)).toBe(true);
  expect(accepts(STRANGER, "a%b.example@anything.example", all)).toBe(false);
});

test("a network that is none is an error", () => {
  expect(() => new RelayRules({ relayNetworks: ["nonsense"], relayDomains: [] })).toThrow(
    "nonsense",
  );
});
