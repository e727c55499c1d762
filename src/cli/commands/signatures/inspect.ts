// `gw signatures inspect`: what a compiled set consists of.
import { readFileSync } from "node:fs";
import { ImageError, openImage } from "../../../gwdb/image.ts";
import { type Outline, outlineOf } from "../../../gwdb/outline.ts";
import { embeddedCore } from "../../../scan/embedded.ts";
import { loadSet } from "../../../scan/signature-set.ts";
import { printable } from "../../../text/printable.ts";
import { roundSize } from "../../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { counted, drawTable } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";
import { reasonOf } from "../../walk.ts";

function read(path: string): Outline {
  try {
    const bytes = new Uint8Array(readFileSync(path));
    const outline = outlineOf(openImage(bytes));
    // As a gateway would: what it would refuse is not shown as if all were well.
    loadSet(bytes, { arenas: 1, arenaSize: 1, core: embeddedCore() });
    return outline;
  } catch (error) {
    const reason = error instanceof ImageError ? error.message : reasonOf(error);
    throw new CliError(`${printable(path)}: ${reason}`, { cause: error });
  }
}

function show(terminal: Terminal, outline: Outline): void {
  const { identity, bytes, signatures, alone, sections, tiers } = outline;
  const each = signatures === 0 ? 0 : Math.round(bytes / signatures);
  terminal.out(`${identity}: ${counted(signatures, "signature")}, ${roundSize(bytes)}`);
  terminal.out(`, ${counted(each, "byte")} each; ${alone} are a literal or hashes alone\n\n`);
  const heads = (...titles: string[]) => titles.map((title) => ({ title }));
  const rows = sections.map(({ name, entries, bytes: size }) => [name, `${entries}`, `${size}`]);
  terminal.out(drawTable(terminal, heads("SECTION", "ENTRIES", "BYTES"), rows));
  if (tiers.length === 0) return;
  const passes = tiers.map((tier) => [
    `${tier.window} bytes every ${tier.stride}${tier.isFolded ? ", cases folded" : ""}`,
    tier.search,
    `${tier.entries}`,
    roundSize(tier.filterBytes),
    roundSize(tier.tableBytes),
  ]);
  terminal.out("\n");
  terminal.out(drawTable(terminal, heads("PASS", "OF", "RUNS", "FILTER", "TABLE"), passes));
}

/** `gw signatures inspect` */
export const inspect = command({ json: OPTIONS.json }, async (args, terminal) => {
  const outline = read(args._[0] ?? "");
  if (args.json === true) terminal.out(`${JSON.stringify(outline)}\n`);
  else show(terminal, outline);
  return EXIT.good;
});
