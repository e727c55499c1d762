// Where a worker's file is: beside its source when gw runs from source; inside the executable, all
// code lies flat in one folder but worker files keep their place under it.

/** Address of a worker's file, given its path below `src/`: `outbound/carrier-worker.ts`. */
export function workerUrl(path: string): URL {
  const here = import.meta.url;
  return new URL(here.includes("/$bunfs/") ? `./${path}` : `../${path}`, here);
}
