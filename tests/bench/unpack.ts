// Taking apart and scanning beside clamscan, by hand: `bun tests/bench/unpack.ts`. Both are given the
// same mails and the same one signature; what each needs for an empty file (start, signatures) is
// taken off. Time is that of the processor, so that other work on the machine does not count.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import { base64Lines } from "../harness/encode.ts";
import { EICAR } from "../harness/extracts.ts";
import { Findings, runScript } from "../harness/findings.ts";
import { gatewayBinary } from "../harness/gateway-process.ts";
import { buildTar } from "../unpack/archive/build-tar.ts";
import { buildZip } from "../unpack/build-zip.ts";

const MAIL_BYTES = 25e6;
const MEMBERS = 40;
const SMALL_COUNT = 1000;
const SMALL_BYTES = 10_000;
const RATIO_MIN = 3;
const SMALL_MS_MAX = 1;
const OUTPUT_MAX = 1 << 28;

// Half text, half noise: what documents shrink to about half of their size have.
function content(size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < size; at += 8192) {
    const words = `line ${at} of a document with words, numbers ${at * 7} and the like. `;
    pieces.push(crypto.getRandomValues(Buffer.alloc(4096)), Buffer.alloc(4096, words));
  }
  return Buffer.concat(pieces).subarray(0, size);
}

function mailOf(name: string, bytes: Buffer): Buffer {
  const head = [
    ...["From: a@example.org", "To: b@example.org", "Subject: archive", "MIME-Version: 1.0"],
    ...["Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/plain", ""],
    ...["See the attachment.", "", "--b", `Content-Type: application/octet-stream; name=${name}`],
    ...["Content-Transfer-Encoding: base64", "", ""],
  ];
  return Buffer.from(`${head.join("\r\n")}${base64Lines(bytes)}\r\n--b--\r\n`, "latin1");
}

/** Mails of about 25 MB; base64 makes four of three. */
function largeMails(): readonly (readonly [name: string, mail: Buffer])[] {
  const packed = (MAIL_BYTES * 3) / 4;
  const size = Math.floor((packed * 1.9) / MEMBERS);
  const files = Array.from({ length: MEMBERS }, (_, i) => ({
    ...{ name: `document ${i}.doc`, bytes: content(size) },
  }));
  const zip = buildZip(files.map((file) => ({ ...file, packed: deflateRawSync(file.bytes) })));
  const tar = gzipSync(buildTar(...files.map(({ name, bytes }) => ({ name, content: bytes }))));
  const stored = buildZip(
    files.slice(0, MEMBERS / 2).map((file) => ({ ...file, method: 0, packed: file.bytes })),
  );
  return [
    ["zip, deflated", mailOf("a.zip", zip)],
    ["zip, stored", mailOf("a.zip", stored)],
    ["tar.gz", mailOf("a.tgz", tar)],
  ];
}

/** Seconds of the processor and the most memory in MiB. */
function cost(command: readonly string[]): { seconds: number; mib: number } {
  const args = ["-f", "%U %S %M", ...command];
  const { stderr, status } = spawnSync("/usr/bin/time", args, { maxBuffer: OUTPUT_MAX });
  const [user = 0, system = 0, kib = 0] =
    stderr.toString().trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
  if (status !== 0) throw new Error(`${command[0]} ended with ${status}: ${stderr}`);
  return { seconds: user + system, mib: kib / 1024 };
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "gw-bench-"));
  const findings = new Findings();
  try {
    const database = join(folder, "bench.ndb");
    writeFileSync(database, `Bench.Marker:0:*:${Buffer.from(EICAR, "latin1").toString("hex")}\n`);
    const ours = (path: string) =>
      cost([gatewayBinary(), "scan", "--json", "--signatures", database, path]);
    const sizes = ["--max-filesize=500M", "--max-scansize=1000M"];
    const theirs = (path: string) =>
      cost(["clamscan", "-r", "--no-summary", "-i", ...sizes, "-d", database, path]);
    const empty = join(folder, "empty");
    writeFileSync(empty, "x");
    const [baseOurs, baseTheirs] = [ours(empty), theirs(empty)];
    for (const [name, mail] of largeMails()) {
      const path = join(folder, "mail.eml");
      writeFileSync(path, mail);
      const [gw, clam] = [ours(path), theirs(path)];
      const speed = (taken: number, base: number) => mail.length / 1e6 / (taken - base);
      const [a, b] = [speed(gw.seconds, baseOurs.seconds), speed(clam.seconds, baseTheirs.seconds)];
      const figures = `${a.toFixed(1)} and ${b.toFixed(1)} MB/s, ${gw.mib.toFixed(0)} MiB`;
      findings.must(
        `${name}, ${(mail.length / 1e6).toFixed(0)} MB: ${figures}`,
        a >= RATIO_MIN * b,
      );
    }
    const many = join(folder, "many");
    mkdirSync(many);
    for (let i = 0; i < SMALL_COUNT; i++) {
      const text = `Mail ${i}: a few words in a line, as people write them to each other.\r\n`;
      const head = `From: a@example.org\r\nTo: b@example.org\r\nSubject: mail ${i}\r\n\r\n`;
      writeFileSync(
        join(many, `${i}.eml`),
        head + text.repeat(Math.ceil(SMALL_BYTES / text.length)),
      );
    }
    const each = ((ours(many).seconds - baseOurs.seconds) * 1000) / SMALL_COUNT;
    findings.must(`text of 10 KB: ${each.toFixed(2)} ms`, each < SMALL_MS_MAX);
    return findings.print("taking apart beside clamscan");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await runScript(main);
