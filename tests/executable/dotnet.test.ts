import { expect, test } from "bun:test";
import { readTypes } from "../../src/executable/dotnet/types.ts";
import { parsePe } from "../../src/executable/pe/pe-file.ts";
import { moduleOf } from "../../src/scan/judge/modules/modules.ts";
import { dotnetPart } from "../harness/dotnet-builder.ts";
import { buildPe } from "../harness/pe-builder.ts";

const BYTES = buildPe({
  parts: [dotnetPart({ resource: Buffer.from("managed"), strings: ["Hello", "", "World"] })],
});

const CLASSES = "classes";
const FIELDS = [
  ...["is_dotnet", "module_name", "number_of_streams", "number_of_guids", "number_of_classes"],
  ...["number_of_user_strings", "number_of_resources"],
];

test("a .NET program tells its identity, references and GUIDs", () => {
  const assembly = parsePe(BYTES)?.assembly;
  expect(assembly).toMatchObject({
    moduleName: "own.exe",
    identity: { name: "Own", version: { major: 1, minor: 2, build: 3, revision: 4 } },
    references: [{ name: "mscorlib", version: { major: 4 }, publicKey: Buffer.from("token") }],
    moduleReferences: ["kernel32"],
    guids: ["de37ec6b-4312-4073-81ea-903f0a340a11"],
    typeLibrary: "abcd",
    constants: [Buffer.from("const", "utf16le")],
  });
  expect(assembly?.userStrings.map((one) => one.toString("utf16le"))).toEqual(["Hello", "World"]);
  expect(assembly?.metadata.version).toBe("v4.0.30319");
});

test("its resources lie in the file", () => {
  const file = parsePe(BYTES);
  const [resource] = file?.assembly?.resources ?? [];
  expect(resource).toMatchObject({ name: "Own.data", size: 7 });
  expect(file?.reader.text(resource?.offset ?? 0, 7)).toBe("managed");
});

test("its types have full names, flags and methods", () => {
  const metadata = parsePe(BYTES)?.assembly?.metadata;
  expect(metadata === undefined ? [] : readTypes(metadata)).toMatchObject([
    {
      ...{ name: "Program", namespace: "Own", fullName: "Own.Program" },
      baseTypes: ["System.Runtime.InteropServices.GuidAttribute"],
      methods: [{ name: "Main", parameters: ["args"] }],
    },
    { fullName: "Own.Program.Inner", genericParameters: ["T"], methods: [{ name: "Run" }] },
  ]);
});

test("YARA's module shows all of it, and nothing of what is no .NET program", () => {
  const file = parsePe(BYTES);
  const dotnet = moduleOf("dotnet", { bytes: BYTES }, file);
  const seen = Object.fromEntries(FIELDS.map((name) => [name, dotnet[name]]));
  expect(seen).toMatchObject({
    ...{ is_dotnet: 1, module_name: "own.exe", number_of_streams: 5, number_of_guids: 1 },
    ...{ number_of_user_strings: 2, number_of_resources: 1, number_of_classes: 2 },
  });
  const classes = dotnet[CLASSES] as readonly unknown[];
  expect(classes[0]).toMatchObject({ visibility: "public", type: "class", abstract: 0, sealed: 1 });
  expect(classes[1]).toMatchObject({ visibility: "public", fullname: "Own.Program.Inner" });
  const plain = buildPe();
  const none = moduleOf("dotnet", { bytes: plain }, parsePe(plain));
  expect(none).toEqual({ is_dotnet: 0 });
});
