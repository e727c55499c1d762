// Delivery reports through the compiled binary: who is told what, by the sender's wishes and by what
// the next hop knows. The report arrives at the next hop of the sender's domain.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { TakenMessage } from "../harness/next-hop.ts";
import {
  type Handed,
  type SendingGateway,
  startSendingGateway,
} from "../harness/sending-gateway.ts";

const DSN = ["PIPELINING", "8BITMIME", "DSN"];

let gateway: SendingGateway;

beforeAll(async () => {
  gateway = await startSendingGateway({
    hops: {
      "from.example": { extensions: DSN },
      "knows.example": { extensions: DSN },
      "plain.example": {},
      "store.example": {
        rcpt: (line) => (line.includes("<nobody@") ? "550 5.1.1 no such mailbox" : "250 ok"),
      },
      "refuses.example": { rcpt: "550 5.1.1 unknown" },
      "late.example": { rcpt: "451 4.3.0 later" },
      "drops.example": { rcpt: { act: "drop", text: "550 5.7.1 go away\r\n" } },
    },
    routes: {
      "store.example": 'protocol = "lmtp"',
      "late.example": 'retry_min = "1s"',
    },
    settings: { "queue.delay_warning": "1s" },
  });
});
afterAll(() => gateway?.stop());

async function reportOn(handed: Handed): Promise<string> {
  const before = gateway.hop("from.example").messages.length;
  await gateway.send(handed);
  const [report] = (await gateway.taken("from.example", before + 1)).slice(before);
  expect(report?.mail).toStartWith("MAIL FROM:<>");
  expect(report?.rcpts[0]).toStartWith("RCPT TO:<a@from.example>");
  return textOf(report);
}

const textOf = (message: TakenMessage | undefined) => message?.message.toString() ?? "";

const REPORTS: [string, Handed, string[]][] = [
  [
    "a failure is reported without being asked for",
    { to: ["x@refuses.example"] },
    ["Action: failed", "Status: 5.1.1", "Final-Recipient: rfc822; x@refuses.example"],
  ],
  [
    "a refusal with a hang-up behind it is final",
    { to: ["x@drops.example"] },
    ["Action: failed", "Status: 5.7.1", "Diagnostic-Code: smtp; 550 5.7.1 go away"],
  ],
  [
    "success is reported as relayed where the next hop knows no DSN",
    {
      mail: "RET=FULL ENVID=QQ+2B314159",
      to: ["x@plain.example NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;orig+2Binal@list.example"],
    },
    [
      ...["Action: relayed", "Status: 2.0.0", "Original-Envelope-Id: QQ+314159"],
      ...["Original-Recipient: rfc822; orig+inal@list.example", "text/rfc822-headers"],
    ],
  ],
  [
    "success is reported as delivered by a mail store, failure beside it",
    { to: ["x@store.example NOTIFY=SUCCESS", "nobody@store.example NOTIFY=SUCCESS"] },
    ["Action: delivered", "Final-Recipient: rfc822; x@store.example"],
  ],
  [
    "a failure returns the message if that is wished",
    { mail: "RET=FULL", to: ["x@refuses.example"], lines: ["Subject: s", "", "the whole text"] },
    ["Content-Type: message/rfc822", "the whole text"],
  ],
  [
    "a delay is reported once it lasts",
    { to: ["x@late.example NOTIFY=DELAY"] },
    ["Action: delayed", "Status: 4.3.0", "Will-Retry-Until: "],
  ],
];

test.each(REPORTS)("%s", async (_, handed, wanted) => {
  const report = await reportOn(handed);
  for (const text of wanted) expect(report).toContain(text);
});

test("a next hop that knows DSN is told the wishes and reports by itself", async () => {
  await gateway.send({
    mail: "RET=HDRS ENVID=abc",
    to: ["x@knows.example NOTIFY=SUCCESS,DELAY ORCPT=rfc822;y@list.example"],
  });
  const [taken] = await gateway.taken("knows.example", 1);
  expect(taken?.mail).toContain("RET=HDRS ENVID=abc");
  expect(taken?.rcpts).toEqual([
    "RCPT TO:<x@knows.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;y@list.example",
  ]);
});

test("nobody is told who does not want to be, or is nobody", async () => {
  const hop = gateway.hop("from.example");
  const before = hop.messages.length;
  const silent = await gateway.send({ to: ["x@refuses.example NOTIFY=NEVER"] });
  const nobody = await gateway.send({ sender: "", to: ["x@refuses.example"] });
  const quiet = await gateway.send({ to: ["x@plain.example"] });
  const seen = (id: string) => new RegExp(`(failed|delivered) .*${id}`).test(gateway.log());
  expect(await gateway.until(() => [silent, nobody, quiet].every(seen))).toBe(true);
  // What has been reported after them comes after them.
  await reportOn({ to: ["x@refuses.example"] });
  expect(hop.messages.length).toBe(before + 1);
});
