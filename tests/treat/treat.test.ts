import { describe, expect, test } from "bun:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { zipArchive } from "../harness/sample-mail.ts";
import {
  attachmentsOf,
  BAD,
  HELLO,
  look,
  mailWith,
  messageOf,
  multipart,
  partOf,
  treatedText,
  treatMail,
} from "./orders.ts";

const uuencoded = (name: string, content: string) => {
  const lines = content.match(/[\s\S]{1,45}/g) ?? [];
  const coded = lines.map((line) => {
    const bytes = Buffer.from(line.padEnd(Math.ceil(line.length / 3) * 3, "\0"), "latin1");
    let text = String.fromCharCode(32 + line.length);
    for (let at = 0; at < bytes.length; at += 3) {
      const group = bytes.readUIntBE(at, 3);
      for (const shift of [18, 12, 6, 0]) text += String.fromCharCode(32 + ((group >> shift) & 63));
    }
    return text.replaceAll(" ", "`");
  });
  return `begin 644 ${name}\r\n${coded.join("\r\n")}\r\n\`\r\nend\r\n`;
};

describe("treat() in one attachment", () => {
  const mail = mailWith({ name: "offer.exe", bytes: `MZ ${BAD}` });
  const before = mail.toString("latin1").split("--b0");

  test("remove cuts the part and nothing else", () => {
    const after = treatedText(treatMail(mail, "remove")).split("--b0");
    expect(after).toEqual(before.filter((_, index) => index !== 2));
  });

  test("placeholder puts a text in its place and leaves the rest byte for byte", async () => {
    const text = treatedText(treatMail(mail, "placeholder"));
    const after = text.split("--b0");
    expect(after.filter((_, index) => index !== 2)).toEqual(before.filter((_, i) => i !== 2));
    const attachments = await attachmentsOf(text);
    expect(attachments.map((one) => one.filename)).toEqual(["offer.exe.txt", "dot.gif"]);
    expect(attachments[0]?.content.toString()).toBe("offer.exe was taken out (placeholder).\r\n");
  });

  test("rename gives a name that nothing starts, and keeps the content", async () => {
    const attachments = await attachmentsOf(treatedText(treatMail(mail, "rename")));
    expect(attachments[0]?.filename).toBe("offer.exe.blocked");
    expect(attachments[0]?.contentType).toBe("application/octet-stream");
    expect(attachments[0]?.content.toString()).toBe(`MZ ${BAD}`);
  });

  test("cure fails when nothing is known to help", () => {
    expect(treatMail(mail, "cure")).toMatchObject({ kind: "untreatable" });
  });

  test("done tells what was done to which object", () => {
    const object = look(mail).objects.find((one) => one.name === "offer.exe")?.id as number;
    expect(treatMail(mail, "remove")).toMatchObject({ done: [{ object, action: "remove" }] });
  });
});

const cut = { name: "a.txt", bytes: `kept ${"x".repeat(50)}appended-content and all behind` };
const inserted = { name: "a.txt", bytes: "one <inserted>inserted-content</inserted>two" };

test.each([
  ["truncates", cut, `kept ${"x".repeat(50)}`],
  ["cuts", inserted, "one two"],
  [
    "quoted-printable stays that",
    { ...inserted, encoding: "quoted-printable" as const },
    "one two",
  ],
  ["plain stays that", { ...inserted, encoding: "7bit" as const }, "one two"],
])("cure by a signature's recipe: %s", async (_, attachment, content) => {
  const result = treatMail(mailWith(attachment), "cure");
  const attachments = await attachmentsOf(treatedText(result));
  expect(attachments[0]?.content.toString()).toBe(content);
  expect(look(Buffer.from(treatedText(result), "latin1")).status).toBe("clean");
});

test("cure of what its signature calls worthless leaves a note", () => {
  const result = treatMail(mailWith({ name: "a.js", bytes: "worthless-content" }), "cure");
  expect(result).toMatchObject({ kind: "treated", done: [{ action: "placeholder" }] });
});

