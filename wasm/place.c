// Where in its run a pattern is looked for: at the place whose windows are met least often, by what
// is known of mail, web pages, scripts and programs, and by the runs of the set itself, which have
// much in common with what is scanned.
#include "build.h"
#include "frequency.h"

#define PLACES_MAX 2048u  // offsets considered in one run
#define PLACES_END (PLACES_MAX + 16u)
#define SCALE_BITS 40u  // expected hits per byte are fractions of 2^40

// Bits of surprise of `next` after `last`: pairs were counted by frequency.ts.
INLINE u32 surprise(u8 last, u8 next) {
  u32 class = FREQUENCY_CLASS[next];
  u32 bits = (u32)(FREQUENCY_PAIRS[FREQUENCY_CLASS[last] * FREQUENCY_CLASSES + class] - 'A');
  return bits + (u32)(FREQUENCY_EXTRA[class] - 'A');
}

// Greater for bytes that are seldom.
u32 byte_rarity(u8 byte) { return FREQUENCY_CLASS[byte]; }

INLINE u64 expected(u32 bits) { return bits >= SCALE_BITS ? 1 : 1ull << (SCALE_BITS - bits); }

INLINE u8 *cell_of(const Counts *counts, const u8 *p, const Tier *tier) {
  u64 h = filter_hash(p, (int)tier->window, (int)tier->fold, HASH_PHASES);
  return counts->cells + (h >> (64 - counts->log));
}

// Counts the windows of a run.
void count_windows(Counts *counts, const u8 *run, u32 length, const Tier *tier) {
  u32 end = min32(length, PLACES_END);
  for (u32 i = 0; i + tier->window <= end; i++) {
    u8 *cell = cell_of(counts, run + i, tier);
    if (*cell < 0xff) ++*cell;
  }
  if (end >= tier->window) counts->total += end - tier->window + 1;
}

// Whether the bytes from `at` differ at all, cases aside (exact runs may end up in a folded tier):
// the scanner passes over stretches of one byte.
INLINE u32 is_varied(const u8 *run, u32 at, u32 span) {
  for (u32 i = 1; i < span; i++) {
    if ((run[at + i] | 0x20) != (run[at] | 0x20)) return 1;
  }
  return 0;
}

u32 has_place(const u8 *run, u32 length, u32 span) {
  u32 end = min32(length, PLACES_END);
  for (u32 at = 0; at + span <= end; at++) {
    if (is_varied(run, at, span)) return 1;
  }
  return 0;
}

// bits[i]: surprise of the bytes 1..i.
static void sum_surprise(const u8 *run, u32 end, u32 isFolded, u16 *bits) {
  bits[0] = 0;
  for (u32 i = 1; i < end; i++) {
    u32 own = surprise(run[i - 1], run[i]);
    if (isFolded && own > 0 && is_letter(run[i])) own--;
    bits[i] = (u16)(bits[i - 1] + own);
  }
}

// hits[i]: how often the window at i is met per byte. A set of few runs says little.
static void expect_hits(const u8 *run, u32 end, const u16 *bits, const Tier *tier,
                        const Counts *counts, u64 *hits) {
  u64 each = (1ull << SCALE_BITS) / (counts->total + 1000);
  for (u32 i = 0; i + tier->window <= end; i++) {
    u32 others = *cell_of(counts, run + i, tier);
    hits[i] = expected(6u + bits[i + tier->window - 1] - bits[i]);
    if (others > 1) hits[i] += (others - 1) * each;
  }
}

// The rarest place of a run.
Place best_place(const u8 *run, u32 length, const Tier *tier, const Counts *counts) {
  const u32 span = tier->window + tier->stride - 1, end = min32(length, PLACES_END);
  Place best = {NONE64, 0};
  u16 bits[PLACES_END];
  u64 hits[PLACES_END];
  sum_surprise(run, end, tier->fold, bits);
  expect_hits(run, end, bits, tier, counts, hits);
  for (u32 at = 0; at + span <= end; at++) {
    if (!is_varied(run, at, span)) continue;
    u64 sum = 0, least = NONE64;
    for (u32 j = 0; j < tier->stride; j++) {
      sum += hits[at + j];
      if (hits[at + j] < least) least = hits[at + j];
    }
    u32 total = (u32)(bits[at + span - 1] - bits[at]);
    // Every window costs a look, the rarest limits what comes behind it. Ties (all rare beyond the
    // scale) go to the place with more surprise in all.
    u64 cost = (sum * 4 + least * 8) * 256 + (255 - min32(total, 255));
    if (cost < best.cost) best = (Place){cost, at};
  }
  return best;
}
