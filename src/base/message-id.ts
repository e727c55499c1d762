// Queue ids: what a reply, a trace field and every log line call a message. Fourteen letters and
// digits, in order of time, so that ids sort as the messages came and file names need no quoting.
import type { Clock } from "./clock.ts";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const TIME_LENGTH = 8;
const TAIL_LENGTH = 6;
const TAIL_COUNT = 62 ** TAIL_LENGTH;
const ID = /^[0-9A-Za-z]{11,64}$/;

function base62(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / 62)) {
    text = DIGITS.charAt(rest % 62) + text;
  }
  return text;
}

/** Whether `text` can be a queue id: such a text is safe as a file name. */
export function isMessageId(text: string): boolean {
  return ID.test(text);
}

/** Makes queue ids: milliseconds, then a random start that counts up within one millisecond. */
export class MessageIds {
  readonly #clock: Clock;
  readonly #random: () => number;
  #time = 0;
  #tail = 0;

  /** `random` gives numbers from 0 up to, not including, 1. */
  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): string {
    const now = this.#clock.now();
    // A clock set back must neither repeat an id nor break the order.
    if (now > this.#time) {
      this.#time = now;
      this.#tail = Math.floor(this.#random() * (TAIL_COUNT / 2));
    } else {
      this.#tail++;
    }
    return base62(this.#time, TIME_LENGTH) + base62(this.#tail, TAIL_LENGTH);
  }
}
