// The shipped signatures over real mails: whatever they call infected there must be the test file.
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { eicar } from "./cases.ts";
import { CORPUS, loadShipped, type Shipped } from "./shipped.ts";

const SIZE_MAX = 16 * 1024 * 1024;

let shipped: Shipped;

beforeAll(async () => {
  shipped = await loadShipped();
}, 120_000);

interface File {
  readonly path: string;
  readonly bytes: Buffer;
}

function* filesOf(folder: string): Generator<File> {
  const root = join(CORPUS, folder);
  if (!existsSync(root)) return;
  for (const name of readdirSync(root, { recursive: true }).map(String)) {
    const path = join(root, name);
    const { size } = statSync(path);
    if (statSync(path).isFile() && size <= SIZE_MAX) yield { path, bytes: readFileSync(path) };
  }
}

/** `path: signature` of what a folder's files are called, as files and as attachments. */
function* hitsOf(folder: string, kind: "names" | "infected"): Generator<string> {
  for (const { path, bytes } of filesOf(folder)) {
    if (kind === "infected" && bytes.includes(eicar())) continue;
    for (const container of ["", "mail"]) {
      const hits = shipped.scan({ bytes, name: path, container });
      for (const name of hits[kind]) yield `${path}: ${name}`;
    }
  }
}

describe("the shipped signatures", () => {
  test.each(["ham", "mime", "smtp"])("find nothing in the mails of %s", (folder) => {
    expect([...hitsOf(folder, "names")]).toEqual([]);
  });

  test("call nothing infected among documents and archives", () => {
    expect([...hitsOf("containers", "infected")]).toEqual([]);
  });

  test("find the test file on its line in a mail, and nothing in prose about it", () => {
    const header = "From: a@example.org\r\nTo: b@example.org\r\nSubject: test\r\n\r\n";
    const mail = (body: string) => ({
      ...{ bytes: Buffer.from(header + body, "latin1"), name: "message", container: "" },
    });
    expect(shipped.scan(mail(`${eicar()}\r\n`)).infected).toEqual(["Gw.Test.EICAR.Inline"]);
    expect(shipped.scan(mail("Send the EICAR-STANDARD-ANTIVIRUS-TEST-FILE.\r\n")).names).toEqual(
      [],
    );
  });
});
