// Volumes, disks and images that other programs write, taken apart by gw: `bun tests/e2e/volumes.ts`.
// A folder of files is put into each with wimlib-imagex, mke2fs, mkntfs, genisoimage and qemu-img, as
// far as they are installed; every file must be among gw's objects, byte for byte, and nothing may be
// told. The other way round, 7-Zip must find all files in the DMG and HFS+ that the tests write.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BLIND, inspect } from "../../src/pipeline/inspect.ts";
import { LIMITS } from "../harness/extracts.ts";
import { Findings, runScript } from "../harness/findings.ts";
import { buildDmg } from "../unpack/archive/build-disks.ts";
import { buildMbr } from "../unpack/archive/build-images.ts";
import { buildHfs } from "../unpack/archive/volume/build-hfs.ts";

const TOOL_TIMEOUT_MS = 60_000;
const VOLUME_BYTES = 12 << 20;
const SECTOR = 512;
const EXT_KINDS: readonly (readonly string[])[] = [
  ["-t", "ext2"],
  ["-t", "ext2", "-b", "1024"],
  ["-t", "ext3"],
  ["-t", "ext4"],
  ["-t", "ext4", "-O", "inline_data", "-I", "256"],
  ["-t", "ext4", "-O", "meta_bg,^resize_inode", "-b", "1024", "-g", "1024"],
];
const WIM_KINDS: readonly (readonly string[])[] = [
  ["--compress=none"],
  ["--compress=XPRESS"],
  ["--compress=LZX"],
  ["--compress=LZX", "--chunk-size=2M"],
  ["--compress=XPRESS", "--solid", "--solid-compress=LZX"],
];
const DISK_KINDS: readonly (readonly string[])[] = [
  ["-O", "vmdk"],
  ["-O", "vmdk", "-o", "subformat=streamOptimized"],
  ["-O", "vhdx"],
  ["-O", "vhdx", "-o", "subformat=fixed"],
  ["-O", "vpc"],
  ["-O", "vpc", "-o", "subformat=fixed"],
  ["-O", "qcow2"],
  ["-c", "-O", "qcow2"],
  ["-c", "-O", "qcow2", "-o", "compression_type=zstd"],
];

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

