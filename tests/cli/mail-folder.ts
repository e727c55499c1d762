// Data folders with mail in them, mails to scan, and commands run on both.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { MessageIds } from "../../src/base/message-id.ts";
import { run } from "../../src/cli/program.ts";
import type { MessageRecord } from "../../src/message.ts";
import type { Place } from "../../src/store/spool/record.ts";
import { Store } from "../../src/store/store.ts";
import { fakeTerminal } from "./fake-terminal.ts";

/** The EICAR test file, in pieces so that no file of the project is one. */
export function eicar(): string {
  const middle = ["EICAR", "STANDARD", "ANTIVIRUS", "TEST", "FILE"].join("-");
  return ["X5O!P%@AP[4", "\\PZX54(P^)7CC)7}$", middle, "!$H+H*"].join("");
}

/** A mail with one attachment. */
export function mailWith(attachment: string): string {
  return [
    "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>",
    "To: b@example.org",
    "Subject: with attachment",
    "MIME-Version: 1.0",
    'Content-Type: application/octet-stream; name="a.com"',
    "Content-Transfer-Encoding: base64",
    "",
    Buffer.from(attachment).toString("base64"),
    "",
  ].join("\r\n");
}

/** What is stored; all of it has a default. */
export interface StoredMail {
  readonly place: Place;
  readonly sender?: string;
  readonly recipients?: readonly string[];
  readonly subject?: string;
  readonly receivedAt?: number;
  readonly text?: string;
  readonly findings?: readonly string[];
}

/** A data folder that holds these messages; gives their ids in the same order. */
export async function folderWith(mails: readonly StoredMail[]) {
  const folder = mkdtempSync(join(tmpdir(), "gw-cli-"));
  const ids: string[] = [];
  const data = join(folder, "data");
  const store = await Store.open({ dataDir: data, log: silentLog, freeSpaceMin: 0 });
  const newId = new MessageIds(systemClock, Math.random);
  for (const mail of mails) {
    const id = newId.next();
    const draft = store.draft(id);
    await draft.write(Buffer.from(mail.text ?? "Subject: x\r\n\r\nhello\r\n"));
    await draft.finish();
    await store.commit(draft, recordOf(id, mail, draft.size), mail.place);
    ids.push(id);
  }
  await store.close();
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { folder, data, ids, remove };
}

function recordOf(id: string, mail: StoredMail, size: number): MessageRecord {
  const recipients = mail.recipients ?? ["b@example.org"];
  return {
    id,
    receivedAt: mail.receivedAt ?? Date.now(),
    client: { address: "192.0.2.7", port: 1, helo: "c.example", protocol: "ESMTP" },
    envelope: {
      sender: mail.sender ?? "a@example.com",
      recipients: recipients.map((address) => ({ address })),
      isUtf8: false,
      body: "7bit",
    },
    trace: `Received: by test; id=${id}\r\n`,
    size,
    messageId: "<m@example.com>",
    subject: mail.subject ?? "x",
    status: mail.findings === undefined ? "clean" : "infected",
    findings: mail.findings ?? [],
  };
}

/** Runs a command and gives its exit code and what it printed. */
export async function gw(...args: string[]) {
  const terminal = fakeTerminal();
  const code = await run(args, terminal);
  return { code, ...terminal.printed };
}

/** A new folder for files, and how to take it away again. */
export function emptyFolder() {
  const folder = mkdtempSync(join(tmpdir(), "gw-files-"));
  mkdirSync(folder, { recursive: true });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
