// YARA's modules by name. A module is made once per object and computes its fields on first use.

import type { Executable } from "../../../executable/executable.ts";
import { dotnetModule } from "./dotnet.ts";
import { elfModule } from "./elf.ts";
import { MATH_FLOATS, mathModule } from "./math.ts";
import { peModule } from "./pe.ts";
import { consoleModule, hashModule, stringModule, timeModule } from "./small.ts";
import { ModuleBytes, type ModuleStruct, type ModuleTools } from "./value.ts";

/** The modules there are. */
export const MODULE_NAMES = [
  ...(["pe", "elf", "dotnet", "math", "hash", "time", "console", "string"] as const),
] as const;

/** A name of `MODULE_NAMES`. */
export type ModuleName = (typeof MODULE_NAMES)[number];

const UNBOUNDED: ModuleTools = { now: () => Date.now(), spend: () => true };

/** Whether a member's values are floats: a whole number does not show it. */
export function isFloat(module: string, member: string): boolean {
  return module === "math" && MATH_FLOATS.has(member);
}

/**
 * The struct of one module over an object. `executable` is what the object's bytes parse as;
 * functions over many bytes take work from `tools` and are undefined once there is none left.
 */
export function moduleOf(
  name: ModuleName,
  subject: { readonly bytes: Uint8Array },
  executable: Executable | undefined,
  tools: ModuleTools = UNBOUNDED,
): ModuleStruct {
  const bytes = new ModuleBytes(subject.bytes, tools);
  switch (name) {
    case "pe":
      return peModule(executable?.format === "pe" ? executable : undefined, tools);
    case "dotnet":
      return dotnetModule(executable?.format === "pe" ? executable : undefined);
    case "elf":
      return elfModule(executable?.format === "elf" ? executable : undefined);
    case "math":
      return mathModule(bytes);
    case "hash":
      return hashModule(bytes);
    case "time":
      return timeModule(tools);
    case "console":
      return consoleModule();
    case "string":
      return stringModule();
    default:
      return name satisfies never;
  }
}
