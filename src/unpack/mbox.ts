// Mailbox files: messages one after another, each behind a "From " line. RFC 4155.

import type { Budget } from "../base/budget.ts";
import { asBuffer } from "../base/bytes.ts";
import type { Explosion, Extract } from "../message.ts";

const MESSAGES_MAX = 10_000;

/** Yields the messages of a mailbox file. */
export function* explodeMbox(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  let start = 0;
  for (let count = 1; start < input.length; count++) {
    if (count > MESSAGES_MAX) return { status: "unscanned", note: "too many messages" };
    if (budget.isExpired) return { status: "unscanned", note: "time limit reached" };
    const next = input.indexOf("\nFrom ", start);
    const end = next < 0 ? input.length : next + 1;
    const message = withoutFromLine(input.subarray(start, end));
    if (!budget.takeObject(message.length)) {
      return { status: "unscanned", note: "more than may still be extracted" };
    }
    yield { name: `message ${count}`, declaredType: "message/rfc822", bytes: message };
    start = end;
  }
  return { status: "clean", note: "" };
}

function withoutFromLine(message: Buffer): Buffer {
  if (!/^>?From /.test(message.toString("latin1", 0, 6))) return message;
  const end = message.indexOf(10);
  return end < 0 ? message : message.subarray(end + 1);
}