describe("treat() in archives", () => {
  const members = [
    { name: "readme.txt", data: Buffer.from("read me ".repeat(30)) },
    { name: "setup.exe", data: Buffer.from(`MZ ${BAD}`) },
    { name: "notes.txt", data: Buffer.from("one <inserted>inserted-content</inserted>two") },
  ];

  const attachmentOf = async (text: string) =>
    (await attachmentsOf(text))[0]?.content ?? Buffer.alloc(0);

  test("a zip loses the member that can't be cured and keeps the cured one", async () => {
    const mail = mailWith({ name: "a.zip", bytes: zipArchive(members) });
    const archive = await attachmentOf(treatedText(treatMail(mail, "cure")));
    const names = look(archive, "a.zip").objects.map((one) => `${one.path} ${one.size}`);
    expect(names).toEqual([
      expect.stringMatching(/^a.zip /),
      "a.zip › readme.txt 240",
      "a.zip › notes.txt 7",
    ]);
  });

  test.each([
    ["remove", ["readme.txt"]],
    ["placeholder", ["readme.txt", "setup.exe.txt", "notes.txt.txt"]],
    ["rename", ["readme.txt", "setup.exe.blocked", "notes.txt.blocked"]],
  ] as const)("a zip with %s", async (action, names) => {
    const mail = mailWith({ name: "a.zip", bytes: zipArchive(members) });
    const archive = await attachmentOf(treatedText(treatMail(mail, action)));
    const verdict = look(archive, "a.zip");
    expect(verdict.objects.slice(1).map((one) => one.name)).toEqual([...names]);
    expect(verdict.objects.some((one) => one.notes.length > 0)).toBe(false);
  });

  test("a zip with nothing else in it goes as a whole", async () => {
    const mail = mailWith({ name: "a.zip", bytes: zipArchive(members.slice(1, 2)) });
    const attachments = await attachmentsOf(treatedText(treatMail(mail, "placeholder")));
    const names = await attachmentsOf(treatedText(treatMail(mail, "remove")));
    expect(attachments[0]?.filename).toBe("a.zip");
    expect(names.map((one) => one.filename)).toEqual(["dot.gif"]);
  });

  test("a gzip gets its cured file, and goes when that can't be", async () => {
    const good = mailWith({ name: "n.txt.gz", bytes: gzipSync(members[2]?.data ?? "") });
    const archive = await attachmentOf(treatedText(treatMail(good, "cure")));
    expect(gunzipSync(archive).toString()).toBe("one two");
    const bad = mailWith({ name: "s.gz", bytes: gzipSync(members[1]?.data ?? "") });
    expect(treatMail(bad, "cure").kind).toBe("untreatable");
    expect(treatedText(treatMail(bad, "remove"))).not.toContain("s.gz");
  });

  test("a message in a zip in a message is treated where it is", async () => {
    const inner = mailWith({ name: "deep.exe", bytes: BAD });
    const zip = zipArchive([{ name: "forward.eml", data: inner }]);
    const archive = await attachmentOf(
      treatedText(treatMail(mailWith({ name: "a.zip", bytes: zip }), "remove")),
    );
    const names = look(archive, "a.zip").objects.map((one) => one.name);
    expect(names).toContain("dot.gif");
    expect(names).not.toContain("deep.exe");
  });
});

