// Damaged signature files and images, one at a time: importers report and never throw; an image is
// refused, or what it holds can be scanned with.
import { ImageError, openSections, sealImage } from "../../src/gwdb/image.ts";
import { Engine } from "../../src/scan/engine.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { importClamav } from "../../src/signature/clamav/importer.ts";
import { compileSignatures, compileSources } from "../../src/signature/compile.ts";
import type { Signature } from "../../src/signature/source.ts";
import { importYara } from "../../src/signature/yara/import.ts";
import { buildCore } from "../../wasm/build.ts";
import { mutated, type Random } from "./mutate.ts";

const ARENA_SIZE = 1 << 16;

const LOGICAL = [
  "A;Engine:81-255,Target:0;0&1|2;616c706861;627261766f::iwf;63(68|61)??6c{2-5}69{-3}65",
  "B;Target:1,FileSize:1-4096,Container:CL_TYPE_ZIP;(0|1)>2,2;EP+0:4d5a*5045;S0+4:!(41|42)43(B)",
  "C;Target:0;0&1&2;616263;0/a(b+)c\\1(?=d)[[:alpha:]]{2,3}/sig;1(>>4#hl4#>10,<99)",
  "D;Target:0,Intermediates:CL_TYPE_ZIP>CL_TYPE_ANY;0;4142[2-4]434445;",
].join("\n");
const BODIES = [
  "A:0:*:616263{-10}646566*6768:51:255",
  "B:1:EP+4,8:4d5a90(00|01|0203)??a?",
  "C:0:EOF-20:(L)68656c6c6f(W)",
  "D:3:$5$:6162636465",
].join("\n");
const HASHES = [
  "44d88612fea8a8f36de82e1278abb02f:68:Name",
  `${"ab".repeat(32)}:*:Other:73`,
  `100:${"cd".repeat(20)}:Third`,
].join("\n");
const ENTRIES = "A:CL_TYPE_ZIP:1-5:(?i)\\.(exe|scr)$:*:10-20:0:1:*:*\nB:*:*:a+b:*:*:*:*:*:*";
const RULES = `import "pe"
import "math"
private rule Base : tag { meta: a = "b" strings: $a = "abc" nocase wide ascii fullword condition: $a }
rule Simple { strings: $a = "bravo" condition: $a }
rule Other {
  strings:
    $t = { 4D 5A [2-4] ( 50 45 | ?1 ~00 ) ?? }
    $r = /ab+[^c]{2,5}(d|e)?/is
    $x = "secret" xor(1-255)
    $b = "payload" base64
  condition:
    Base and (any of ($t, $x) or #r > 2) and for all i in (1..#r) : (@r[i] < 100)
    and filesize < 1MB and uint16(0) == 0x5A4D and pe.number_of_sections > 1
    and math.entropy(0, filesize) > 4.5
}`;
const OWN = `signature Own.One
  severity     suspicious
  description  "A text"
  target       pe, text
  text $a  "hello" nocase
  text $b  "bravo" wide
  condition    (type is pe and any of them) or (container is lnk and $b)
  cure         remove
end

signature Own.Two
  description  "Another"
  text $a  "alpha" fullword
  condition    $a and size > 10
end
`;
/** How often a text is left as it is: what is whole must be found. */
const WHOLE_ONE_IN = 4;

const DICTIONARY = [
  ...[
    ";",
    ":",
    "|",
    "&",
    "(",
    ")",
    "{",
    "}",
    "{-4}",
    "{4-}",
    "*",
    "??",
    "?a",
    "!(",
    "(B)",
    "[1-32]",
  ],
  ...[
    "\n",
    "\r\n",
    "#",
    "0",
    "=0",
    ">1,2",
    "/",
    "\\",
    "::iwaf",
    "EP+",
    "SE1",
    "SL-1",
    "EOF-9",
    "$g$",
  ],
  ...[
    "CL_TYPE_ANY",
    "Target:",
    "Engine:1-",
    "rule ",
    "condition:",
    "strings:",
    "$a",
    "for any of them",
  ],
  ...[
    "import ",
    "/*",
    '"',
    "wide",
    "xor",
    "base64",
    "and not",
    "uint32be(",
    "0x",
    "4294967295",
    "-1",
  ],
  ...["9".repeat(30), "(".repeat(300), "a".repeat(5000), "6161".repeat(2000), 'include "x"'],
];

