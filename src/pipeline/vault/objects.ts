// The objects of a kept message: found by what a person types, and taken out one at a time.
import type { Limits } from "../../base/budget.ts";
import type { ScannedObject, Verdict } from "../../message.ts";
import type { SentObject } from "../../vault/resend.ts";
import { BLIND, inspect, MESSAGE } from "../inspect.ts";

/** What taking apart needs. */
export interface ObjectSource {
  readonly bytes: Uint8Array;
  readonly verdict: Verdict;
  readonly limits: Limits;
  readonly passwords: readonly string[];
}

const plainPath = (path: string) => path.replaceAll(" › ", "/");

/**
 * Objects that `wanted` names: by number, by path, or by the end of a path. More than one if that
 * is not clear.
 */
export function findObjects(objects: readonly ScannedObject[], wanted: string): ScannedObject[] {
  if (/^\d{1,9}$/.test(wanted)) return objects.filter(({ id }) => id === Number(wanted));
  const plain = plainPath(wanted);
  const exact = objects.filter(({ path }) => plainPath(path) === plain);
  if (exact.length > 0) return exact;
  return objects.filter(({ path }) => plainPath(path).endsWith(`/${plain}`));
}

/** An object's bytes; undefined if taking the message apart again did not come to it. */
export function takeObject(source: ObjectSource, object: ScannedObject): SentObject | undefined {
  const { bytes, limits, passwords } = source;
  const { id, path, name } = object;
  let taken: Uint8Array | undefined;
  const onObject = (number: number, _name: string, content: Uint8Array) => {
    if (number === id) taken = content;
  };
  // Its children are of no interest, but what comes before it must be gone through.
  const subject = { name: source.verdict.objects[0]?.name ?? "message", declaredType: MESSAGE };
  inspect({ ...subject, bytes }, BLIND, limits, { passwords, onObject });
  return taken && { path, name, bytes: taken };
}
