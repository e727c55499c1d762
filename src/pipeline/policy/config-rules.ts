// Rules for a configuration that only this layer can hold: it knows the types that the scanner tells
// apart, and what files a policy reads.

import { describeError } from "../../base/log.ts";
import type { Conflict } from "../../config/conflict.ts";
import type { Config } from "../../config/schema.ts";
import { readMaskFile } from "../../policy/mask.ts";
import { FILE_TYPES } from "../../scan/file-type.ts";
import { nearest } from "../../text/nearest.ts";
import { matchesWildcard } from "../../text/wildcard.ts";
import { readTemplate } from "./texts.ts";

function* unknownTypes(config: Config): Generator<Conflict> {
  for (const [index, filter] of config.filter.entries()) {
    for (const side of ["types", "types_except"] as const) {
      for (const [position, mask] of filter[side].entries()) {
        if (FILE_TYPES.some((type) => matchesWildcard(mask.toLowerCase(), type))) continue;
        const near = nearest(mask, FILE_TYPES);
        const hint = near === undefined ? "" : `; did you mean "${near}"?`;
        const message = `"${mask}" never matches: gw knows no such type of file${hint}`;
        yield { keys: [`filter[${index}].${side}[${position}]`], message };
      }
    }
  }
}

function* unreadableLists(config: Config): Generator<Conflict> {
  for (const [index, group] of config.group.entries()) {
    for (const side of ["from", "to"] as const) {
      for (const [position, mask] of group[side].entries()) {
        if (!mask.startsWith("file:")) continue;
        try {
          readMaskFile(mask.slice("file:".length));
        } catch (error) {
          const keys = [`group[${index}].${side}[${position}]`];
          yield { keys, message: `the list can't be read: ${describeError(error)}` };
        }
      }
    }
  }
}

function* badTemplates(config: Config): Generator<Conflict> {
  const groups = config.group.map((group, index) => ({ group, key: `group[${index}].` }));
  const shared = {
    placeholder: config["policy.placeholder"],
    disclaimer: config["policy.disclaimer"],
  };
  for (const { group, key } of [{ group: shared, key: "policy." }, ...groups]) {
    for (const kind of ["placeholder", "disclaimer"] as const) {
      const path = group[kind] ?? "";
      if (path === "") continue;
      try {
        readTemplate(path, kind);
      } catch (error) {
        const message = `the template can't be used: ${describeError(error)}`;
        yield { keys: [`${key}${kind}`], message };
      }
    }
  }
}

/** What is wrong with a configuration beyond what its schema knows. */
export function findPolicyConflicts(config: Config): readonly Conflict[] {
  return [...unknownTypes(config), ...unreadableLists(config), ...badTemplates(config)];
}
