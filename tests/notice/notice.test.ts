import { describe, expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import type { MessageRecord } from "../../src/message.ts";
import { addresseesOf, type NoticeCase, type SenderStanding } from "../../src/notice/audience.ts";
import { composeNotice } from "../../src/notice/compose.ts";
import {
  afterDigest,
  HELD_MAX,
  isDigestDue,
  isSpent,
  type PaceRow,
  pace,
} from "../../src/notice/pace.ts";
import { digestValues, noticeValues, placeholderValues } from "../../src/notice/values.ts";
import { macrosOf } from "../../src/template/macros.ts";
import { checkTemplate, renderTemplate } from "../../src/template/render.ts";
import { shippedTemplate } from "../../src/template/shipped.ts";
import { look, mailWith } from "../treat/orders.ts";

const PLAIN = "From: a@out.example\r\nSubject: x\r\n\r\nList-Id: only text\r\n";
const SENDERS = [
  "alice@out.example",
  "",
  "mailer-daemon@out.example",
  "owner-list@out.example",
  "list-bounces@out.example",
  "noreply@out.example",
  "bounce+x=y@out.example",
  "no-at-sign",
];
const HEADERS: Readonly<Record<string, string>> = {
  plain: PLAIN,
  list: `List-Id: <l.example>\r\n${PLAIN}`,
  automatic: `Auto-Submitted: auto-replied\r\n${PLAIN}`,
  "automatic, no": `Auto-Submitted: no\r\n${PLAIN}`,
  bulk: `Precedence: bulk\r\n${PLAIN}`,
  report: `Content-Type: multipart/report; report-type=delivery-status\r\n${PLAIN}`,
  suppressed: `X-Auto-Response-Suppress: OOF, AutoReply\r\n${PLAIN}`,
  "lower case": `auto-submitted:auto-generated\n${PLAIN.replaceAll("\r", "")}`,
};
const STANDINGS: readonly SenderStanding[] = ["unknown", "authenticated", "inside"];

function matter(more: Partial<NoticeCase> = {}): NoticeCase {
  return {
    wish: { admins: ["admin@here.example"], isToSender: true, isToRecipients: true },
    ...{ sender: "alice@out.example", standing: "authenticated" as const },
    recipients: [{ address: "bob@here.example" }, { address: "eve@out.example" }],
    isLocal: (address) => address.endsWith("@here.example"),
    head: Buffer.from(PLAIN),
    ...more,
  };
}

const rolesOf = (one: NoticeCase) =>
  addresseesOf(one).map(({ role, address }) => `${role} ${address}`);

test("no sender is told unless it is certain who sent it, and that it was a person", () => {
  const lines: string[] = [];
  for (const standing of STANDINGS) {
    for (const sender of SENDERS) {
      for (const [kind, head] of Object.entries(HEADERS)) {
        const told = addresseesOf(matter({ standing, sender, head: Buffer.from(head) }));
        const isTold = told.some(({ role }) => role === "sender");
        const isPerson = sender === SENDERS[0] && /^(?:plain|automatic, no)$/.test(kind);
        expect([standing, sender, kind, isTold]).toEqual([
          standing,
          sender,
          kind,
          isPerson && standing !== "unknown",
        ]);
        if (isTold) lines.push(`${standing} · ${sender} · ${kind}`);
      }
    }
  }
  const count = STANDINGS.length * SENDERS.length * Object.keys(HEADERS).length;
  console.log(`sender notices: ${lines.length} of ${count} cases\n  ${lines.join("\n  ")}`);
});

test("only recipients whose mail ends here are told, and everybody once", () => {
  expect(rolesOf(matter())).toEqual([
    "admin admin@here.example",
    "sender alice@out.example",
    "recipient bob@here.example",
  ]);
  const same = matter({
    sender: "ADMIN@here.example",
    recipients: [{ address: "Admin@Here.example" }],
  });
  expect(rolesOf({ ...same, isLocal: () => true })).toEqual(["admin admin@here.example"]);
  const wish = { admins: [], isToSender: false, isToRecipients: false };
  expect(rolesOf(matter({ wish }))).toEqual([]);
});

test("the number of those who are told is bounded", () => {
  const recipients = Array.from({ length: 5000 }, (_, n) => ({ address: `r${n}@here.example` }));
  expect(addresseesOf(matter({ recipients })).length).toBe(100);
});

const record: MessageRecord = {
  ...{ id: "0Abc", receivedAt: 0, trace: "", size: 10, messageId: "<1@out.example>" },
  client: { address: "192.0.2.1", port: 25, helo: "out.example", protocol: "ESMTP" },
  envelope: {
    sender: "",
    recipients: [{ address: "bob@here.example" }],
    isUtf8: false,
    body: "7bit",
  },
  ...{ subject: "Größe\r\nX: y", status: "infected", findings: ["Test"] },
};
const verdict = look(mailWith({ name: "a.exe", bytes: "bad-content-here" }));
const about = {
  ...{ hostname: "mx.here.example", now: Date.UTC(2026, 10, 22, 10), record, verdict },
  disposition: { kind: "quarantine", reason: "infected: Test" } as const,
  ...{ group: "default", vaultId: "0Abc", done: [] },
};

describe("composeNotice()", () => {
  test.each(["notice-admin", "notice-sender", "notice-recipient"] as const)("%s", async (kind) => {
    const template = checkTemplate(shippedTemplate(kind, "de"), kind);
    const notice = composeNotice({
      ...{
        id: "0New",
        hostname: "mx.here.example",
        now: about.now,
        from: "",
        to: "bob@here.example",
      },
      ...{ template, values: noticeValues(about), about: record.messageId },
    });
    expect(notice.envelope.sender).toBe("");
    const text = Buffer.from(notice.bytes).toString("latin1");
    expect(text).toContain("\r\nAuto-Submitted: auto-generated\r\n");
    expect(text).toContain("\r\nReferences: <1@out.example>\r\n");
    expect(text).not.toMatch(/^X: y/m);
    expect(text.split("\r\n").every((line) => line.length <= 78)).toBe(true);
    const parsed = (await simpleParser(Buffer.from(notice.bytes))) as unknown as {
      text: string;
      subject: string;
    };
    expect(parsed.subject).toBe(notice.subject);
    expect(parsed.text).toContain("mx.here.example");
  });

  test("fields can't be forged through a template's values", () => {
    const template = checkTemplate("Subject: %SUBJECT%\n\nx", "notice-admin");
    const values = { ...noticeValues(about), SUBJECT: "a\u0000b\u2028c" };
    const to = "b@here.example>\r\nBcc: <c@out.example";
    const options = {
      id: "1",
      hostname: "h",
      now: 0,
      from: "",
      to,
      template,
      values,
      about: "<x\r\ny>",
    };
    const text = Buffer.from(composeNotice(options).bytes).toString("latin1");
    expect(text).not.toMatch(/^Bcc:/m);
    expect(text).not.toContain("References");
  });
});

test("every macro of a kind has a value", () => {
  const infected = verdict.objects.find((one) => one.name === "a.exe") ?? verdict.objects[0];
  if (infected === undefined) throw new Error("no object");
  const placeholder = placeholderValues(about, infected, "placeholder");
  for (const { name } of macrosOf("placeholder")) expect(placeholder).toHaveProperty(name);
  for (const { name } of macrosOf("notice-admin")) expect(noticeValues(about)).toHaveProperty(name);
  const text = renderTemplate(
    checkTemplate(shippedTemplate("placeholder"), "placeholder"),
    placeholder,
  );
  expect(text).toContain('The attachment "a.exe"');
  expect(text).toContain("Test.bad-content-here");
});

describe("pace()", () => {
  const limits = { perWindow: 3, windowMs: 3_600_000 };
  const notice = (at: number) => ({ at, id: `m${at}`, subject: `s${at}` });
  const run = (times: readonly number[]) => {
    let row: PaceRow | undefined;
    const sent = times.map((at) => {
      const paced = pace(row, "r@here.example", notice(at), limits);
      row = paced.row;
      return paced.isSent;
    });
    return { row: row as PaceRow, sent };
  };

  test("sends the first ones, holds the others, and tells them in one digest", () => {
    const { row, sent } = run([0, 1, 2, 3, 4]);
    expect(sent).toEqual([true, true, true, false, false]);
    expect(isDigestDue(row, 5, limits)).toBe(false);
    expect(isDigestDue(row, 3_600_000, limits)).toBe(true);
    const values = digestValues({ hostname: "h", now: 0 }, row);
    const text = renderTemplate(checkTemplate(shippedTemplate("digest"), "digest"), values);
    expect(text).toContain("Subject: [gw] 2 more notices");
    expect(text).toContain("m3  s3");
    const after = afterDigest(row, 3_600_000);
    expect(after).toMatchObject({ sent: 1, held: [] });
    expect(isSpent(after, 7_200_000, limits)).toBe(true);
  });

  test("a window that is over begins anew", () => {
    expect(run([0, 1, 2, 3_600_000, 3_600_001]).sent).toEqual([true, true, true, true, true]);
  });

  test("nothing overtakes a digest that waits, and it is bounded", () => {
    const { row, sent } = run(Array.from({ length: 2000 }, (_, n) => n * 10_000));
    expect(sent.filter(Boolean).length).toBe(3);
    expect(row.held.length).toBe(HELD_MAX);
    expect(row.dropped).toBe(2000 - 3 - HELD_MAX);
  });

  test("a clock that was set back holds nothing for long", () => {
    expect(run([9e12, 9e12, 9e12, 1]).sent).toEqual([true, true, true, true]);
  });
});