const CLAMAV: readonly (readonly [path: string, text: string])[] = [
  ["x.ldb", LOGICAL],
  ["x.ndb", BODIES],
  ["x.hdb", HASHES],
  ["x.mdb", HASHES],
  ["x.cdb", ENTRIES],
  ["x.db", "Name=616263646566\nOther (Clam)=41??42"],
  ["x.ign2", "A\nB:0123456789abcdef0123456789abcdef"],
  ["x.cvd", `ClamAV-VDB:01 Jan 2026 00-00 +0000:1:2:90:${"0".repeat(32)}:sig:me:1`.padEnd(1024)],
];

/** Kinds of rounds. */
export const KINDS = ["clamav", "yara", "own", "image"] as const;

/** What all rounds share: the scan core, an image, and bytes to scan. */
export class SignatureRounds {
  readonly #core: Uint8Array;
  readonly #image: Uint8Array;
  readonly #sample: Uint8Array;

  private constructor(core: Uint8Array, image: Uint8Array, sample: Uint8Array) {
    this.#core = core;
    this.#image = image;
    this.#sample = sample;
  }

  static async begin(): Promise<SignatureRounds> {
    const core = await buildCore();
    const signatures: Signature[] = [
      ...importClamav(CLAMAV.map(([path, text]) => ({ path, bytes: Buffer.from(text) })))
        .signatures,
      ...importYara([{ path: "x.yar", text: RULES }]).signatures,
    ];
    const { image } = await compileSignatures({ signatures, diagnostics: [] }, core);
    const sample = Buffer.from(`MZ hello AB12C alpha bravo abcdef ${"PE secret ".repeat(50)}`);
    return new SignatureRounds(core, image, sample);
  }

  /** One round; answers what came of it, and throws for what should not be. */
  async round(kind: (typeof KINDS)[number], next: Random): Promise<string> {
    switch (kind) {
      case "clamav": {
        const [path, text] = CLAMAV[next(CLAMAV.length)] ?? ["x.ldb", LOGICAL];
        const bytes = this.#text(text, next);
        return this.#use(importClamav([{ path, bytes }]).signatures);
      }
      case "yara": {
        const text = this.#text(RULES, next).toString("latin1");
        return this.#use(importYara([{ path: "x.yar", text }]).signatures);
      }
      case "own": {
        const text = this.#text(OWN, next).toString("latin1");
        const compiled = await compileSources([{ path: "x.gws", text }], this.#core, {});
        return this.#scan(compiled.image);
      }
      case "image":
        return this.#scan(this.#damaged(next));
      default:
        return kind satisfies never;
    }
  }

  #text(text: string, next: Random): Buffer {
    const bytes = Buffer.from(text, "latin1");
    return next(WHOLE_ONE_IN) === 0 ? bytes : mutated(bytes, DICTIONARY, next);
  }

  async #use(signatures: readonly Signature[]): Promise<string> {
    if (signatures.length === 0) return "nothing loaded";
    const { image } = await compileSignatures(
      { signatures: [...signatures], diagnostics: [] },
      this.#core,
    );
    return this.#scan(image);
  }

  // Sections are damaged and sealed again: the checksum is right, what it covers is not.
  #damaged(next: Random): Uint8Array {
    const sections = [...openSections(this.#image).values()].map((section) => ({ ...section }));
    for (let count = 1 + next(3); count > 0; count--) {
      const section = sections[next(sections.length)];
      if (section === undefined) continue;
      const bytes = Uint8Array.from(section.bytes);
      for (let k = 1 + next(4); k > 0 && bytes.length > 0; k--) {
        const at = next(bytes.length);
        bytes[at] = next(2) === 0 ? next(256) : (bytes[at] ?? 0) ^ (1 << next(8));
      }
      section.bytes = next(10) === 0 ? bytes.slice(0, next(bytes.length + 1)) : bytes;
      if (next(10) === 0) section.count = next(2) === 0 ? next(1000) : next(2 ** 31);
    }
    return sealImage(sections);
  }

  // A damaged judgement may throw while it is read, which leaves the object unscanned. What must
  // not be is a trap of the core: that is a place it should not have gone to.
  async #scan(image: Uint8Array): Promise<string> {
    let engine: Engine;
    try {
      const set = loadSet(image, { arenas: 1, arenaSize: ARENA_SIZE, core: this.#core });
      engine = await Engine.attach(set, 0);
    } catch (error) {
      if (error instanceof ImageError || error instanceof RangeError) return "refused";
      throw error;
    }
    try {
      const object = { name: "a.exe", type: "pe", containerType: "zip", containers: ["zip"] };
      const { findings } = engine.scan({ ...object, bytes: this.#sample, depth: 1 });
      return findings.length > 0 ? "found" : "clean";
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
      return "unscanned";
    }
  }
}
