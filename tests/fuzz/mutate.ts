// Damage to inputs, from a seed: the same on every run.

/** Draws numbers below a bound; mulberry32. */
export type Random = (bound: number) => number;

export function random(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * bound);
  };
}

/** `input` with one to eight pieces changed, cut, repeated or put in from `dictionary`. */
export function mutated(input: Buffer, dictionary: readonly string[], next: Random): Buffer {
  let bytes = Buffer.from(input);
  for (let count = 1 + next(8); count > 0; count--) {
    const at = next(bytes.length + 1);
    const length = next(Math.min(200, bytes.length - at) + 1);
    const [before, middle, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ];
    const word = Buffer.from(dictionary[next(dictionary.length)] ?? "", "latin1");
    switch (next(6)) {
      case 0:
        if (at < bytes.length) bytes[at] = next(256);
        break;
      case 1:
        bytes = Buffer.concat([before, after]);
        break;
      case 2:
        bytes = Buffer.concat([before, middle, middle, after]);
        break;
      case 3:
        bytes = Buffer.from(before);
        break;
      default:
        bytes = Buffer.concat([before, word, middle, after]);
    }
  }
  return bytes;
}
