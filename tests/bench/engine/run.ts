// The scan engine beside its peers: the same signatures over the same real bytes of this machine, in
// one run. Prints the table of docs/performance.md; --docs writes it there.
//
//   bun tests/bench/engine/run.ts [--size MB] [--counts 1000,10000] [--rounds N] [--docs]
//
// Peers that are not there are left out: Hyperscan (libhyperscan-dev, gcc), clamscan, yara.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { readData } from "./data.ts";
import { literalRows } from "./literals.ts";
import { otherRows } from "./others.ts";

const DOCS = "docs/performance.md";
const BEGIN = "<!-- engine: begin -->";
const END = "<!-- engine: end -->";

/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  /** What the engine is meant to reach; "" if nothing is. */
  readonly target: string;
  readonly isMet?: boolean;
}

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "64" },
    counts: { type: "string", default: "1000,10000,100000,500000" },
    rounds: { type: "string", default: "3" },
    docs: { type: "boolean", default: false },
  },
});

const size = Number(values.size) << 20;
const rounds = Number(values.rounds);
const data = readData(size);
const rows: Row[] = [];
const add = (row: Row) => {
  rows.push(row);
  console.log(`${row.what}: ${row.measured}${row.target === "" ? "" : ` (target ${row.target})`}`);
};
const literals = await literalRows(
  { data, rounds, counts: values.counts.split(",").map(Number) },
  add,
);
await otherRows({ data, rounds, ...literals }, add);

const outcome = ({ isMet }: Row) => (isMet === undefined ? "" : isMet ? "met" : "MISSED");
const table = [
  "| what | measured | target | outcome |",
  "| --- | --- | --- | --- |",
  ...rows.map((row) => `| ${row.what} | ${row.measured} | ${row.target} | ${outcome(row)} |`),
].join("\n");
if (values.docs) {
  const text = readFileSync(DOCS, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${DOCS} has no place for the table`);
  writeFileSync(DOCS, `${text.slice(0, from + BEGIN.length)}\n\n${table}\n\n${text.slice(to)}`);
}
