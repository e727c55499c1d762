import { afterAll, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ControlFiles } from "../../src/admin/control-files.ts";
import type { Request } from "../../src/admin/protocol.ts";
import type { LogFields } from "../../src/base/log.ts";

const folder = join(tmpdir(), `gw-control-files-${process.pid}`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});

function filesWith(answer: (request: Request) => unknown, statsFile = "") {
  const lines: string[] = [];
  const note = (event: string, fields: LogFields = {}) => {
    lines.push(`${event} ${String(fields["name"] ?? fields["file"])}`);
  };
  const log = { error: note, warn: note, info: note, debug: note };
  return { lines, files: new ControlFiles({ folder, statsFile }, answer, log) };
}

test.each([
  [".c_recv_off", { verb: "pause", stages: ["receive"] }],
  [".c_recv_on", { verb: "resume", stages: ["receive"] }],
  [".c_avir_off", { verb: "pause", stages: ["scan"] }],
  [".c_avir_on", { verb: "resume", stages: ["scan"] }],
  [".c_send_off", { verb: "pause", stages: ["send"] }],
  [".c_send_on", { verb: "resume", stages: ["send"] }],
  [".c_db_reload", { verb: "reload" }],
  [".c_stats", { verb: "stats" }],
])("%s is done once and deleted", async (name, wish) => {
  const asked: Request[] = [];
  const { files } = filesWith((request) => asked.push(request) && {});
  writeFileSync(join(folder, name), "");
  await files.look();
  await files.look();
  expect(asked).toEqual([wish as Request]);
  expect(existsSync(join(folder, name))).toBe(false);
});

test(".c_stats writes name=value lines, in the folder or where the setting says", async () => {
  const answer = () => ({ mta_sent_messages: 3 });
  for (const statsFile of ["", join(folder, "statistics")]) {
    writeFileSync(join(folder, ".c_stats"), "");
    await filesWith(answer, statsFile).files.look();
    const text = readFileSync(statsFile || join(folder, "stats"), "utf8");
    expect(text).toBe("mta_sent_messages=3\n");
  }
});

test("one that can't be deleted is not done, and complained of once", async () => {
  const { files, lines } = filesWith(() => {
    throw new Error("must not be asked");
  });
  mkdirSync(join(folder, ".c_recv_off"));
  await files.look();
  await files.look();
  expect(lines).toEqual([`control-file-stuck ${folder}/.c_recv_off`]);
});

test("a wish that fails is logged, and other files are not wishes", async () => {
  const { files, lines } = filesWith(() => Promise.reject(new Error("no")));
  for (const name of [".c_db_reload", ".c_other", "stats"]) writeFileSync(join(folder, name), "");
  await files.look();
  expect(lines).toEqual(["control-file-failed .c_db_reload"]);
  expect(existsSync(join(folder, ".c_other"))).toBe(true);
});
