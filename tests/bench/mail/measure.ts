// What a system costs, read from /proc: processor time, memory and disk flushes of a whole tree of
// processes. Linux only; figures that can't be read are left out.
import { readdirSync, readFileSync, statSync } from "node:fs";

/** Ticks per second of the times in /proc/PID/stat; the same on every Linux that is in use. */
const TICKS_PER_SECOND = 100;
const MEMORY_INTERVAL_MS = 250;
/** Proportional sizes cost the kernel a walk through all mappings: with many processes they are
 * asked for at one look in so many. */
const PSS_EVERY = 4;
const PROCESSES_FEW = 4;

interface ProcessTimes {
  readonly parent: number;
  readonly seconds: number;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    // The process has ended, or the kernel doesn't tell.
    return "";
  }
}

function processTable(): Map<number, ProcessTimes> {
  const table = new Map<number, ProcessTimes>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readText(`/proc/${name}/stat`);
    // The command's name may hold spaces and brackets; the fields begin after its last bracket.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields.length < 15) continue;
    // utime and stime cover all threads; cutime and cstime the children that have been waited for.
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    table.set(Number(name), { parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND });
  }
  return table;
}

function treeOf(table: Map<number, ProcessTimes>, roots: readonly number[]): number[] {
  const tree = roots.filter((pid) => table.has(pid));
  for (const pid of tree) {
    for (const [child, { parent }] of table) if (parent === pid) tree.push(child);
  }
  return tree;
}

/** Processor seconds that the trees of these processes have used, ended children included. */
export function cpuSeconds(roots: readonly number[]): number {
  const table = processTable();
  return treeOf(table, roots).reduce((sum, pid) => sum + (table.get(pid)?.seconds ?? 0), 0);
}

/** Bytes: RSS counts shared pages once per process, PSS shares them out. */
export interface MemoryPeak {
  readonly rss: number;
  readonly pss: number;
}

const kilobytes = (text: string, key: string) =>
  1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);

/** Watches the memory of process trees until `stop()`. */
export class MemoryWatch {
  readonly #roots: readonly number[];
  readonly #timer: ReturnType<typeof setInterval>;
  #looks = 0;
  #rss = 0;
  #pss = 0;

  constructor(roots: readonly number[]) {
    this.#roots = roots;
    this.#timer = setInterval(() => this.#look(), MEMORY_INTERVAL_MS);
    this.#look();
  }

  stop(): MemoryPeak {
    clearInterval(this.#timer);
    return { rss: this.#rss, pss: this.#pss };
  }

  #look(): void {
    const tree = treeOf(processTable(), this.#roots);
    const isFull = tree.length <= PROCESSES_FEW || this.#looks++ % PSS_EVERY === 0;
    let rss = 0;
    let pss = 0;
    for (const pid of tree) {
      rss += kilobytes(readText(`/proc/${pid}/status`), "VmRSS");
      if (isFull) pss += kilobytes(readText(`/proc/${pid}/smaps_rollup`), "Pss");
    }
    this.#rss = Math.max(this.#rss, rss);
    this.#pss = Math.max(this.#pss, pss);
  }
}

/** Flushes that the disk under `folder` has done; undefined if the kernel doesn't count them. */
export function diskFlushes(folder: string): number | undefined {
  const device = statSync(folder).dev;
  // Encoded as Linux does: 12 bits of major number around the minor's low 8.
  const [major, minor] = [(device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xfff00)];
  for (const line of readText("/proc/diskstats").split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (Number(fields[0]) !== major || Number(fields[1]) !== minor) continue;
    return fields[18] === undefined ? undefined : Number(fields[18]);
  }
  return undefined;
}
