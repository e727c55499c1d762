// Sound in RAR 2.0: up to four channels, each byte guessed from the last ones of its channel and from
// the one before it, with weights that follow what would have been best.

const WEIGHTS = 5;
const WEIGHT_MAX = 16;
const ADAPT_EVERY = 32;

class Channel {
  readonly weights = new Array<number>(WEIGHTS).fill(0);
  /** The last difference, and how it changed. */
  readonly slopes = new Array<number>(WEIGHTS - 1).fill(0);
  readonly errors = new Array<number>(1 + 2 * WEIGHTS).fill(0);
  count = 0;
  last = 0;
  lastDelta = 0;
}

/** The state of all channels. */
export class RarSound {
  readonly #channels = [new Channel(), new Channel(), new Channel(), new Channel()];
  /** The last difference of whichever channel came before. */
  #neighbour = 0;
  #current = 0;

  /** Which channel the next byte is of. */
  get channel(): number {
    return this.#current;
  }

  /** The byte that `symbol` stands for, of `count` channels. */
  next(symbol: number, count: number): number {
    if (this.#current >= count) this.#current = 0;
    const channel = this.#channels[this.#current] as Channel;
    this.#current = (this.#current + 1) % count;
    const { slopes, weights } = channel;
    const [first = 0, second = 0, third = 0] = slopes;
    slopes[3] = third;
    slopes[2] = second;
    slopes[1] = channel.lastDelta - first;
    slopes[0] = channel.lastDelta;
    const all = [...slopes, this.#neighbour];
    let sum = 8 * channel.last;
    for (let i = 0; i < WEIGHTS; i++) sum += (weights[i] as number) * (all[i] as number);
    const value = (((sum >> 3) & 255) - symbol) & 255;
    const difference = signed(symbol) * 8;
    channel.errors[0] = (channel.errors[0] as number) + Math.abs(difference);
    for (const [i, slope] of all.entries()) {
      const { errors } = channel;
      errors[2 * i + 1] = (errors[2 * i + 1] as number) + Math.abs(difference - slope);
      errors[2 * i + 2] = (errors[2 * i + 2] as number) + Math.abs(difference + slope);
    }
    channel.lastDelta = signed(value - channel.last);
    this.#neighbour = channel.lastDelta;
    channel.last = value;
    if (++channel.count % ADAPT_EVERY === 0) adapt(channel.errors, weights);
    return value;
  }
}

function signed(value: number): number {
  return (value << 24) >> 24;
}

/** Changes the weight that the smallest of `errors` names, and forgets them. */
export function adapt(errors: number[], weights: number[]): void {
  const best = errors.indexOf(Math.min(...errors));
  errors.fill(0);
  if (best === 0) return;
  const index = (best - 1) >> 1;
  const weight = weights[index] as number;
  if (best % 2 === 1) {
    if (weight >= -WEIGHT_MAX) weights[index] = weight - 1;
  } else if (weight < WEIGHT_MAX) weights[index] = weight + 1;
}
