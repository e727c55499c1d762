// Holds src/ to the layering drawn in README.md, so the drawing cannot go stale.
import { expect, test } from "bun:test";
import { dirname, join, normalize } from "node:path";
import { Glob } from "bun";

// Lowest first. A file may import from its own folder and from any lower layer, never sideways.
const LAYERS = [
  ["base"],
  ["codec", "gwdb", "text", "regex", "dns"],
  ["executable"],
  ["template", "entity"],
  ["message.ts"],
  ["reply.ts"],
  ["config", "store"],
  [
    "mime",
    "unpack",
    "signature",
    "scan",
    "policy",
    "treat",
    "vault",
    "notice",
    "queue",
    "outbound",
    "authentication",
    "update",
    "license",
  ],
  ["pipeline"],
  ["inbound", "admin"],
  ["gateway.ts"],
  ["cli"],
  ["main.ts"],
];

const folderOf = (path: string) => path.split("/")[1] ?? "";
const layerOf = (path: string) => LAYERS.findIndex((layer) => layer.includes(folderOf(path)));

async function* importsOf(file: string): AsyncGenerator<string> {
  const source = await Bun.file(file).text();
  for (const [, path = ""] of source.matchAll(/(?:from|import\()\s*"(\.[^"]+\.ts)"/g)) {
    yield normalize(join(dirname(file), path));
  }
}

test("every file belongs to a layer and imports only downwards", async () => {
  const wrong: string[] = [];
  for await (const file of new Glob("src/**/*.ts").scan(".")) {
    if (file.endsWith(".d.ts")) continue;
    if (layerOf(file) < 0) wrong.push(`${file}: in no layer`);
    for await (const target of importsOf(file)) {
      if (folderOf(target) === folderOf(file)) continue;
      if (layerOf(target) >= layerOf(file)) wrong.push(`${file} -> ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

// A folder that one can't take in at a glance is two folders.
const FOLDER_FILES_MAX = 12;

test("no folder holds more files than can be taken in", async () => {
  const counts = new Map<string, number>();
  for await (const file of new Glob("src/**/*.ts").scan(".")) {
    if (file.endsWith(".d.ts")) continue;
    counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  }
  const full = [...counts].filter(([, count]) => count > FOLDER_FILES_MAX);
  expect(full).toEqual([]);
});
