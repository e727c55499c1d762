// What clamscan takes out of the files of the corpus, gw must have too: `bun
// tests/e2e/clamscan-corpus.ts [WORD]`. clamscan is told to leave its pieces behind; each must stand,
// byte for byte, in an object that gw scans, or gw must say of the file that it did not see all of
// it; anything else must be explained here. GW_CORPUS says where the corpus is.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import type { Status } from "../../src/message.ts";
import { inspect, type ObjectScanner } from "../../src/pipeline/inspect.ts";
import { isTextual } from "../../src/scan/text-type.ts";
import { LIMITS } from "../harness/extracts.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";

const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDERS = ["containers", "mime"];
const FILE_MAX = 20 << 20;
const PIECE_MIN = 8;
const DECODED_BYTES = 24;
const OUTPUT_MAX = 1 << 28;
/** Texts that clamscan has rewritten for its own patterns: other case, no blanks, no tags, a frame. */
const REWRITTEN =
  /^(?:nocomment\.html|notags\.html|javascript|rfc2397|(?:xlm_macros|vba_project)\..*)$/;
/** Anything without a name; texts among it are rewritten as well. */
const NAMELESS = /^clamav-[0-9a-f]{32}\.tmp$/;

/** Why a piece is none of gw's although gw calls the file clean, by the piece's path. */
const EXPLAINED: readonly (readonly [where: RegExp, why: string])[] = [
  [
    /embedded-simple-2007\.(?:pot|ppt) .*\.xml\./,
    "garbled: read across sectors that do not follow each other; gw has the whole member",
  ],
  [
    /(?:c-object-streams|c-decrypt-R5-with-user|enc-XI-\S+|encrypted-with-images)\.pdf .*pdf obj \d+ 0/,
    "offsets of a cross-reference stream, before their prediction is undone",
  ],
];

interface Looked {
  readonly status: Status;
  readonly objects: readonly Buffer[];
}

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function look(path: string, bytes: Buffer): Looked {
  const objects: Buffer[] = [];
  const scanner: ObjectScanner = {
    identity: "keeper",
    scan(object) {
      objects.push(Buffer.from(object.bytes));
      return { findings: [], scanned: object.bytes.length, isComplete: true };
    },
  };
  const declaredType = path.includes("/mime/") ? "message/rfc822" : "";
  const { status } = inspect({ name: path, declaredType, bytes }, scanner, LIMITS);
  return { status, objects };
}

// Texts in lower case or without blanks; bodies with other line ends.
function isRewritten(piece: Buffer, objects: readonly Buffer[]): boolean {
  const bare = (bytes: Buffer) => bytes.toString("latin1").replace(/\s+/g, "");
  return isTextual(piece) || objects.some((object) => bare(object).includes(bare(piece)));
}

/** Whether letters of `mail` that are no base64 were decoded as if they were. */
function isDecodedProse(piece: Buffer, mail: Buffer): boolean {
  const letters = mail.toString("latin1").replace(/[^A-Za-z0-9+/]+/g, "");
  // At every "=" both lose count, and so any stretch will do.
  for (let at = 0; at < piece.length; at += DECODED_BYTES) {
    const stretch = piece.toString("base64", at, at + DECODED_BYTES).replace(/=+$/, "");
    // The last digit stands for what was left over.
    if (letters.includes(stretch.slice(0, -1))) return true;
  }
  return false;
}

/** The pieces of one file that clamscan leaves behind. */
function piecesOf(path: string, folder: string): { name: string; bytes: Buffer }[] {
  const temporary = mkdtempSync(join(folder, "pieces-"));
  try {
    const options = ["--no-summary", "--infected", "--leave-temps", `--tempdir=${temporary}`];
    const args = [...options, "-d", join(folder, "none.ndb"), path];
    spawnSync("clamscan", args, { maxBuffer: OUTPUT_MAX, stdio: "ignore" });
    return filesIn(temporary).flatMap((file) => {
      try {
        return [{ name: relative(temporary, file), bytes: readFileSync(file) }];
      } catch {
        // Names in no encoding: the runtime lists them, and can't open them.
        return [];
      }
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const [word = ""] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), "gw-clamscan-"));
  writeFileSync(join(folder, "none.ndb"), `None:0:*:${"0102030405060708".repeat(4)}\n`);
  const [told, open]: [string[], string[]] = [[], []];
  let [files, pieces, same, rewritten] = [0, 0, 0, 0];
  try {
    const paths = FOLDERS.flatMap((name) => filesIn(join(GW_CORPUS, name))).sort();
    for (const path of paths.filter((one) => one.includes(word))) {
      const bytes = readFileSync(path);
      if (bytes.length > FILE_MAX) continue;
      const own = hashOf(bytes);
      const found = piecesOf(path, folder).filter(
        (piece) =>
          piece.bytes.length >= PIECE_MIN &&
          !REWRITTEN.test(basename(piece.name)) &&
          hashOf(piece.bytes) !== own,
      );
      if (found.length === 0) continue;
      files++;
      const { status, objects } = look(path, bytes);
      for (const piece of found) {
        pieces++;
        const what = `${relative(GW_CORPUS, path)} ${piece.name.replace(/^[^/]*\//, "")}`;
        if (objects.some((object) => object.includes(piece.bytes))) same++;
        else if (NAMELESS.test(basename(piece.name)) && isRewritten(piece.bytes, objects))
          rewritten++;
        else if (isDecodedProse(piece.bytes, bytes)) told.push("prose, read as base64");
        else if (status !== "clean") told.push(`gw says ${status}`);
        else {
          const why = EXPLAINED.find(([where]) => where.test(what))?.[1];
          if (why === undefined) open.push(`${what} (${piece.bytes.length} bytes)`);
          else told.push(why);
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const findings = new Findings();
  findings.row("files of which clamscan takes something out", files);
  findings.row("pieces, the same in gw", `${pieces}, ${same}`);
  findings.row("texts that clamscan has rewritten", rewritten);
  findings.row("explained", tally(told));
  findings.mustBeNone("clamscan alone", open);
  return findings.print("what clamscan takes out");
}

await runScript(main);
