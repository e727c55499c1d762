// `gw --version --verbose`: which gw this is, for those who report a fault or look for an update.
import { createHash } from "node:crypto";
import { VERSION } from "../../../base/version.ts";
import { IMAGE_VERSION, openImage } from "../../../gwdb/image.ts";
import { outlineOf } from "../../../gwdb/outline.ts";
import { embeddedCore, embeddedSet } from "../../../scan/embedded.ts";
import { EXIT } from "../../command.ts";
import { counted } from "../../view/table.ts";
import type { Terminal } from "../../view/terminal.ts";

/** As many digits as tell builds of the core apart. */
const DIGITS = 16;

/** Prints the versions of gw and of what it is made of, those of the shipped signatures too. */
export function showVersions(terminal: Terminal): number {
  const core = createHash("sha256").update(embeddedCore()).digest("hex").slice(0, DIGITS);
  const { identity, signatures } = outlineOf(openImage(embeddedSet()));
  const rows = [
    ["gw", VERSION],
    ["Bun", `${Bun.version} (${Bun.revision.slice(0, DIGITS)})`],
    ["system", `${process.platform} ${process.arch}`],
    ["scan core", `sha256 ${core}`],
    ["format of sets", `gwdb ${IMAGE_VERSION}`],
    ["shipped set", `${identity}, ${counted(signatures, "signature")}`],
    ["parts, licences", "see `gw licenses`"],
  ];
  terminal.out(rows.map(([name = "", value]) => `${name.padEnd(16)} ${value}\n`).join(""));
  return EXIT.good;
}
