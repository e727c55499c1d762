// What must hold after one part of a mail was treated: the other bytes are as they were, and another
// parser than ours sees the other attachments unchanged.
import { createHash } from "node:crypto";
import type { ScannedObject } from "../../src/message.ts";
import { attachmentsOf, look } from "./orders.ts";

/** Objects that are parts of their own, not found once more inside of another one. */
export function ownParts(mail: Buffer): readonly ScannedObject[] {
  const all = look(mail).objects.filter((one) => one.parent === 0 && one.place);
  return all.filter((one) => !all.some((other) => isInside(one, other)));
}

// What is found in a text without being a part of its own is treated by treating that text.
function isInside({ place: a }: ScannedObject, { place: b }: ScannedObject): boolean {
  if (a === undefined || b === undefined || a === b) return false;
  return b.start <= a.start && a.end <= b.end && a.end - a.start < b.end - b.start;
}

/** Whether all bytes outside of a part, its header and its delimiter line are as they were. */
export function isRestUnchanged(before: Buffer, after: Buffer, { place }: ScannedObject): boolean {
  const { start = 0, end = before.length } = place ?? {};
  const front = before.subarray(0, Math.max(0, before.lastIndexOf("\n--", Math.max(0, start - 3))));
  const rest = before.subarray(end);
  return (
    after.subarray(0, front.length).equals(front) &&
    after.subarray(after.length - rest.length).equals(rest)
  );
}

/**
 * What another parser makes of it after the attachment with the content `gone` was removed: it
 * agrees, it differs, or the mail is beyond it (it sees no such attachment).
 */
export async function otherParserOn(
  before: Buffer,
  after: Buffer,
  gone: Uint8Array,
): Promise<"agrees" | "differs" | "beyond"> {
  const of = async (bytes: Buffer) => (await attachmentsOf(bytes)).map((one) => one.checksum);
  const old = await of(before).catch(() => undefined);
  const hash = createHash("md5").update(gone).digest("hex");
  const at = old?.indexOf(hash) ?? -1;
  // Ours is a text there, or the other parser decodes it in another way.
  if (old === undefined || at < 0) return "beyond";
  // Of two attachments of the same content either may have been the one; a text may also be what
  // stands in an attachment once more, and was not in that list itself.
  const left = (await of(after)).sort();
  const isSame = (list: readonly string[]) => left.join() === [...list].sort().join();
  if (left.length === old.length && left.includes(hash)) return isSame(old) ? "beyond" : "differs";
  return isSame(old.filter((_, index) => index !== at)) ? "agrees" : "differs";
}
