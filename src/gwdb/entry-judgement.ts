// What decides a signature of container metadata: how an object lies in what it was taken out of.
// Kept in images as plain JSON.
import type { NumberRange } from "./clamav-judgement.ts";

/** The judgement of one entry of a container; what is not there is not asked. */
export interface EntryJudgement {
  readonly format: "entry";
  /** An expression (POSIX, extended) that the entry's name matches somewhere; its bytes as latin1. */
  readonly name?: string;
  /** Bytes of the container. */
  readonly containerSize?: NumberRange;
  /** Bytes of the entry itself, and those that it takes in the container. */
  readonly size?: NumberRange;
  readonly packedSize?: NumberRange;
  readonly isEncrypted?: boolean;
  /** Place among the container's entries, from 1. */
  readonly position?: NumberRange;
}
