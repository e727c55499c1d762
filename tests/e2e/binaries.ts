// The executables that `bun build.ts --all` left in dist/: sizes, checksums, what system each is for,
// and those that this host can run are run from an empty folder by a user without rights, with an
// empty environment, where neither Node nor Bun is. Needs root, Linux on x86-64, debootstrap, musl, gcc
// and qemu-aarch64-static: bun tests/e2e/binaries.ts
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";

const BASE = resolve(process.env["GW_DEBIAN"] ?? "/var/tmp/gw-clean-debian");
const NOBODY = 65534;
// glibc finds the end of the main thread's stack by /proc; every system has these.
const CHROOT =
  'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec /usr/sbin/chroot "$@"';
const RUNS = 7;
const CALL_MS = 900_000;
const RUN_MS = 60_000;

type Runs = "debian" | "musl" | "qemu" | "not run";

interface Target {
  readonly name: string;
  /** ELF: e_machine, EI_OSABI, interpreter. */
  readonly elf: string;
  readonly runs: Runs;
}

// Some calls of Bun's fail in a chroot under qemu: there the folder only gives the libraries.
const QEMU = "/usr/bin/qemu-aarch64-static";
const MUSL = ["/lib/ld-musl-x86_64.so.1", "--preload", "/lib/ld-linux-x86-64.so.2"];

// Of the processor, as e_machine has it.
const X64 = 62;
const ARM64 = 183;
const TARGETS: readonly Target[] = [
  { name: "gw-linux-x64", elf: `${X64} 0 /lib64/ld-linux-x86-64.so.2`, runs: "debian" },
  { name: "gw-linux-x64-baseline", elf: `${X64} 0 /lib64/ld-linux-x86-64.so.2`, runs: "debian" },
  { name: "gw-linux-arm64", elf: `${ARM64} 0 /lib/ld-linux-aarch64.so.1`, runs: "qemu" },
  { name: "gw-linux-x64-musl", elf: `${X64} 0 /lib/ld-musl-x86_64.so.1`, runs: "musl" },
  { name: "gw-linux-arm64-musl", elf: `${ARM64} 0 /lib/ld-musl-aarch64.so.1`, runs: "not run" },
  { name: "gw-freebsd-x64", elf: `${X64} 9 /libexec/ld-elf.so.1`, runs: "not run" },
  { name: "gw-freebsd-arm64", elf: `${ARM64} 9 /libexec/ld-elf.so.1`, runs: "not run" },
];

function call(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { stdin: "ignore", timeout: CALL_MS });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
}

/** Machine, system and interpreter of an ELF file (System V ABI, chapters 4 and 5). */
function elfOf(bytes: Buffer): string {
  const PT_INTERP = 3;
  const first = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  for (let at = 0; at < bytes.readUInt16LE(56); at++) {
    const header = first + at * size;
    if (bytes.readUInt32LE(header) !== PT_INTERP) continue;
    const from = Number(bytes.readBigUInt64LE(header + 8));
    const interpreter = bytes.toString("latin1", from, bytes.indexOf(0, from));
    return `${bytes.readUInt16LE(18)} ${bytes[7]} ${interpreter}`;
  }
  return "no interpreter";
}

function debian(folder: string, options: readonly string[]): string {
  if (!existsSync(join(folder, "usr/lib"))) call("debootstrap", ...options, "bookworm", folder);
  return folder;
}