describe("treat() in odd places", () => {
  test.each([
    ["a message that is its own attachment", messageOf(partOf({ name: "a.exe", bytes: BAD }))],
    ["the only part", messageOf(multipart([partOf({ name: "a.exe", bytes: BAD })]))],
    [
      "an inner multipart",
      messageOf(multipart([HELLO, multipart([partOf({ name: "a.exe", bytes: BAD })], "b1")])),
    ],
    [
      "a message in a message",
      messageOf(
        multipart(
          [
            HELLO,
            `Content-Type: message/rfc822\r\n\r\n${mailWith({ name: "a.exe", bytes: BAD }).toString("latin1")}`,
          ],
          "outer",
        ),
      ),
    ],
    [
      "a uuencoded file in a text",
      messageOf(
        `Content-Type: text/plain\r\n\r\nSee:\r\n\r\n${uuencoded("a.exe", `MZ ${BAD} ${"x".repeat(99)}`)}\r\nBye.\r\n`,
      ),
    ],
    [
      "a message with line feeds only",
      Buffer.from(
        mailWith({ name: "a.exe", bytes: BAD }).toString("latin1").replaceAll("\r", ""),
        "latin1",
      ),
    ],
  ])("%s", (_, mail) => {
    for (const action of ["remove", "placeholder"] as const) {
      const text = treatedText(treatMail(mail, action));
      const verdict = look(Buffer.from(text, "latin1"));
      expect(verdict.status).toBe("clean");
      expect(text.includes("\r\n")).toBe(mail.includes("\r\n"));
    }
    expect(treatMail(mail, "rename").kind).toBe("treated");
  });

  test("the text around a uuencoded file stays", () => {
    const file = uuencoded("a.exe", `${BAD}${"y".repeat(60)}`);
    const mail = messageOf(`Content-Type: text/plain\r\n\r\nSee:\r\n${file}\r\nBye.\r\n`);
    const text = treatedText(treatMail(mail, "placeholder"));
    expect(text).toBe(
      mail.toString("latin1").replace(file, "a.exe was taken out (placeholder).\r\n"),
    );
  });

  test.each([
    [
      "signed",
      messageOf(
        multipart(
          [
            multipart([HELLO, partOf({ name: "a.exe", bytes: BAD })], "b1"),
            partOf({ type: "application/pgp-signature", encoding: "7bit", bytes: "x" }),
          ],
          "s",
          "signed",
        ),
      ),
    ],
    [
      "text",
      messageOf(
        `Content-Type: text/plain\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n${uuencoded("a.exe", `${BAD}${"y".repeat(60)}`)}`,
      ),
    ],
  ])("what is signed is not edited: %s", (kind, mail) => {
    const result = treatMail(mail, "remove", { choose: (one) => one.name === "a.exe" });
    if (kind === "signed") expect(result).toMatchObject({ kind: "untreatable" });
    else expect(treatedText(result)).not.toContain("begin");
  });

  test("a finding in the message's own header is untreatable", () => {
    const mail = messageOf(`X-Odd: ${BAD}\r\n${HELLO}`);
    expect(treatMail(mail, "remove").kind).toBe("untreatable");
  });

  test("a name beyond ASCII survives rename and placeholder", async () => {
    const name = "=?utf-8?Q?Rechnung_f=C3=BCr_dich.exe?=";
    const mail = mailWith({ name, bytes: BAD });
    const renamed = await attachmentsOf(treatedText(treatMail(mail, "rename")));
    expect(renamed[0]?.filename).toBe("Rechnung für dich.exe.blocked");
    const noted = await attachmentsOf(treatedText(treatMail(mail, "placeholder")));
    expect(noted[0]?.filename).toBe("Rechnung für dich.exe.txt");
  });
});

describe("marks", () => {
  const mail = messageOf(
    multipart(
      [
        HELLO,
        partOf({ type: "text/html", encoding: "7bit", bytes: "<html><body>hi</body></html>" }),
      ],
      "b",
      "alternative",
    ),
  );
  const marks = {
    headers: ["X-Scanned: no\r\nX-Forged: yes", "not a header"],
    subjectMark: "[virus]",
    disclaimer: { text: "Checked — gw", html: "<p>Checked — gw</p>" },
  };

  test("go to the header's top, in front of the subject, and below each text", () => {
    const text = treatedText(treatMail(mail, "remove", { marks }));
    expect(text.startsWith("X-Scanned: no X-Forged: yes\r\nFrom: ")).toBe(true);
    expect(text).toContain("\r\nSubject: [virus] an offer\r\n");
    expect(text).toContain("Hello.\r\nChecked - gw\r\n");
    expect(text).toContain("hi\r\n<p>Checked &#8212; gw</p>\r\n</body>");
  });

  test("a subject is marked once, and one beyond ASCII is encoded", () => {
    const once = Buffer.from(
      treatedText(treatMail(mail, "remove", { marks: { subjectMark: "[Ärger]" } })),
      "latin1",
    );
    const twice = treatedText(treatMail(once, "remove", { marks: { subjectMark: "[Ärger]" } }));
    expect(twice).toBe(once.toString("latin1"));
    expect(twice).toContain("Subject: =?utf-8?B?W8OEcmdlcl0=?= an offer");
  });

  test("a signed message gets header fields and no disclaimer", () => {
    const signed = messageOf(
      multipart(
        [HELLO, partOf({ type: "application/pgp-signature", encoding: "7bit", bytes: "x" })],
        "s",
        "signed",
      ),
    );
    const result = treatMail(signed, "remove", { marks });
    expect(result).toMatchObject({ notes: ["no disclaimer: the message is signed or encrypted"] });
    expect(treatedText(result)).not.toContain("Checked");
  });

  test("what an edit breaks is told", () => {
    const signed = Buffer.concat([
      Buffer.from("DKIM-Signature: v=1; d=example.org;\r\n\th=from:subject; b=x\r\n"),
      mail,
    ]);
    const result = treatMail(signed, "remove", { marks: { subjectMark: "[x]" } });
    expect(result).toMatchObject({
      notes: ["the DKIM signature of example.org does not hold any more"],
    });
  });
});