// Text that packs well, noise that does not, calls as programs have them, holes, a file in a folder.
function sampleFiles(): Map<string, Buffer> {
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} of a file with many lines\n`);
  const noise = Buffer.alloc(200_000);
  for (let at = 0, state = 1; at < noise.length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    noise[at] = state >>> 16;
  }
  const calls = Buffer.alloc(60_000);
  for (let at = 0; at + 5 < calls.length; at += 30) {
    calls[at] = 0xe8;
    calls.writeInt32LE(500_000 - at, at + 1);
  }
  const holes = Buffer.alloc(900_000);
  for (let at = 0; at < holes.length; at += 100_000) holes.write(`piece ${at}`, at);
  // mke2fs loses a hole at the very end.
  holes.write("the end", holes.length - 7);
  return new Map([
    ["lines.txt", Buffer.from(lines.join(""))],
    ["noise.bin", noise],
    ["calls.bin", calls],
    ["holes.bin", holes],
    ["small.txt", Buffer.from("a small file\n")],
    ["sub/in a folder.txt", Buffer.from("in a folder\n".repeat(3000))],
  ]);
}

/** Runs a program; false if it is not there or fails. */
function run(...command: readonly string[]): boolean {
  const [program = "", ...rest] = command;
  const path = Bun.which(program) ?? Bun.which(program, { PATH: "/sbin:/usr/sbin" });
  if (path === null) return false;
  return spawnSync(path, rest, { stdio: "ignore", timeout: TOOL_TIMEOUT_MS }).status === 0;
}

/** What is wrong with how gw sees the file at `path`; "" if nothing is. */
function faultOf(path: string, wanted: ReadonlyMap<string, string>): string {
  const subject = { name: "x", declaredType: "", bytes: readFileSync(path) };
  const { status, objects } = inspect(subject, BLIND, LIMITS, { isHashed: true });
  const found = new Set(objects.map(({ hash }) => hash));
  const missing = [...wanted].filter(([, hash]) => !found.has(hash)).map(([name]) => name);
  if (missing.length > 0) return `missing: ${missing.join(", ")}`;
  return status === "clean" ? "" : `${status}: ${objects.flatMap(({ notes }) => notes).join("; ")}`;
}

class Comparison {
  readonly #folder = mkdtempSync(join(tmpdir(), "gw-volumes-"));
  readonly #source = join(this.#folder, "source");
  readonly #files = sampleFiles();
  readonly findings = new Findings();
  readonly #faults: string[] = [];

  constructor() {
    mkdirSync(join(this.#source, "sub"), { recursive: true });
    for (const [name, bytes] of this.#files) writeFileSync(join(this.#source, name), bytes);
  }

  #path(name: string): string {
    const path = join(this.#folder, name);
    rmSync(path, { force: true });
    return path;
  }

  /** Has `make` write each kind of image, and looks at what came of it. */
  #each(
    what: string,
    kinds: readonly (readonly string[])[],
    make: (path: string, kind: readonly string[]) => boolean,
  ): void {
    const wanted = new Map([...this.#files].map(([name, bytes]) => [name, sha256(bytes)]));
    let count = 0;
    for (const kind of kinds) {
      const path = this.#path(`${what}-image`);
      if (!make(path, kind) || !existsSync(path)) continue;
      count++;
      const fault = faultOf(path, wanted);
      if (fault !== "") this.#faults.push(`${what} ${kind.join(" ")}: ${fault}`);
    }
    this.findings.row(`${what}, kinds written by other programs`, `${count} of ${kinds.length}`);
  }

  run(): void {
    const source = this.#source;
    this.#each("WIM", WIM_KINDS, (path, kind) =>
      run("wimlib-imagex", "capture", source, path, "--no-acls", ...kind),
    );
    this.#each("ext", EXT_KINDS, (path, kind) => {
      writeFileSync(path, Buffer.alloc(VOLUME_BYTES));
      return run("mke2fs", "-q", ...kind, "-d", source, path);
    });
    this.#each("ISO 9660", [["-R"], ["-J"], ["-udf"]], (path, kind) =>
      run("genisoimage", "-quiet", ...kind, "-o", path, source),
    );
    this.#each("NTFS", [["512"], ["4096"]], (path, [cluster = ""]) => this.#ntfs(path, cluster));
    this.#each("disk", DISK_KINDS, (path, kind) => {
      const [raw, volume] = [this.#path("raw"), this.#path("volume")];
      writeFileSync(volume, Buffer.alloc(VOLUME_BYTES));
      if (!run("mke2fs", "-q", "-t", "ext4", "-d", source, volume)) return false;
      writeFileSync(raw, buildMbr(readFileSync(volume)));
      return run("qemu-img", "convert", "-f", "raw", ...kind, raw, path);
    });
    this.#reverse();
    this.findings.mustBeNone("images that gw does not see all of", this.#faults);
    rmSync(this.#folder, { recursive: true });
  }

  // ntfscp makes no folders: the file in one lies in the root.
  #ntfs(path: string, cluster: string): boolean {
    writeFileSync(path, Buffer.alloc(VOLUME_BYTES));
    if (!run("mkntfs", "-F", "-q", "-s", String(SECTOR), "-c", cluster, "-p", "0", path)) {
      return false;
    }
    return [...this.#files.keys()].every((name) =>
      run("ntfscp", "-f", path, join(this.#source, name), name.replace("/", "-")),
    );
  }

  #reverse(): void {
    const files = [...this.#files].map(([name, bytes]) => ({
      name: name.replace("sub/", ""),
      content: bytes.toString("latin1"),
    }));
    // Text in the builders is written as UTF-8: only what is ASCII comes out as it went in.
    const plain = files.filter(({ content }) => /^[\0-\x7f]*$/.test(content));
    const volume = buildHfs(plain);
    const images = { hfs: volume, dmg: buildDmg(volume) };
    const wrong: string[] = [];
    for (const [name, bytes] of Object.entries(images)) {
      const path = this.#path(`own.${name}`);
      writeFileSync(path, bytes);
      if (!run("7zz", "t", path)) wrong.push(name);
    }
    this.findings.row("images of the tests that 7-Zip does not open", wrong.join(", ") || "none");
    if (Bun.which("7zz") !== null) this.findings.mustBeNone("of those, must be none", wrong);
  }
}

await runScript(async () => {
  const comparison = new Comparison();
  comparison.run();
  return comparison.findings.print("volumes and disks of other programs");
});
