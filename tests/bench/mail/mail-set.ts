// The mail that is sent: the same for every system, no two messages alike, so that neither a cache
// of results nor one of hashes helps anybody.
import { toWire } from "../../harness/generator.ts";
import {
  composeMail,
  sampleDocx,
  samplePdf,
  samplePng,
  sampleZip,
  seededRandom,
  wordyText,
} from "../../harness/sample-mail.ts";

/** Loads, by name. */
export const LOADS = ["5k", "100k", "5m", "mix"] as const;
export type Load = (typeof LOADS)[number];

/** What the loads are, for tables. */
export const LOAD_TITLES: Readonly<Record<Load, string>> = {
  "5k": "5 KB text",
  "100k": "100 KB, one attachment",
  "5m": "5 MB, four attachments",
  mix: "mix 80/15/5",
};

type Size = Exclude<Load, "mix">;

const MAKERS = [
  ["pdf", samplePdf],
  ["png", samplePng],
  ["zip", sampleZip],
  ["docx", sampleDocx],
] as const;
const TEXT_SIZE = 4_850;

// The makers hit a size only roughly; a try tells by what factor to ask for more or less.
class Fitting {
  readonly #askFor = new Map<string, number>();

  attachment(kind: number, seed: number, size: number) {
    const [extension, make] = MAKERS[kind % MAKERS.length] ?? MAKERS[0];
    const key = `${extension} ${size}`;
    const asked = this.#askFor.get(key) ?? size ** 2 / make(seededRandom(1), size).length;
    this.#askFor.set(key, asked);
    return {
      name: `file${kind % MAKERS.length}.${extension}`,
      data: make(seededRandom(seed), asked),
    };
  }
}

// Decoded sizes: base64 makes 78 bytes of 57, and the text comes on top.
const ATTACHMENT_SIZES: Readonly<Record<Size, readonly number[]>> = {
  "5k": [],
  "100k": [71_000],
  "5m": [1_100_000, 900_000, 900_000, 800_000],
};

function sampleWire(size: Size, index: number, fitting: Fitting): Buffer {
  const seed = (index * LOADS.length + LOADS.indexOf(size)) * (MAKERS.length + 1);
  const message = composeMail({
    messageId: `${size}-${index}@sender.example.net`,
    text: wordyText(seededRandom(seed), TEXT_SIZE),
    attachments: ATTACHMENT_SIZES[size].map((bytes, place) =>
      fitting.attachment(index + place, seed + 1 + place, bytes),
    ),
  });
  return toWire(message);
}

// 80 % small, 15 % middle, 5 % large, spread evenly: 7919 is prime to 100, so each hundred
// messages hold each share exactly.
function mixedSize(index: number): Size {
  const percentile = (index * 7919) % 100;
  if (percentile < 80) return "5k";
  return percentile < 95 ? "100k" : "5m";
}

/** `count` messages of a load; `first` keeps sets apart that must not share a message. */
export function mailSet(load: Load, count: number, first = 0): Buffer[] {
  const fitting = new Fitting();
  return Array.from({ length: count }, (_, i) =>
    sampleWire(load === "mix" ? mixedSize(i) : load, first + i, fitting),
  );
}

/** A file of about 10 KB for the cold scan. */
export function coldScanMail(): Buffer {
  const random = seededRandom(10_000);
  return composeMail({
    messageId: "cold@sender.example.net",
    text: wordyText(random, 2_500),
    attachments: [new Fitting().attachment(0, 20_000, 5_000)],
  });
}
