import { describe, expect, test } from "bun:test";
import { parseExecutable } from "../../../../src/executable/executable.ts";
import { moduleOf } from "../../../../src/scan/judge/modules/modules.ts";
import type {
  ModuleArgument,
  ModuleFunction,
  ModuleStruct,
  ModuleValue,
} from "../../../../src/scan/judge/modules/value.ts";
import { buildSignature, certificateEntry } from "../../../harness/der.ts";
import {
  buildPe,
  exportPart,
  importPart,
  resourcePart,
  versionResource,
} from "../../../harness/pe-builder.ts";

const SIGNATURE = buildSignature({
  ...{ subject: "Own", serial: Buffer.from([0, 0xab]), digest: Buffer.alloc(20) },
});
const BYTES = buildPe({
  parts: [
    importPart({ "KERNEL32.dll": ["Sleep", "ExitProcess"], "WS2_32.dll": [3] }),
    exportPart("own.dll", { DllMain: 0x80, Other: "a.b" }),
    resourcePart([{ type: 16, name: "V", data: versionResource({ CompanyName: "Own" }) }]),
  ],
  overlay: Buffer.from("overlay!"),
  certificates: certificateEntry(SIGNATURE),
  characteristics: 0x2102,
});
const pe = moduleOf("pe", { bytes: BYTES }, parseExecutable(BYTES));

function call(name: string, ...values: ModuleArgument[]): ModuleValue {
  return (pe[name] as ModuleFunction)(...values);
}

const regex = (source: RegExp) => ({
  test: (bytes: Uint8Array) => source.test(Buffer.from(bytes).toString("latin1")),
});

describe("fields", () => {
  test.each<[string, ModuleValue]>([
    ["is_pe", 1],
    ["machine", 0x14c],
    ["MACHINE_I386", 0x14c],
    ["number_of_sections", 3],
    ["entry_point", 0x400],
    ["entry_point_raw", 0x1000],
    ["image_base", 0x40_0000],
    ["subsystem", 3],
    ["number_of_imports", 2],
    ["number_of_imported_functions", 3],
    ["number_of_exports", 2],
    ["dll_name", "own.dll"],
    ["number_of_resources", 1],
    ["number_of_signatures", 1],
    ["is_signed", 0],
    ["pdb_path", undefined],
    ["version_info", new Map([["CompanyName", "Own"]])],
  ])("pe.%s", (name, expected) => {
    expect(pe[name]).toEqual(expected);
  });

  test("of signatures", () => {
    const name = "signatures";
    const [signature] = pe[name] as readonly ModuleStruct[];
    expect({ ...signature }).toMatchObject({
      ...{ subject: "/CN=Own/1.2.3.4=x", serial: "00:ab", algorithm: "sha256WithRSAEncryption" },
    });
    const valid = (signature as Record<string, ModuleValue>)["valid_on" as string];
    expect((valid as ModuleFunction)(1_600_000_000)).toBe(1);
    expect((valid as ModuleFunction)(1_500_000_000)).toBe(0);
  });
});

describe("functions", () => {
  test.each<[string, ModuleArgument[], ModuleValue]>([
    ["imports", ["kernel32.DLL"], 2],
    ["imports", ["kernel32.dll", "Sleep"], 1],
    ["imports", ["kernel32.dll", "sleep"], 1],
    ["imports", ["kernel32.dll", "Slee"], 0],
    ["imports", ["ws2_32.dll", 3], 1],
    ["imports", [1, "ws2_32.dll", 4], 0],
    ["imports", [2, "kernel32.dll"], 0],
    ["imports", [regex(/32\.dll/), regex(/^S|Exit/)], 2],
    ["exports", ["DllMain"], 1],
    ["exports", ["dllmain"], 1],
    ["exports", [6], 1],
    ["exports", [regex(/^X/)], 0],
    ["exports_index", ["Other"], 1],
    ["exports_index", ["None"], undefined],
    ["section_index", [".rsrc"], 2],
    ["section_index", [0x401], 0],
    ["rva_to_offset", [0x1001], 0x401],
    ["rva_to_offset", [0x99_9999], undefined],
    ["locale", [1033], 1],
    ["language", [9], 1],
    ["language", [7], 0],
    ["is_dll", [], 1],
    ["is_64bit", [], 0],
    ["imphash", [], hashOf("kernel32.sleep,kernel32.exitprocess,ws2_32.closesocket")],
  ])("pe.%s(%p)", (name, values, expected) => {
    expect(call(name, ...values)).toEqual(expected);
  });
});

function hashOf(text: string): string {
  return new Bun.CryptoHasher("md5").update(text).digest("hex");
}

test("what is no program has constants, and functions without answers", () => {
  const bytes = Buffer.from("text");
  const none = moduleOf("pe", { bytes }, undefined);
  const seen = ["is_pe", "MACHINE_AMD64", "number_of_sections"].map((name) => none[name]);
  expect(seen).toEqual([0, 0x8664, undefined]);
  const name = "imphash";
  expect((none[name] as ModuleFunction)()).toBeUndefined();
});
