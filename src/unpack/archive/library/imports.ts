// The world as libarchive sees it: no files, no pipes, no programs, no environment, and a calendar in
// UTC, which some of its readers will not work without.

type Import = (...values: number[]) => number;

/** What the imports need of the instance they belong to. */
export interface LibraryHost {
  /** Undefined until the instance is made. */
  memory(): WebAssembly.Memory | undefined;
  /** Grows the memory to at least `size` bytes: 1 if that was done. */
  grow(size: number): number;
}

const NOT_SUPPORTED = -52;
// Offsets in C's `struct tm`, in 32-bit words.
const TM_WORDS = 11;
const HOURS = 2;

/** The imports, by the names that the package's compiler gave them. */
export function libraryImports(host: LibraryHost): Record<string, Import> {
  const imports: Record<string, Import> = {};
  // dup, fcntl, stat, open, pipe, poll, close, read, seek, write.
  for (const name of "abcehjnpqstuv") imports[name] = () => NOT_SUPPORTED;
  const halt = () => {
    throw new Error("abort");
  };
  const putEnvironment = (countAt = 0, sizeAt = 0) => {
    const memory = host.memory();
    if (memory === undefined) return NOT_SUPPORTED;
    const view = new DataView(memory.buffer);
    view.setUint32(countAt, 0, true);
    view.setUint32(sizeAt, 0, true);
    return 0;
  };
  const readCalendar = (at = 0) => fromCalendar(calendarAt(host, at));
  return {
    ...imports,
    // exit and abort; localtime; mktime and timegm; environ; sbrk; tzset.
    d: halt,
    i: halt,
    k: (low = 0, high = 0, at = 0) =>
      toCalendar(high * 2 ** 32 + (low >>> 0), calendarAt(host, at)),
    l: readCalendar,
    m: readCalendar,
    f: () => 0,
    g: putEnvironment,
    o: (size = 0) => host.grow(size),
    r: () => 0,
  };
}

function calendarAt(host: LibraryHost, at: number): Int32Array {
  const memory = host.memory();
  return memory === undefined
    ? new Int32Array(TM_WORDS)
    : new Int32Array(memory.buffer, at, TM_WORDS);
}

function toCalendar(seconds: number, tm: Int32Array): number {
  const date = new Date(seconds * 1000);
  tm.fill(0);
  // Times that no calendar has become the epoch.
  if (Number.isNaN(date.getTime())) tm.set([0, 0, 0, 1, 0, 70]);
  else {
    tm.set([date.getUTCSeconds(), date.getUTCMinutes()]);
    const year = date.getUTCFullYear() - 1900;
    tm.set([date.getUTCHours(), date.getUTCDate(), date.getUTCMonth(), year], HOURS);
  }
  return 0;
}

// The upper half of the result stays zero: that is enough until 2106, and times are not used.
function fromCalendar([
  second = 0,
  minute = 0,
  hour = 0,
  day = 0,
  month = 0,
  year = 0,
]: Int32Array) {
  const time = Date.UTC(year + 1900, month, day, hour, minute, second) / 1000;
  return Number.isNaN(time) ? 0 : time | 0;
}
