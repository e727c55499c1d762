// gw beside clamscan, the same signature for both: one file in every wrapper that tests can write,
// alone and in pairs, and in every mail that is made to hide it. What clamscan finds gw must find;
// what gw alone finds is counted.
//
//   bun tests/e2e/clamscan-side.ts [STEP]     every STEP-th pair (default 5). Needs dist/gw.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { EICAR } from "../harness/extracts.ts";
import { Findings, runScript, tally } from "../harness/findings.ts";
import { gatewayBinary } from "../harness/gateway-process.ts";
import { evasions } from "../mime/build-evasions.ts";
import type { Wrapper } from "../unpack/wrappers/wrapper.ts";
import { WRAPPERS } from "../unpack/wrappers.ts";

const OUTPUT_MAX = 1 << 28;

/** A file, what it is for the counts, and what it is in words. */
interface Sample {
  readonly group: string;
  readonly name: string;
  readonly bytes: Buffer;
}

function samples(step: number): Sample[] {
  const content = Buffer.from(EICAR, "latin1");
  const fits = ({ sizeMax = Infinity, takes }: Wrapper, held: Buffer) =>
    held.length <= sizeMax && takes?.(held) !== false;
  const all: Sample[] = WRAPPERS.filter((wrapper) => fits(wrapper, content)).map((wrapper) => ({
    ...{ group: "wrapper", name: wrapper.name, bytes: wrapper.wrap(content) },
  }));
  for (const [i, inner] of WRAPPERS.entries()) {
    if (!fits(inner, content)) continue;
    const once = inner.wrap(content);
    for (const [k, outer] of WRAPPERS.entries()) {
      if ((i * 3 + k) % step !== 0 || !fits(outer, once)) continue;
      all.push({ group: "pair", name: `${inner.name} in ${outer.name}`, bytes: outer.wrap(once) });
    }
  }
  for (const { group, name, bytes } of evasions(EICAR)) {
    all.push({ group: "mail", name: `${group}, ${name}`, bytes });
  }
  return all;
}

function run(command: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(command, args, { maxBuffer: OUTPUT_MAX });
  if (status === 0 || status === 1) return stdout.toString();
  throw new Error(`${command}: ${status}: ${stderr?.toString().slice(0, 300)}`);
}

/** File names in which each program finds it, and those that gw says it can't vouch for. */
function found(folder: string, database: string) {
  const args = ["-r", "--no-summary", "--stdout", "--infected", "-d", database, folder];
  const theirs = run("clamscan", args)
    .split("\n")
    .flatMap((line) => (/ FOUND$/.test(line) ? [basename(line.split(": ")[0] ?? "")] : []));
  const ours: string[] = [];
  const told: string[] = [];
  const lines = run(gatewayBinary(), ["scan", "--json", "--signatures", database, folder]);
  for (const line of lines.split("\n").filter(Boolean)) {
    const { file, verdict } = JSON.parse(line) as { file: string; verdict: string };
    if (verdict === "infected") ours.push(basename(file));
    else if (verdict !== "clean") told.push(basename(file));
  }
  return { theirs: new Set(theirs), ours: new Set(ours), told: new Set(told) };
}

async function main(): Promise<number> {
  const [step = "5"] = process.argv.slice(2);
  const folder = mkdtempSync(join(tmpdir(), "gw-side-"));
  try {
    const all = samples(Number(step));
    const place = join(folder, "samples");
    mkdirSync(place);
    for (const [i, { bytes }] of all.entries()) writeFileSync(join(place, String(i)), bytes);
    const database = join(folder, "side.ndb");
    writeFileSync(database, `Side.Marker:0:*:${Buffer.from(EICAR, "latin1").toString("hex")}\n`);
    const { theirs, ours, told } = found(place, database);
    const findings = new Findings();
    for (const [group, of] of Map.groupBy([...all.entries()], ([, sample]) => sample.group)) {
      const ids = of.map(([i]) => String(i));
      const count = (set: ReadonlySet<string>) => ids.filter((id) => set.has(id)).length;
      findings.row(
        `${group}: files, clamscan, gw, gw "not clean"`,
        [ids.length, count(theirs), count(ours), count(told)].join(", "),
      );
    }
    const named = (id: string) => all[Number(id)]?.name ?? id;
    const alone = [...ours.difference(theirs)].filter((id) => all[Number(id)]?.group === "wrapper");
    findings.row("wrappers that gw alone opens", tally(alone.map(named)));
    // A mail that hides it may be ambiguous, which is for a gateway to say, not for a scan of a file.
    const missed = all.flatMap(({ group, name }, i) =>
      group === "mail" || ours.has(String(i)) ? [] : [name],
    );
    findings.mustBeNone("archives in which gw does not find it", missed);
    findings.mustBeNone("clamscan alone", [...theirs.difference(ours)].map(named));
    return findings.print("beside clamscan");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await runScript(main);
