// Files that ClamAV's logical signatures should hit: each holds the bytes of a signature's parts in a
// file of the type that it asks for. Whether it hits is for the scanners to say.
import { buildPe } from "../harness/pe-builder.ts";
import type { Random } from "../scan/generator.ts";
import { buildCompound } from "../unpack/office/build-compound.ts";
import { vbaStreams } from "../unpack/office/build-office.ts";
import { textOf } from "./yara-samples.ts";

// Longest run that stands for a gap.
const GAP_MAX = 40;
const TARGETS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  "1": (body) => Buffer.concat([buildPe(), body]),
  // The source of a module, and beside it a stream with the same bytes.
  "2": (body) =>
    buildCompound({
      ...vbaStreams([{ name: "Module1", source: body.toString("latin1") }]),
      // Without it ClamAV takes the storage for no project.
      "Macros/VBA/_VBA_PROJECT": Buffer.from("cc61ffff000000", "hex"),
      Contents: body,
    }),
  "3": (body) => Buffer.concat([Buffer.from("<html><body>"), body, Buffer.from("</body></html>")]),
  "6": (body) => Buffer.concat([Buffer.from("7f454c4602010100", "hex"), Buffer.alloc(56), body]),
  "9": (body) => Buffer.concat([Buffer.from("cffaedfe", "hex"), Buffer.alloc(28), body]),
};

/** Bytes that one hexadecimal pattern hits, for what is simple in it; expressions give none. */
export function bytesOf(pattern: string, random: Random): Buffer {
  const [, modifiers = ""] = /::([a-z]+)$/.exec(pattern) ?? [];
  let rest = pattern.replace(/::[a-z]+$/, "").replace(/^[^:()]*:/, "");
  const out: number[] = [];
  const fill = (count: number) => {
    for (let i = 0; i < Math.min(count, GAP_MAX); i++) out.push(0x41 + random.below(26));
  };
  while (rest !== "") {
    const byte = /^([0-9a-f?])([0-9a-f?])/i.exec(rest);
    const gap = /^[{[](\d*)-?(\d*)[}\]]/.exec(rest);
    const either = /^!?\(([^()]*)\)/.exec(rest);
    if (byte !== null) {
      out.push(Number.parseInt(`${byte[1]}${byte[2]}`.replaceAll("?", "4"), 16));
      rest = rest.slice(2);
    } else if (gap !== null) {
      fill(Number(gap[1] || gap[2] || 0));
      rest = rest.slice(gap[0].length);
    } else if (either !== null) {
      const words = (either[1] ?? "").split("|").filter((word) => /^[0-9a-f]+$/i.test(word));
      const word = rest.startsWith("!") || words.length === 0 ? "" : words[0];
      out.push(...Buffer.from(word ?? "", "hex"));
      rest = rest.slice(either[0].length);
    } else {
      if (rest.startsWith("*")) fill(random.below(GAP_MAX));
      rest = rest.slice(1);
    }
  }
  const bytes = Buffer.from(out);
  if (!modifiers.includes("w") || modifiers === "wf") return bytes;
  return Buffer.from(bytes.toString("latin1"), "utf16le");
}

// `0,1/expression/flags`: what follows the trigger, which may hold slashes.
function expressionOf(sub: string, random: Random): Uint8Array {
  const [, source = "", flags = ""] = /^[^/]*\/(.*)\/([a-z]*)$/s.exec(sub) ?? [];
  try {
    return textOf(source, "pcre", flags.replace(/[^ismx]/g, ""), random);
  } catch {
    // One that gw can't read either is reported when the set is loaded.
    return new Uint8Array(0);
  }
}

/** A file for one line of an .ldb file. `share` is the part of its patterns that are put in. */
export function sampleFor(line: string, random: Random, share: number): Buffer {
  const [, target = "", , ...subs] = line.split(";");
  const chosen = subs.filter(() => random.below(100) < share * 100);
  // What has to be at the start comes first.
  const ordered = chosen.sort((a, b) => Number(b.startsWith("0:")) - Number(a.startsWith("0:")));
  const parts = ordered.flatMap((sub) => [
    sub.includes("/") ? expressionOf(sub, random) : bytesOf(sub, random),
    Buffer.from("\n"),
  ]);
  const type = /Target:(\d+)/.exec(target)?.[1] ?? "0";
  const wrap = TARGETS[type] ?? ((body: Buffer) => body);
  return wrap(Buffer.concat(parts));
}
