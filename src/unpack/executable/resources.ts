// Resources of Windows programs, native and managed: files that the program drops or loads lie there
// as data. Pictures, texts and tables of the user interface are left alone unless they begin like
// something else.

import { isBlank } from "../../base/bytes.ts";
import type { PeFile } from "../../executable/pe/pe-file.ts";
import type { Resource, ResourceLabel } from "../../executable/pe/resources.ts";
import type { Extract } from "../../message.ts";
import type { Giver } from "../archive/giver.ts";
import { managedValues } from "./managed-values.ts";

const GIVEN_MAX = 2000;
const SIZE_MIN = 16;
// "Resource Types" (Microsoft). Cursors, pictures, menus, dialogs, strings, fonts, versions.
const INTERFACE_TYPES: ReadonlySet<ResourceLabel> = new Set([
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 16, 17, 19, 20, 21, 22],
]);
const TYPE_NAMES: ReadonlyMap<ResourceLabel, string> = new Map([
  [10, "data"],
  [23, "html"],
  [24, "manifest"],
]);
/** Starts of what is not a part of a user interface: programs, archives, documents, scripts. */
const STARTS = [
  ...["MZ", "\x7fELF", "PK\x03\x04", "Rar!", "7z\xbc\xaf", "MSCF", "%PDF", "\xd0\xcf\x11\xe0"],
  ...["\x1f\x8b\x08", "BZh", "\xfd7zXZ", "{\\rtf", "<!", "<html", "<script", "CWS", "FWS", "ITSF"],
];
/** Yields the resources that may be files. */
export function* giveResources(program: PeFile, giver: Giver): Generator<Extract> {
  const { bytes } = program.reader;
  const seen = new Set<number>();
  for (const resource of program.resources?.list ?? []) {
    const { type, offset, size } = resource;
    if (offset < 0 || size < SIZE_MIN || seen.has(offset)) continue;
    const data = bytes.subarray(offset, offset + size);
    if (INTERFACE_TYPES.has(type) && !beginsLikeFile(data)) continue;
    if (isBlank(data)) continue;
    if (seen.size >= GIVEN_MAX) {
      giver.note("unscanned", `more than ${GIVEN_MAX} resources`);
      return;
    }
    if (!giver.enter()) return;
    // Several languages may share one place; it is looked at once.
    seen.add(offset);
    yield* giver.give(nameOf(resource), data);
  }
}

function beginsLikeFile(data: Buffer): boolean {
  return STARTS.some((start) => data.toString("latin1", 0, start.length) === start);
}

function nameOf({ type, name }: Resource): string {
  const text = (label: ResourceLabel) =>
    typeof label === "number" ? String(label) : label.toString("utf16le");
  return `resource ${TYPE_NAMES.get(type) ?? text(type)}/${text(name)}`;
}

/** Yields the resources of a .NET program; of lists of values those that may be files. */
export function* giveManagedResources(program: PeFile, giver: Giver): Generator<Extract> {
  const { bytes } = program.reader;
  let count = 0;
  for (const { name, offset, size } of program.assembly?.resources ?? []) {
    if (offset < 0 || size < SIZE_MIN) continue;
    if (!giver.enter()) return;
    if (++count > GIVEN_MAX) {
      giver.note("unscanned", `more than ${GIVEN_MAX} managed resources`);
      return;
    }
    const data = bytes.subarray(offset, offset + size);
    const label = Buffer.from(name, "latin1").toString("utf8") || "managed resource";
    const values = managedValues(data);
    if (values === undefined) yield* giver.give(label, data);
    for (const value of values ?? []) {
      if (giver.enter()) yield* giver.give(`${label}/${value.name}`, value.bytes);
    }
  }
}
