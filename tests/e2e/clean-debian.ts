// gw on a Debian that has nothing but itself: as a service of a systemd that has booted as process 1,
// as one of SysV init, and as a package. Needs root, Linux, debootstrap and systemd-nspawn, and
// `bun build.ts --all` for the package: bun tests/e2e/clean-debian.ts [systemd|sysv|package]…
// GW_DEBIAN names a folder with the Debian (made once if it is missing).
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { Glob } from "bun";

const SCRIPTS = join(import.meta.dir, "clean-debian");
const TRIALS = ["systemd", "sysv", "package"] as const;
type Trial = (typeof TRIALS)[number];

const BASE = resolve(process.env["GW_DEBIAN"] ?? "/var/tmp/gw-clean-debian");
const SUITE = "bookworm";
/** What a Debian that was installed has, and its smallest form lacks. */
const PACKAGES = "systemd,systemd-sysv,dbus,procps,iproute2";
const TRIAL_MS = 400_000;
const MAKE_MS = 900_000;

const UNIT = `[Unit]
Description=Trial of gw
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/bin/sh /trial/systemd.sh
StandardOutput=file:/trial/said
StandardError=file:/trial/said
# What it leaves running is not to keep the system up.
ExecStopPost=/bin/systemctl poweroff --force
`;

function call(command: readonly string[], ms: number): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    timeout: ms,
  });
  const said = `${stdout}${stderr}`.trim();
  if (exitCode !== 0)
    throw new Error(`${command[0]} ended with ${exitCode}:\n${said.slice(-2000)}`);
  return said;
}

function makeBase(): void {
  if (existsSync(join(BASE, "usr/bin/dpkg"))) return;
  console.log(`making a Debian in ${BASE}`);
  // From the mirror that this host's own apt uses.
  call(["debootstrap", "--variant=minbase", `--include=${PACKAGES}`, SUITE, BASE], MAKE_MS);
}

// The newest package is that of this machine's architecture: there is no other of amd64.
function packageFile(): string {
  const [found] = [...new Glob("dist/gw_*_amd64.deb").scanSync(".")];
  if (found === undefined) throw new Error("dist has no .deb: run `bun build.ts --all` first");
  return found;
}

function prepare(trial: Trial, root: string): void {
  rmSync(root, { recursive: true, force: true });
  call(["cp", "-a", BASE, root], MAKE_MS);
  const place = join(root, "trial");
  mkdirSync(place);
  for (const name of ["common.sh", `${trial}.sh`]) cpSync(join(SCRIPTS, name), join(place, name));
  cpSync("dist/gw", join(root, "usr/local/bin/gw"));
  chmodSync(join(root, "usr/local/bin/gw"), 0o755);
  if (trial === "package") cpSync(packageFile(), join(place, "gw.deb"));
  if (trial !== "systemd") return;
  const units = join(root, "etc/systemd/system");
  writeFileSync(join(units, "trial.service"), UNIT);
  const wants = join(units, "multi-user.target.wants");
  mkdirSync(wants, { recursive: true });
  call(["ln", "-sf", "/etc/systemd/system/trial.service", join(wants, "trial.service")], MAKE_MS);
}

/** What the trial printed. */
function run(trial: Trial, root: string): string {
  // No network but its own loopback: nothing leaves this host.
  const nspawn = [
    "systemd-nspawn",
    "-D",
    root,
    "--register=no",
    "--keep-unit",
    "--private-network",
  ];
  const isBooted = trial === "systemd";
  const command = isBooted ? ["--boot"] : ["--as-pid2", "--pipe", "/bin/sh", `/trial/${trial}.sh`];
  const { stdout } = Bun.spawnSync([...nspawn, ...command], {
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    timeout: TRIAL_MS,
  });
  if (!isBooted) return String(stdout);
  const said = join(root, "trial/said");
  return existsSync(said) ? readFileSync(said, "utf8") : `FAIL no trial ran\n${stdout}`;
}

const wanted = process.argv.slice(2);
let isGood = true;
makeBase();
for (const trial of TRIALS.filter((each) => wanted.length === 0 || wanted.includes(each))) {
  const root = `${BASE}-${trial}`;
  try {
    prepare(trial, root);
    const said = run(trial, root);
    console.log(`-- ${trial}\n${said.trim()}`);
    isGood &&= said.includes("END all as it should be");
  } finally {
    if (process.env["GW_KEEP"] === undefined) rmSync(root, { recursive: true, force: true });
  }
}
process.exit(isGood ? 0 : 1);
