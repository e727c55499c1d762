// `gw signatures test`: why a signature hits a file or does not, part by part.
import { resolve } from "node:path";
import { loadConfig } from "../../../config/load.ts";
import type { Config } from "../../../config/schema.ts";
import { VIEW_TYPES } from "../../../gwdb/view-types.ts";
import type { ScannedObject } from "../../../message.ts";
import { gatherSignatures, placesOf } from "../../../pipeline/signatures/gather.ts";
import { embeddedCore } from "../../../scan/embedded.ts";
import { FILE_TYPES } from "../../../scan/file-type.ts";
import { compileSignatures } from "../../../signature/compile.ts";
import { type Probe, probesOf } from "../../../signature/explain/probe.ts";
import { loadSignatures, readSignatureFiles } from "../../../signature/import/load.ts";
import type { Signature } from "../../../signature/source.ts";
import { nearest } from "../../../text/nearest.ts";
import { printable } from "../../../text/printable.ts";
import { CliError, command, EXIT, OPTIONS } from "../../command.ts";
import { configFile } from "../../config-file.ts";
import { startInspection } from "../../inspection.ts";
import { openOwnSignatures } from "../../signature-sources.ts";
import { counted } from "../../view/table.ts";
import { reasonOf, walk } from "../../walk.ts";
import { OWN } from "../signatures.ts";

/** What one part did in one object. */
interface Part {
  readonly part: string;
  readonly looksFor: string;
  readonly isHit: boolean;
  /** Bytes from the object's start; -1 if it has no place. */
  readonly offset: number;
}

interface Tested {
  readonly path: string;
  readonly type: string;
  readonly isHit: boolean;
  readonly offset: number;
  readonly parts: readonly Part[];
}

function sourcesOf(config: Config, path: string | undefined): readonly Signature[] {
  try {
    if (path !== undefined) return loadSignatures(readSignatureFiles([path])).signatures;
  } catch (error) {
    throw new CliError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
  return loadSignatures(gatherSignatures(placesOf(config)).files).signatures;
}

// Lists may have many lines of one name.
function named(all: readonly Signature[], name: string): readonly Signature[] {
  const found = all.filter(({ info }) => info.name === name);
  if (found.length > 0) return found;
  const near = nearest(name, new Set(all.map(({ info }) => info.name)));
  const hint = near === undefined ? "`gw signatures list` lists all" : `did you mean ${near}?`;
  throw new CliError(`there is no signature "${printable(name)}"; ${hint}`);
}

function testedOf(object: ScannedObject, name: string, probes: readonly Probe[]): Tested {
  const hitOf = (wanted: string) => object.findings.find(({ signature }) => signature === wanted);
  const hit = hitOf(name);
  const parts = probes.map((probe) => {
    const found = hitOf(probe.signature.info.name);
    const offset = probe.hasOffset ? (found?.offset ?? -1) : -1;
    return { part: probe.label, looksFor: probe.text, isHit: found !== undefined, offset };
  });
  const { path, type } = object;
  return { path, type, isHit: hit !== undefined, offset: hit?.offset ?? -1, parts };
}

const at = (offset: number) => (offset < 0 ? "" : ` at byte ${offset}`);

function textOf({ path, type, isHit, offset, parts }: Tested): string {
  const head = `${printable(path)} (${type}): ${isHit ? `hit${at(offset)}` : "no hit"}\n`;
  const width = Math.max(0, ...parts.map(({ part }) => part.length));
  const lines = parts.map(({ part, looksFor, isHit, offset }) => {
    const what = `${part.padEnd(width)}  ${printable(looksFor)}`;
    return `  ${isHit ? "yes" : "no "} ${what}${isHit ? at(offset) : ""}\n`;
  });
  return head + lines.join("");
}

async function compiled(signatures: readonly Signature[], probes: readonly Probe[]) {
  const all = [...signatures, ...probes.map(({ signature }) => signature)];
  const options = { types: [...FILE_TYPES, ...VIEW_TYPES] };
  const parsed = { signatures: all, diagnostics: [] };
  const { image } = await compileSignatures(parsed, embeddedCore(), options);
  return { core: embeddedCore(), image };
}

const TEST_OPTIONS = {
  bench: {
    type: "boolean",
    description: "scan all that is named and show which signatures cost most",
  },
  json: OPTIONS.json,
  ...OWN,
} as const;

/** `gw signatures test` */
export const test = command(TEST_OPTIONS, async (args, terminal) => {
  const [name = "", file = ""] = args._;
  const config = loadConfig(configFile(args.config));
  if (args.bench === true) {
    const opened = await openOwnSignatures(config, args.signatures);
    const { bench } = await import("./bench.ts");
    await bench(config, opened, args._, { terminal, isJson: args.json === true });
    return EXIT.good;
  }
  if (args._.length !== 2) throw new CliError("expected NAME FILE, or --bench and files");
  const signatures = named(sourcesOf(config, args.signatures), name);
  const walked = walk([file]).next().value;
  if (walked?.kind !== "file" || walked.path !== file) {
    throw new CliError(
      `${printable(file)}: ${walked?.kind === "unreadable" ? walked.reason : "not a file"}`,
    );
  }
  // Of a list of thousands of one name the parts are no explanation: then only hits are told.
  const probes = signatures.length === 1 ? signatures.flatMap(probesOf) : [];
  const opened = await compiled(signatures, probes);
  const { inspector } = await startInspection(config, { opened, workersMax: 1 });
  try {
    const body = { kind: "file", path: resolve(file), offset: 0, size: walked.size } as const;
    const { verdict } = await inspector.inspect({ body, name: file, isMessage: false });
    const tested = verdict.objects.map((object) => testedOf(object, name, probes));
    const isHit = tested.some((one) => one.isHit);
    if (args.json === true) {
      for (const one of tested) terminal.out(`${JSON.stringify(one)}\n`);
    } else {
      // What has nothing of a signature is not worth a line each; the file itself always is.
      const told = tested.filter(
        (one, i) => i === 0 || one.isHit || one.parts.some((part) => part.isHit),
      );
      for (const one of told) terminal.out(textOf(one));
      const rest = tested.length - told.length;
      if (rest > 0) terminal.out(`nothing of it in ${counted(rest, "object")}\n`);
    }
    return isHit ? EXIT.good : EXIT.found;
  } finally {
    inspector.stop();
  }
});
