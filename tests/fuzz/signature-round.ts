// Damaged signature files and images, one at a time: importers report and never throw; an image is
// refused, or what it holds can be scanned with; and whole signatures find what the reference finds.
import { ImageError, openSections, sealImage } from "../../src/gwdb/image.ts";
import { Engine } from "../../src/scan/engine.ts";
import { loadSet } from "../../src/scan/signature-set.ts";
import { importClamav } from "../../src/signature/clamav/importer.ts";
import { compileSignatures, compileSources } from "../../src/signature/compile.ts";
import { type Loaded, loadSignatures } from "../../src/signature/import/load.ts";
import { importYara } from "../../src/signature/yara/import.ts";
import { buildCore } from "../../wasm/build.ts";
import { ContainerMaker, type Wish } from "../harness/clamav-container.ts";
import { compareCore } from "../scan/compare.ts";
import { mutated, type Random } from "./mutate.ts";
import { CLAMAV, DICTIONARY, HASH_LISTS, OWN, RULES } from "./signature-samples.ts";

const ARENA_SIZE = 1 << 16;
/** How often a text is left as it is: what is whole must be found. */
const WHOLE_ONE_IN = 4;
/** One comparison in so many has signatures enough for searches of other kinds. */
const MANY_ONE_IN = 10;
const MANY = 500;

/** Kinds of rounds. */
export const KINDS = ["clamav", "container", "hashes", "yara", "own", "image", "matcher"] as const;

const PAGE = Buffer.from('<a href="http://a.de/x?y">www.paypal.com</a> alpha <b>bravo</b>');

type Loose = Pick<Loaded, "signatures" | "lists">;

/** What all rounds share: the scan core, an image, and bytes to scan. */
export class SignatureRounds {
  readonly #core: Uint8Array;
  readonly #image: Uint8Array;
  readonly #sample: Uint8Array;
  readonly #containers = new ContainerMaker();

  private constructor(core: Uint8Array, image: Uint8Array, sample: Uint8Array) {
    this.#core = core;
    this.#image = image;
    this.#sample = sample;
  }

  static async begin(): Promise<SignatureRounds> {
    const core = await buildCore();
    const clamav = CLAMAV.map(([path, text]) => ({ path, bytes: Buffer.from(text) }));
    const files = [...clamav, { path: "x.yar", bytes: Buffer.from(RULES) }];
    const { signatures, lists } = loadSignatures(files);
    const { image } = await compileSignatures({ signatures, diagnostics: [] }, core, { lists });
    const sample = Buffer.from(`MZ hello AB12C alpha bravo abcdef ${"PE secret ".repeat(50)}`);
    return new SignatureRounds(core, image, sample);
  }

  /** One round; answers what came of it, and throws for what should not be. */
  async round(kind: (typeof KINDS)[number], next: Random): Promise<string> {
    switch (kind) {
      case "clamav": {
        const [path, text] = CLAMAV[next(CLAMAV.length)] ?? ["x.ldb", ""];
        const bytes = this.#text(text, next);
        return this.#use(importClamav([{ path, bytes }]));
      }
      case "container":
        return this.#container(next);
      case "hashes": {
        const [path, text] = HASH_LISTS[next(HASH_LISTS.length)] ?? ["x.txt", ""];
        return this.#use(loadSignatures([{ path, bytes: this.#text(text, next) }]));
      }
      case "yara": {
        const text = this.#text(RULES, next).toString("latin1");
        const { signatures } = importYara([{ path: "x.yar", text }]);
        return this.#use({ signatures, lists: importClamav([]).lists });
      }
      case "own": {
        const text = this.#text(OWN, next).toString("latin1");
        const compiled = await compileSources([{ path: "x.gws", text }], this.#core, {});
        return this.#scan(compiled.image);
      }
      case "image":
        return this.#scan(this.#damaged(next));
      case "matcher":
        return this.#compare(next);
      default:
        return kind satisfies never;
    }
  }

  #text(text: string, next: Random): Buffer {
    const bytes = Buffer.from(text, "latin1");
    return next(WHOLE_ONE_IN) === 0 ? bytes : mutated(bytes, DICTIONARY, next);
  }

  async #use({ signatures, lists }: Loose): Promise<string> {
    const isEmpty = signatures.length === 0 && lists.posed.length + lists.allowed.length === 0;
    if (isEmpty) return "nothing loaded";
    const parsed = { signatures, diagnostics: [] };
    const { image } = await compileSignatures(parsed, this.#core, { lists });
    return this.#scan(image);
  }

  // Files with mistakes in a container that is in order; or an archive with mistakes whose checksum
  // is right; or a container that was changed after it was signed.
  #container(next: Random): Promise<string> {
    const [name, text] = CLAMAV[next(CLAMAV.length)] ?? ["x.ldb", ""];
    const files = { [name]: this.#text(text, next) };
    const change = (bytes: Buffer) => mutated(bytes, DICTIONARY, next);
    const damages: NonNullable<Wish["damage"]>[] = [{}, { tar: change }, { packed: change }];
    const damage = damages[next(damages.length)] ?? {};
    const made = this.#containers.make({ files, damage });
    const bytes = next(4) === 0 ? change(made) : made;
    const path = next(2) === 0 ? "x.cvd" : "x.cld";
    return this.#use(importClamav([{ path, bytes }], this.#containers.keys));
  }

  async #compare(next: Random): Promise<string> {
    const { matches, differences } = await compareCore(this.#core, {
      seed: next(2 ** 31),
      runMin: [4, 6, 11, 15][next(4)] ?? 4,
      hasFolded: next(2) === 0,
      count: next(MANY_ONE_IN) === 0 ? MANY : 1 + next(40),
    });
    if (differences.length > 0)
      throw new Error(`not as the reference: ${JSON.stringify(differences)}`);
    return matches > 0 ? "found" : "clean";
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
      const page = { name: "", type: "html", containerType: "mail", containers: ["mail"] };
      const links = engine.scan({ ...page, bytes: PAGE, depth: 1 }).findings;
      return findings.length + links.length > 0 ? "found" : "clean";
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) throw error;
      return "unscanned";
    }
  }
}
