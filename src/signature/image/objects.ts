// For which objects a signature's patterns have to be searched for at all. Most signatures are for
// programs and most objects are none; views of texts are only seen by signatures that ask for them.
import { PROGRAM_TYPES, VIEW_TYPES } from "../../gwdb/view-types.ts";
import type { Signature } from "../source.ts";

/** What a signature's patterns are searched for in, beside objects of no kind. */
export interface Objects {
  /** Nothing but programs. */
  readonly isProgramOnly: boolean;
  /** Views, too. */
  readonly isForViews: boolean;
}

const PROGRAMS: ReadonlySet<string> = new Set(PROGRAM_TYPES);
const VIEWS: ReadonlySet<string> = new Set(VIEW_TYPES);

/** What a signature's targets and its condition say of the objects that it can match. */
export function objectsOf({ targets, needsProgram }: Signature): Objects {
  const isTargeted = targets.length > 0 && targets.every((type) => PROGRAMS.has(type));
  return {
    isProgramOnly: isTargeted || needsProgram === true,
    isForViews: targets.some((type) => VIEWS.has(type)),
  };
}
