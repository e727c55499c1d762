// What an object that holds others must offer so that one of them can be treated: hand out a
// child's bytes, and be made anew with children changed.

import type { Budget } from "../base/budget.ts";
import type { ScannedObject } from "../message.ts";

/** What becomes of one child. */
export type Edit =
  | { readonly kind: "remove" }
  /** Its place is taken by a text of ours. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "rename"; readonly name: string }
  | { readonly kind: "replace"; readonly bytes: Uint8Array };

/** Edits by child. */
export type Edits = ReadonlyMap<ScannedObject, Edit>;

/** A container that has been opened for editing. */
export interface Editor {
  /** The child's bytes as they lie in the container; undefined if it can't be told apart. */
  read(child: ScannedObject): Uint8Array | undefined;
  /** The container with the edits made, or one sentence on why that can't be. */
  rebuild(edits: Edits): Uint8Array | string;
}

/** Opens a container; undefined if it is not in a state to be edited. */
export type Opener = (bytes: Uint8Array, budget: Budget) => Editor | undefined;

/** What a renamed file's name ends in: nothing opens it by a double click. */
export const SAFE_EXTENSION = ".blocked";
const NAME_MAX = 200;

/** A name under which nothing starts by itself. */
export function safeName(name: string): string {
  const last = name.split(" | ").at(-1) ?? name;
  return `${last.slice(-NAME_MAX)}${SAFE_EXTENSION}`;
}

/** The name of the text that stands where an object was. */
export function noteName(name: string): string {
  const last = name.split(" | ").at(-1) ?? name;
  return `${last.slice(-NAME_MAX)}.txt`;
}
