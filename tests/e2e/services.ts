// Runs gw as a service of a system that is made for it: the SysV script with all its verbs, the
// systemd unit under systemd's own checks, the rc.d script under a shell with a stub of rc.subr.
// Needs root, Linux and `npm run build`: bun tests/e2e/services.ts
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../harness/process.ts";

const INSIDE = "--inside";
const COMMAND_MS = 120_000;
let failures = 0;

interface Said {
  readonly code: number;
  readonly text: string;
}

function call(...command: string[]): Said {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    ...{ stdout: "pipe", stderr: "pipe", stdin: "ignore" },
    timeout: COMMAND_MS,
  });
  return { code: exitCode, text: `${stdout}${stderr}`.trim() };
}

function expectThat(what: string, isTrue: boolean, { code, text }: Said): void {
  const line = text.split("\n").at(-1) ?? "";
  console.log(`${isTrue ? "ok  " : "FAIL"} ${what} (exit ${code}) ${line}`.trimEnd());
  if (isTrue) return;
  console.log(text);
  failures++;
}

// In a mount namespace of its own: /var/log, /var/run and /etc/init.d are those of this run.
async function inside(folder: string): Promise<void> {
  for (const place of ["/run", "/var/log"]) call("mount", "-t", "tmpfs", "none", place);
  const binary = join(folder, "gw");
  const config = join(folder, "gw.toml");
  const port = await freePort();
  writeFileSync(
    config,
    [
      `server.data_dir = "${join(folder, "data")}"`,
      'server.user = "daemon"',
      'server.hostname = "mx.example.org"',
      `inbound.listen = ["127.0.0.1:${port}", "127.0.0.1:25"]`,
      'outbound.routes = ["* [127.0.0.1]:9"]',
    ].join("\n"),
  );
  const root = join(folder, "root");
  mkdirSync(join(root, "etc"), { recursive: true });
  cpSync("/etc/passwd", join(root, "etc/passwd"));
  const place = ["--config", config, "--root", root, "--binary", binary];
  for (const kind of ["systemd", "sysv", "rcd"]) {
    const made = call(binary, "service", "install", "--kind", kind, ...place);
    expectThat(`gw service install --kind ${kind}`, made.code === 0, made);
  }
  sysv(join(root, "etc/init.d/gw"), config);
  systemd(join(root, "etc/systemd/system/gw.service"), folder);
  rcd(join(root, "usr/local/etc/rc.d/gw"), folder);
}

function sysv(script: string, config: string): void {
  const verb = (word: string, code = 0, text = /./) => {
    const said = call(script, word);
    expectThat(`sysv ${word}`, said.code === code && text.test(said.text), said);
    return said;
  };
  verb("status", 3);
  verb("start", 0, /takes mail, as process \d+/);
  const pid = readFileSync("/var/run/gw/gw.pid", "utf8").trim();
  const owner = call("ps", "-o", "user=,comm=", "-p", pid);
  expectThat("gw listens on port 25 as its user", owner.text.startsWith("daemon"), owner);
  verb("start", 0, /runs already/);
  const second = call(
    "sh",
    "-c",
    `BINARY=$(readlink /proc/${pid}/exe); "$BINARY" serve --config ${config}`,
  );
  expectThat("a second gateway is refused", second.code === 2, second);
  verb("status", 0, /configuration/);
  verb("reload");
  writeFileSync(config, `${readFileSync(config, "utf8")}\nno.such = 1\n`);
  verb("reload", 2, /unknown/);
  verb("restart", 2, /unknown/);
  writeFileSync(config, readFileSync(config, "utf8").replace("no.such = 1\n", ""));
  for (const word of ["recv-off", "recv-on", "avir-off", "avir-on", "send-off", "send-on"])
    verb(word);
  verb("stats", 0, /mta_received_messages/);
  verb("drain", 0, /drained/);
  verb("restart", 0, /takes mail/);
  call("sh", "-c", "kill -KILL $(cat /var/run/gw/gw.pid)");
  verb("status", 1);
  verb("start", 0, /takes mail/);
  verb("stop", 0, /has stopped/);
  verb("stop", 0, /does not run/);
  verb("nonsense", 2, /usage/);
}

function systemd(unit: string, folder: string): void {
  const path = join(folder, "gw.service");
  cpSync(unit, path);
  const verified = call("systemd-analyze", "verify", path);
  expectThat("systemd-analyze verify", verified.code === 0 && verified.text === "", verified);
  const security = call("systemd-analyze", "security", "--offline=true", path);
  expectThat("systemd-analyze security", security.code === 0, security);
}

function rcd(script: string, folder: string): void {
  expectThat("rc.d: sh -n", call("sh", "-n", script).code === 0, call("sh", "-n", script));
  const stub = join(folder, "rc.subr");
  writeFileSync(
    stub,
    `load_rc_config() { :; }
check_pidfile() { cat "$1" 2>/dev/null; }
run_rc_command() {
    case "$1" in
        start) $start_precmd && echo "would run $command $command_args" ;;
        *) eval "do=\\$\${1}_cmd"; $do ;;
    esac
}
`,
  );
  const dry = join(folder, "rcd");
  const text = readFileSync(script, "utf8").replace(". /etc/rc.subr", `. ${stub}`);
  writeFileSync(dry, text);
  chmodSync(dry, 0o755);
  const start = call("sh", dry, "start");
  expectThat("rc.d start, dry", /would run .*daemon .* serve /.test(start.text), start);
  const status = call("sh", dry, "status");
  expectThat("rc.d status, dry", status.text.includes("not running"), status);
}

if (process.argv[2] === INSIDE) {
  await inside(process.argv[3] ?? "");
} else {
  const folder = mkdtempSync(join(tmpdir(), "gw-services-"));
  try {
    const built = resolve("dist/gw");
    if (!existsSync(built)) throw new Error('dist/gw is missing: run "npm run build" first');
    // Where its user may go.
    chmodSync(folder, 0o755);
    cpSync(built, join(folder, "gw"));
    const command = ["unshare", "-m", process.execPath, import.meta.path, INSIDE, folder];
    const child = Bun.spawn(command, { stdout: "inherit", stderr: "inherit" });
    failures += await child.exited;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
if (failures > 0) console.log(`${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
