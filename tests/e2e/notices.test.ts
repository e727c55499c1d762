// Who is told about a virus, through the compiled binary: every kind of sender and message from a
// client of the site and from one outside. A notice to whoever was only claimed to be the sender
// would be spam of ours. Needs `npm run build` before (`npm test` does it).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { base64Lines } from "../harness/encode.ts";
import { type PolicyGateway, startPolicyGateway } from "../harness/policy-gateway.ts";
import { until } from "../harness/process.ts";
import { eicarFile } from "../harness/sample-mail.ts";
import type { SinkMessage } from "../harness/sink.ts";

const SETTLE_MS = 60_000;
const INSIDE = "127.0.0.2";
const OUTSIDE = "127.0.0.1";
const ADMIN = "admin@here.example";

const SENDERS = [
  "alice@here.example",
  "mallory@out.example",
  "",
  "mailer-daemon@out.example",
  "owner-list@here.example",
  "no-reply@here.example",
];
const HEADERS: Readonly<Record<string, string>> = {
  plain: "",
  list: "List-Id: <l.here.example>\r\n",
  automatic: "Auto-Submitted: auto-replied\r\n",
  bulk: "Precedence: bulk\r\n",
};

interface Case {
  readonly id: string;
  readonly client: string;
  readonly sender: string;
  readonly kind: string;
}

const CASES: readonly Case[] = [INSIDE, OUTSIDE]
  .flatMap((client) =>
    SENDERS.flatMap((sender) => Object.keys(HEADERS).map((kind) => ({ client, sender, kind }))),
  )
  .map((one, index) => ({ ...one, id: `notice-${index}` }));

function mailOf({ id, sender, kind }: Pick<Case, "id" | "sender" | "kind">): string {
  return [
    `${HEADERS[kind]}From: Someone <${sender || "someone@out.example"}>`,
    "To: bob@here.example",
    `Subject: ${id}`,
    `Message-ID: <${id}@example.com>`,
    "MIME-Version: 1.0",
    'Content-Type: application/octet-stream; name="a.dat"',
    "Content-Transfer-Encoding: base64",
    "",
    base64Lines(eicarFile()),
    "",
  ].join("\r\n");
}

const folder = mkdtempSync(join(tmpdir(), "gw-notices-"));
const texts = join(folder, "texts");
mkdirSync(texts);
writeFileSync(
  join(texts, "notice-recipient.fr.tmpl"),
  "Subject: Message arrêté : %STATUS%\n\nLe message « %SUBJECT% » a été arrêté.\n",
);
const RULES = `
[[group]]
name = "paced"
to = ["*@paced.example"]
notify_sender = []
notify_recipients = []

[[group]]
name = "paris"
to = ["*@paris.example"]
notify_admin = []
language = "fr"
`;
const TOLD = ["infected"];

let gateway: PolicyGateway;
beforeAll(async () => {
  gateway = await startPolicyGateway(RULES, {
    settings: {
      "inbound.relay_networks": [`${INSIDE}/32`],
      "inbound.relay_domains": ["here.example", "paced.example", "paris.example"],
      "notice.admin": ADMIN,
      "notice.per_hour_max": CASES.length + 2,
      "policy.notify_admin": TOLD,
      "policy.notify_sender": TOLD,
      "policy.notify_recipients": TOLD,
      "policy.templates_dir": texts,
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true });
});

const to = (address: string) => gateway.arrived.filter((one) => one.recipients.includes(address));
const textOf = ({ bytes }: SinkMessage) => bytes.toString("latin1");

describe("notices about a virus", () => {
  // A message's recipients are told last: when all of them are, no other notice is on its way.
  const recipientOf = ({ id }: Case) => `${id}@here.example`;

  test("a sender is told only from inside, as a person, about a message that a person sent", async () => {
    for (const one of CASES) {
      const { sender, client } = one;
      const reply = await gateway.send({
        ...{ from: sender, to: [recipientOf(one)], mail: mailOf(one), client },
      });
      expect([one, reply.code]).toEqual([one, 250]);
    }
    await until(() => CASES.every((one) => to(recipientOf(one)).length > 0), SETTLE_MS);
    await gateway.emptyQueue();
    const isAbout = (message: SinkMessage, { id }: Case) =>
      textOf(message).includes(`\r\nReferences: <${id}@example.com>\r\n`);
    const lines = CASES.map((one) => {
      const told = to(one.sender).some((message) => isAbout(message, one));
      const from = one.client === INSIDE ? "inside " : "outside";
      return `${from}  <${one.sender}>  ${one.kind}: ${told ? "TOLD" : "-"}`;
    });
    console.log(lines.join("\n"));
    expect(lines.filter((line) => line.endsWith("TOLD"))).toEqual([
      "inside   <alice@here.example>  plain: TOLD",
      "inside   <mallory@out.example>  plain: TOLD",
    ]);
  });

  test("the administrator and each recipient get one for a message", () => {
    expect(to(ADMIN).length).toBe(CASES.length);
    for (const one of CASES) expect([one.id, to(recipientOf(one)).length]).toEqual([one.id, 1]);
  });

  test("all come from the null sender, are marked as automatic, and go to nobody else", () => {
    const known = new Set([ADMIN, "alice@here.example", "mallory@out.example"]);
    for (const one of CASES) known.add(recipientOf(one));
    for (const message of gateway.arrived) {
      expect(message.sender).toBe("");
      expect(message.recipients.filter((address) => !known.has(address))).toEqual([]);
      expect(textOf(message)).toContain("\r\nAuto-Submitted: auto-generated\r\n");
    }
  });
});

test("an address beyond its number for the hour gets no more; the log tells which wait", async () => {
  const before = to(ADMIN).length;
  const ids = Array.from({ length: 5 }, (_, n) => `paced-${n}`);
  for (const id of ids) {
    const mail = mailOf({ id, sender: "mallory@out.example", kind: "plain" });
    await gateway.send({ from: "mallory@out.example", to: ["b@paced.example"], mail });
  }
  const held = () => gateway.log().match(/ notice-held .*recipient=admin@here\.example/g)?.length;
  expect(await until(() => held() === 3, SETTLE_MS)).toBe(true);
  await gateway.emptyQueue();
  expect(to(ADMIN).length).toBe(before + 2);
});

test("a group's texts are the site's own in its language", async () => {
  const mail = mailOf({ id: "paris-0", sender: "mallory@out.example", kind: "plain" });
  await gateway.send({ from: "mallory@out.example", to: ["b@paris.example"], mail });
  expect(await until(() => to("b@paris.example").length > 0, SETTLE_MS)).toBe(true);
  const [notice] = to("b@paris.example");
  expect(textOf(notice as SinkMessage)).toContain("Le message =C2=AB paris-0 =C2=BB a =C3=A9t");
});
