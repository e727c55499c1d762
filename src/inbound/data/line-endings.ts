// Line endings of a message on its way in. RFC 5321 §2.3.8: CR and LF only ever stand together. A
// CR or LF of its own is read as a line's end by some servers and not by others, which lets one
// message look like two ("SMTP smuggling"); gw never passes one on.
import { arePairedLines } from "../../codec/native.ts";
import { REPLIES, SmtpError } from "../../reply.ts";

const CR = 0x0d;
const LF = 0x0a;
const NUL = 0x00;
const CR_BYTE = Buffer.of(CR);
const NOTHING = Buffer.alloc(0);

/** What is done with a message that has a bare CR or LF. */
export type BareLineEnding = "refuse" | "normalise";

/** Stands between the wire and the spool. Both functions throw `SmtpError` for a refusal. */
export interface LineFilter {
  /** The chunk as it goes on. */
  take(chunk: Buffer): Buffer;
  /** What is left once the message is over. */
  end(): Buffer;
}

/** Refuses messages with a bare CR, a bare LF or a NUL. */
export class RefusingFilter implements LineFilter {
  #previous = LF;

  take(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    if (chunk.indexOf(NUL) >= 0) throw new SmtpError(REPLIES.nulByte);
    if (!arePairedLines(chunk, this.#previous === CR)) throw new SmtpError(REPLIES.bareLineEnding);
    this.#previous = chunk[chunk.length - 1] ?? LF;
    return chunk;
  }

  end(): Buffer {
    if (this.#previous === CR) throw new SmtpError(REPLIES.bareLineEnding);
    return NOTHING;
  }
}

/** Makes every bare CR and bare LF a CRLF, and drops NUL (RFC 5322 §4.1 has no place for it). */
export class NormalisingFilter implements LineFilter {
  // A CR at a chunk's end waits for what follows it.
  #hasCr = false;

  take(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    const whole = this.#hasCr ? Buffer.concat([CR_BYTE, chunk]) : chunk;
    this.#hasCr = whole[whole.length - 1] === CR;
    const ready = this.#hasCr ? whole.subarray(0, -1) : whole;
    // Nearly all messages are sound, and go through without being touched. A second CR at the end
    // is bare: another CR follows it.
    const isSound = arePairedLines(ready, false) && ready[ready.length - 1] !== CR;
    if (isSound && ready.indexOf(NUL) < 0) return ready;
    const text = ready.toString("latin1").replaceAll("\0", "");
    return Buffer.from(text.replace(/\r\n|\r|\n/g, "\r\n"), "latin1");
  }

  end(): Buffer {
    const rest = this.#hasCr ? "\r\n" : "";
    this.#hasCr = false;
    return Buffer.from(rest, "latin1");
  }
}

/** The filter of a setting. */
export function createLineFilter(setting: BareLineEnding): LineFilter {
  return setting === "refuse" ? new RefusingFilter() : new NormalisingFilter();
}
