// Taking foreign files apart stays in the process: no other program is started, and nothing is
// written but where gw keeps its data. Told by strace, which sees every thread of the binary.
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EICAR } from "../harness/extracts.ts";
import { gatewayPath } from "../harness/gateway-process.ts";
import { WRAPPERS } from "../unpack/wrappers.ts";

const STRACE = Bun.which("strace");
const folder = mkdtempSync(join(tmpdir(), "gw-confined-"));
afterAll(() => rmSync(folder, { recursive: true }));

const CALLS =
  "execve,execveat,fork,vfork,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2";
/** What may be opened for writing although it lies elsewhere: no files of a disk. */
const NO_FILES = /^\/(?:dev|proc)\//;

test.skipIf(STRACE === null || !existsSync(gatewayPath()))(
  "a scan starts no process and writes no file outside its data folder",
  () => {
    const [samples, data, trace] = ["samples", "data", "trace"].map((name) => join(folder, name));
    mkdirSync(samples as string);
    mkdirSync(data as string);
    const content = Buffer.from(EICAR, "latin1");
    for (const [i, { wrap }] of WRAPPERS.entries()) {
      writeFileSync(join(samples as string, String(i)), wrap(content));
    }
    const config = join(folder, "gw.toml");
    writeFileSync(config, `[server]\ndata_dir = ${JSON.stringify(data)}\n`);
    const scan = [gatewayPath(), "scan", "--json", "--config", config, samples as string];
    const command = ["strace", "-f", "-qq", "-e", `trace=${CALLS}`, "-o", trace as string, ...scan];
    const run = Bun.spawnSync(command, { stdout: "pipe", stderr: "pipe" });
    const lines = run.stdout.toString().split("\n").filter(Boolean);
    const verdicts = lines.map((line) => JSON.parse(line).verdict);
    expect(verdicts.length).toBe(WRAPPERS.length);
    expect(verdicts.filter((one) => one === "infected").length).toBeGreaterThan(35);

    const calls = readFileSync(trace as string, "utf8").split("\n");
    // The first one is strace starting gw.
    const started = calls.filter((call) => /^\d+ +(?:execve|execveat|fork|vfork)\(/.test(call));
    expect(started.length).toBe(1);
    const written = calls.flatMap((call) => {
      const isWriting = /O_(?:WRONLY|RDWR|CREAT|TRUNC)|^\d+ +(?:creat|mkdir|rename)/.test(call);
      const [, path = ""] = /"((?:[^"\\]|\\.)*)"/.exec(call) ?? [];
      return isWriting && / = (?!-)/.test(call) ? [path] : [];
    });
    const outside = written.filter(
      (path) => !path.startsWith(data as string) && !NO_FILES.test(path),
    );
    expect(outside).toEqual([]);
  },
  60_000,
);
