// A next hop that goes wrong in every state of the dialogue, in front of the compiled gateway: what is
// no refusal for good keeps the mail waiting, and once the next hop is well it gets it, once.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Answer, NextHopScript } from "../harness/next-hop.ts";
import { type SendingGateway, startSendingGateway } from "../harness/sending-gateway.ts";

const drop: Answer = { act: "drop" };
const reset: Answer = { act: "reset" };
const busy: Answer = { act: "drop", text: "421 4.3.2 too busy\r\n" };
const garbage: Answer = "hello? hello\u0000!";

const STATES = ["greeting", "ehlo", "mail", "rcpt", "data", "end"] as const;
const ACTS: Readonly<Record<string, Answer>> = {
  drop,
  reset,
  busy,
  garbage,
  later: "451 4.3.0 no",
};

/** Scripts by the domain that leads to them. */
const BAD: Record<string, NextHopScript> = {
  "half-a-message.example": { midway: { after: 1, answer: drop } },
  "refused-midway.example": { midway: { after: 1, answer: busy } },
  "yes-to-data.example": { data: "250 2.0.0 fine" },
  "endless.example": { ehlo: `250-${"x".repeat(100_000)}` },
};
for (const state of STATES) {
  for (const [name, answer] of Object.entries(ACTS)) {
    // A host that knows no EHLO is asked again with HELO.
    const more = state === "ehlo" ? { helo: answer } : {};
    BAD[`${state}-${name}.example`] = { [state]: answer, ...more };
  }
}
const DOMAINS = Object.keys(BAD);

/** These refuse for good, and hang up. */
const FINAL: Record<string, NextHopScript> = {};
for (const state of ["mail", "rcpt", "data", "end"]) {
  FINAL[`${state}-final.example`] = {
    [state]: { act: "drop", text: `550 5.7.1 no ${state}\r\n` },
  };
}

const NEVER: NextHopScript = { rcpt: "451 4.3.0 never" };

let gateway: SendingGateway;

beforeAll(async () => {
  gateway = await startSendingGateway({
    hops: { "from.example": {}, "other.example": {}, "never.example": NEVER, ...BAD, ...FINAL },
    settings: {
      "queue.retry_min": "1s",
      "queue.retry_max": "1s",
      "outbound.connect_timeout": "5s",
    },
  });
});
afterAll(() => gateway?.stop());

test(`mail for ${DOMAINS.length} bad next hops waits, and arrives once when they are well`, async () => {
  for (const domain of DOMAINS) {
    await gateway.send({ to: [`x@${domain}`], lines: [`Subject: ${domain}`, "", "..dot", "end"] });
  }
  const isDeferred = (domain: string) => gateway.log().includes(`recipient=x@${domain} `);
  expect(await gateway.until(() => DOMAINS.every(isDeferred))).toBe(true);
  const failed = gateway.log().match(/ failed .*/g) ?? [];
  expect(failed).toEqual([]);
  const before = new Map(DOMAINS.map((domain) => [domain, gateway.hop(domain).messages.length]));
  for (const domain of DOMAINS) {
    const hop = gateway.hop(domain);
    hop.script = {};
    before.set(domain, hop.messages.length);
  }
  const newOnes = (domain: string) => gateway.hop(domain).messages.slice(before.get(domain));
  expect(await gateway.until(() => DOMAINS.every((domain) => newOnes(domain).length > 0))).toBe(
    true,
  );
  const isEmpty = async () =>
    (await gateway.gateway.command("queue", "list", "--json")).stdout === "";
  for (let left = 50; left > 0 && !(await isEmpty()); left--);
  expect(await isEmpty()).toBe(true);
  for (const domain of DOMAINS) {
    const messages = newOnes(domain).map(({ message }) => message.toString());
    expect(messages.length).toBe(1);
    expect(messages[0]).toEndWith(`Subject: ${domain}\r\n\r\n.dot\r\nend\r\n`);
  }
}, 60_000);

test("a refusal for good with a hang-up behind it is reported at once, in each state", async () => {
  const { messages } = gateway.hop("from.example");
  const before = messages.length;
  const domains = Object.keys(FINAL);
  for (const domain of domains) await gateway.send({ to: [`x@${domain}`] });
  const reports = await gateway.taken("from.example", before + domains.length);
  const texts = reports.slice(before).map(({ message }) => message.toString());
  for (const domain of domains) {
    const report = texts.find((text) => text.includes(`Final-Recipient: rfc822; x@${domain}`));
    expect(report).toContain("Action: failed\r\nStatus: 5.7.1");
  }
});

test("what waits can be held, sent another way, and arrives there", async () => {
  const { port } = gateway.hop("other.example");
  const queue = (...words: string[]) => gateway.gateway.command("queue", ...words);
  const id = await gateway.send({ to: ["x@never.example", "y@never.example"] });
  expect(await gateway.until(() => /deferred .*y@never/.test(gateway.log()))).toBe(true);
  expect((await queue("hold", id, "--recipient", "y@")).stdout).toBe("1 recipient held\n");
  const moved = await queue(
    "reroute",
    "--recipient",
    "@never.example",
    "--to",
    `127.0.0.1:${port}`,
  );
  expect(moved.stdout).toBe(`2 recipients go to 127.0.0.1:${port}\n`);
  const [first] = await gateway.taken("other.example", 1);
  expect(first?.rcpts).toEqual(["RCPT TO:<x@never.example>"]);
  expect((await queue("release", "--state", "held")).stdout).toBe("1 recipient released\n");
  const [, second] = await gateway.taken("other.example", 2);
  expect(second?.rcpts).toEqual(["RCPT TO:<y@never.example>"]);
});