// A folder that holds what the executable needs, and nothing else; gw itself is /gw.
function makeRoot(runs: Runs, root: string): void {
  switch (runs) {
    case "debian":
      call("cp", "-a", debian(BASE, ["--variant=minbase"]), root);
      break;
    case "qemu": {
      const options = ["--arch=arm64", "--foreign", "--variant=minbase"];
      call("cp", "-a", debian(`${BASE}-arm64`, options), root);
      break;
    }
    case "musl": {
      mkdirSync(join(root, "lib"), { recursive: true });
      const names = join(root, "lib/ld-linux-x86-64.so.2");
      copyFileSync("/lib/ld-musl-x86_64.so.1", join(root, "lib/ld-musl-x86_64.so.1"));
      for (const name of ["libstdc++.so.6", "libgcc_s.so.1"]) {
        copyFileSync(realpathSync(`/usr/lib/x86_64-linux-gnu/${name}`), join(root, "lib", name));
      }
      const source = join(import.meta.dir, "binaries/glibc-names.c");
      call("gcc", "-shared", "-fPIC", "-nostdlib", "-w", "-o", names, source);
      break;
    }
    default:
      throw new Error(`nothing here runs it: ${runs}`);
  }
  for (const name of ["proc", "dev", "tmp", "empty"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  chmodSync(join(root, "tmp"), 0o1777);
}

interface Ran {
  readonly code: number;
  readonly text: string;
  readonly ms: number;
}

function run(runs: Runs, root: string, ...words: string[]): Ran {
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  const apart = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", CHROOT, root];
  const nobody = `--userspec=${NOBODY}:${NOBODY}`;
  // In the Debian it is started in an empty folder; the others hold hardly more than gw anyway.
  const starters: Readonly<Record<string, readonly string[]>> = {
    debian: [...apart, nobody, root, "/bin/sh", "-c", 'cd /empty && exec "$@"', "sh", "/gw"],
    musl: [...apart, nobody, root, ...MUSL, "/gw"],
    qemu: ["/usr/bin/setpriv", ...user, QEMU, "-L", root, join(root, "gw")],
  };
  const began = performance.now();
  const { exitCode, stdout, stderr } = Bun.spawnSync([...(starters[runs] ?? []), ...words], {
    ...{ cwd: join(root, "empty"), env: {}, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    timeout: RUN_MS,
  });
  return { code: exitCode, text: `${stdout}${stderr}`.trim(), ms: performance.now() - began };
}

function median(runs: Runs, root: string, ...words: string[]): number {
  const times = Array.from({ length: RUNS }, () => run(runs, root, ...words).ms);
  return Math.round(times.sort((a, b) => a - b)[RUNS >> 1] ?? 0);
}

function tryOut({ name, runs }: Target, work: string): string {
  const root = join(work, name);
  makeRoot(runs, root);
  copyFileSync(join("dist", name), join(root, "gw"));
  chmodSync(join(root, "gw"), 0o755);
  for (const each of ["node", "bun", "nodejs"]) {
    for (const folder of ["bin", "usr/bin", "usr/local/bin"]) {
      if (existsSync(join(root, folder, each))) throw new Error(`${each} is in ${root}`);
    }
  }
  const test = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];
  writeFileSync(join(root, "tmp/gw-clean.txt"), "nothing\n");
  writeFileSync(join(root, "tmp/gw-eicar.txt"), test.join(""));
  const folder = runs === "qemu" ? join(root, "tmp") : "/tmp";
  const version = run(runs, root, "--version");
  if (version.code !== 0) throw new Error(`${name} --version: ${version.text}`);
  for (const [file, code] of [
    ["gw-clean.txt", 0],
    ["gw-eicar.txt", 1],
  ] as const) {
    const said = run(runs, root, "scan", `${folder}/${file}`);
    if (said.code !== code) throw new Error(`${name} scan ${file}: ${said.code} ${said.text}`);
  }
  const start = median(runs, root, "--version");
  const sample = median(runs, root, "config", "sample");
  const scan = median(runs, root, "scan", `${folder}/gw-clean.txt`);
  rmSync(root, { recursive: true, force: true });
  return `--version ${start} ms, config sample ${sample} ms, scan ${scan} ms`;
}

const work = mkdtempSync("/var/tmp/gw-binaries-");
chmodSync(work, 0o755);
let failures = 0;
try {
  for (const target of TARGETS) {
    const { name, elf, runs } = target;
    try {
      const bytes = readFileSync(join("dist", name));
      const sum = createHash("sha256").update(bytes).digest("hex");
      const parts = JSON.parse(readFileSync(`dist/${name}.cdx.json`, "utf8"));
      const sums = [readFileSync(`dist/${name}.sha256`, "utf8").split(" ")[0]];
      sums.push(parts.metadata.component.hashes[0].content);
      if (sums.some((each) => each !== sum)) throw new Error("its checksum is another's");
      if (elfOf(bytes) !== elf) throw new Error(`is for ${elfOf(bytes)}, not ${elf}`);
      const how = runs === "not run" ? "" : `: ${tryOut(target, work)}`;
      console.log(`ok   ${name} ${(bytes.length / 1e6).toFixed(1)} MB, ${runs}${how}`);
    } catch (error) {
      failures++;
      console.log(`FAIL ${name} ${error}`);
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exit(failures === 0 ? 0 : 1);
