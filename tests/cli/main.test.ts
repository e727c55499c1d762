// Runs the program itself: what only shows in a process of its own.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eicar, emptyFolder, gw } from "./mail-folder.ts";

const { folder, remove } = emptyFolder();
afterAll(remove);

const GW = [process.execPath, "src/main.ts"];
const PORTS = ["--listen", "127.0.0.1:0", "--sink", "127.0.0.1:0"];

function start(...args: string[]) {
  const env = { ...process.env, FORCE_COLOR: "1", TERM: "xterm" };
  return Bun.spawn([...GW, ...args], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

async function finish(running: ReturnType<typeof start>) {
  const [out, err] = await Promise.all([running.stdout.text(), running.stderr.text()]);
  return { code: await running.exited, out, err };
}

describe("gw", () => {
  test("--version prints the version of the package", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(await finish(start("--version"))).toEqual({ code: 0, out: `gw ${version}\n`, err: "" });
  });

  test("--version --verbose prints all versions, in either order", async () => {
    const answer = await finish(start("--version", "--verbose"));
    expect(answer).toMatchObject({ code: 0, err: "" });
    expect(answer.out).toContain("shipped set");
    expect(await finish(start("--verbose", "--version"))).toEqual(answer);
  });

  test("prints errors as one line and exits 2", async () => {
    expect(await finish(start("frobnicate"))).toEqual({
      code: 2,
      out: "",
      err: "gw: unknown command: gw frobnicate; see `gw --help`\n",
    });
  });

  test("a reader that is slower than a pipe is long gets all output", async () => {
    const many = join(folder, "many");
    mkdirSync(many);
    const longName = "x".repeat(150);
    for (let i = 0; i < 400; i++) writeFileSync(join(many, `${i}-${longName}`), "text");
    // The shell reads byte by byte.
    const script = '"$@" | while read -r line; do echo; done | wc -l';
    const command = ["sh", "-c", script, "sh", ...GW, "scan", "--json", many];
    const running = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    expect(Number(await running.stdout.text())).toBeGreaterThanOrEqual(400);
  });

  test("writes no colours into a pipe, and all of its output", async () => {
    const file = join(folder, "eicar.txt");
    writeFileSync(file, eicar());
    const { code, out } = await finish(start("scan", file));
    expect(code).toBe(1);
    expect(out).not.toContain("\u001b");
    const long = await finish(start("config", "describe", "--markdown"));
    expect(long.out).toBe(readFileSync("docs/configuration.md", "utf8"));
  });
});

/** The output of a process, read as it comes. */
class Output {
  text = "";
  readonly ended: Promise<void>;
  #wake: () => void = () => {};

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.text += decoder.decode(chunk, { stream: true });
      this.#wake();
    }
  }

  /** The first group of the pattern, once that has been said; "" if it never is. */
  async find(pattern: RegExp): Promise<string> {
    let isEnded = false;
    for (;;) {
      const found = pattern.exec(this.text);
      if (found !== null || isEnded) return found?.[1] ?? "";
      const more = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const end = this.ended.then(() => {
        isEnded = true;
      });
      await Promise.race([more, end]);
    }
  }
}

describe("gw quickstart", () => {
  test("runs a gateway that delivers clean mail, catches EICAR and stops when asked", async () => {
    const data = join(folder, "quick");
    const running = start("quickstart", "--data", data, ...PORTS);
    try {
      const output = new Output(running.stdout);
      const address = await output.find(/goes in at +(\S+)\n.*Ctrl-C/s);
      const sent = await gw("send-test", "--data", data, "--to", address);
      expect(sent.out).toMatch(
        /^ok +clean mail +delivered: .*\.eml\nok +EICAR mail +in quarantine/,
      );
      expect(sent.code).toBe(0);
      const again = await finish(start("serve", "--config", join(data, "gw.toml")));
      expect(again.code).toBe(2);
      expect(again.err).toStartWith(`gw: cannot start: ${data}/data is in use by another`);
      running.kill("SIGHUP");
      running.kill("SIGTERM");
      expect(await running.exited).toBe(0);
      await output.ended;
      expect(output.text).toMatch(/ info {2}stopped\n$/);
    } finally {
      running.kill("SIGKILL");
    }
  }, 60_000);

  test("says which port is taken", async () => {
    const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const address = `127.0.0.1:${taken.port}`;
    const data = ["--data", join(folder, "taken")];
    const answer = await finish(start("quickstart", ...data, "--sink", address));
    taken.stop();
    expect(answer.code).toBe(2);
    expect(answer.err).toStartWith(`gw: cannot start the next hop: cannot listen on ${address}: `);
    expect(answer.err.match(/\n/g)).toHaveLength(1);
  }, 30_000);
});

describe("gw serve", () => {
  test.each([
    ["a data folder that cannot be made", 'data_dir = "/proc/gw"', "", "cannot start: "],
    ["a missing certificate", "", 'tls_certificate = "/no.pem"\ntls_key = "/no.key"', "/no.pem"],
    ["a mistake in the file", 'hostname = "a b"', "", "serve.toml:2:12: server.hostname: "],
  ])("ends at once with %s", async (_, server, inbound, message) => {
    const file = join(folder, "serve.toml");
    const place = server.includes("data_dir") ? "" : `data_dir = "${folder}/serve"`;
    const text = `[server]\n${server}\n${place}\n[inbound]\nlisten = ["127.0.0.1:0"]\n${inbound}\n`;
    writeFileSync(file, text);
    const { code, err } = await finish(start("serve", "--config", file));
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain("unexpected error");
  });
});

describe("gw send-test", () => {
  test("says what to do if there is no gateway", async () => {
    const data = join(folder, "none");
    await expect(gw("send-test", "--data", data)).rejects.toThrow("run `gw quickstart` first");
    const used = ["--data", join(folder, "quick")];
    await expect(gw("send-test", ...used, "--to", "127.0.0.1:1")).rejects.toThrow(
      /no gateway answers at 127\.0\.0\.1:1 .*is `gw quickstart` running\?/,
    );
    await expect(gw("send-test", ...used, "--to", "localhost")).rejects.toThrow("--to needs");
  });
});
