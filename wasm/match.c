// The literal search. Each tier holds patterns by the length of the literal run they can be found
// by; one pass over the object per tier that has entries:
//   1. filter: at every `stride`-th byte the hash of a `window`-byte window is looked up in a table
//      of bits, or of bytes if it is small; hits are appended without a branch.
//   2. phases: another table, by another hash, says at which distances from the beginning of a
//      canonical window (see 3) such a window was filed: mostly none or one. Windows that lie in a
//      long run of one byte (zero pages) are dropped: the builder files no such canonical window.
//   3. canonical: every run is filed once, under a window of window + stride - 1 bytes, so of
//      `stride` possible alignments exactly one meets the filter; buckets of eight 16-bit tags.
//   4. verify: anchors whose tags are equal, and then four more bytes of the run.
// So nothing is found twice, and the cost of the pass falls with the stride. Each step works
// through a list of its own, which keeps many reads of large tables under way at once.
#include "simd.h"
#include "tier.h"

#define UNROLLED 8

// `end - p` is a multiple of UNROLLED strides.
#define FILTER_LOOP(LOG, HIT, W, S, F)                                                        \
  static NOINLINE u32 *HIT##_##LOG##_##W##_##S##_##F(const u8 *filter, const u8 *p,           \
                                                     const u8 *end, const u8 *base, u32 *out) { \
    while (p < end) {                                                                         \
      _Pragma("GCC unroll 8") for (int i = 0; i < UNROLLED; i++) {                            \
        *out = (u32)(p - base) + i * S;                                                       \
        out += HIT(filter, filter_hash(p + i * S, W, F, HASH_FILTER), LOG);                   \
      }                                                                                       \
      p += UNROLLED * S;                                                                      \
    }                                                                                         \
    return out;                                                                               \
  }
#define FILTER_CASE(LOG, HIT, W, S, F) \
  case LOG: out = HIT##_##LOG##_##W##_##S##_##F(filter, p, even, base, out); break;

// Appends the hits of one block.
#define FILTER_BLOCK(W, S, F)                                                                 \
  FILTER_BYTE_SIZES(FILTER_LOOP, filter_byte, W, S, F)                                        \
  FILTER_BIT_SIZES(FILTER_LOOP, filter_bit, W, S, F)                                          \
  static u32 *filter_block_##W##_##S##_##F(const Tier *tier, const u8 *filter, const u8 *p,   \
                                           const u8 *end, const u8 *base, u32 *out) {         \
    const u8 *even = p + (u32)(end - p) / (UNROLLED * S) * (UNROLLED * S);                    \
    if (even > p && tier->isBytes) {                                                          \
      switch (tier->filterLog) { FILTER_BYTE_SIZES(FILTER_CASE, filter_byte, W, S, F) }       \
    } else if (even > p) {                                                                    \
      switch (tier->filterLog) { FILTER_BIT_SIZES(FILTER_CASE, filter_bit, W, S, F) }         \
    }                                                                                         \
    for (p = even; p < end; p += S) {                                                         \
      u64 h = filter_hash(p, W, F, HASH_FILTER);                                              \
      *out = (u32)(p - base);                                                                 \
      out += tier->isBytes ? filter_byte(filter, h, (int)tier->filterLog)                     \
                           : filter_bit(filter, h, (int)tier->filterLog);                     \
    }                                                                                         \
    return out;                                                                               \
  }                                                                                           \
  static NOINLINE void search_##W##_##S##_##F(Scan *scan, const Tier *tier) {                 \
    search_tier(scan, tier, filter_block_##W##_##S##_##F, W, S, F);                           \
  }

typedef u32 *(*FilterBlock)(const Tier *, const u8 *, const u8 *, const u8 *, const u8 *, u32 *);

// Whether p lies in a stretch of one byte that takes in all windows the one at p can be part of.
INLINE u32 is_run(const u8 *p) {
  u64 x = load64(p);
  return x == rotate64(x, 8) && ((x ^ load64(p - 7)) | (x ^ load64(p + 7))) == 0;
}

// The candidates that have phases, with these.
INLINE u64 *find_phases(Scan *scan, const Tier *tier, const u32 *end, const int window,
                        const int fold) {
  const u8 *base = scan->bytes, *phases = scan->tiers + tier->phases;
  const u32 shift = 64 - tier->phaseLog;
  u64 *out = scan->survivors;
  for (const u32 *at = scan->candidates; at < end; at++) {
    const u8 *p = base + *at;
    if (is_run(p)) continue;
    u32 mask = phases[(u32)(filter_hash(p, window, fold, HASH_PHASES) >> shift)];
    *out = (u64)mask << 32 | *at;
    out += mask != 0;
  }
  return out;
}

// The beginnings of the canonical windows that they may belong to, all of them without a branch:
// how many there are can't be foreseen.
INLINE u32 *list_windows(Scan *scan, const u64 *end, const int stride) {
  u32 *out = scan->windows;
  for (const u64 *at = scan->survivors; at < end; at++) {
    u32 p = (u32)*at, phases = (u32)(*at >> 32);
#pragma GCC unroll 8
    for (int j = 0; j < stride; j++) {
      *out = p - (u32)j;
      out += (phases >> j) & 1;
    }
  }
  return out;
}

// Those of them that a bucket may have, with that bucket.
INLINE u32 *find_windows(Scan *scan, const Tier *tier, const u32 *end, const int window,
                         const int stride, const int fold) {
  const u8 *base = scan->bytes, *tags = scan->tiers + tier->tags;
  const u32 mask = (1u << tier->bucketLog) - 1;
  u32 *out = scan->found;
  for (const u32 *at = scan->windows; at < end; at++) {
    u64 h = window_hash(base + (i32)*at, window, stride, fold);
    u32 bucket = (u32)h & mask;
    out[0] = *at;
    out[1] = bucket;
    out += tags_any(tags + bucket * 16, window_tag(h)) * 2;
  }
  return out;
}

static void verify_window(Scan *scan, const Tier *tier, u32 at, u32 bucket, u32 tag) {
  const u8 *tags = scan->tiers + tier->tags;
  const u32 *firsts = (const u32 *)(scan->tiers + tier->firsts);
  const u32 span = tier->window + tier->stride - 1, differs = tier->fold ? ~FOLD32 : NONE;
  for (; bucket < tier->buckets; bucket++) {
    u32 equal = tags_equal(tags + bucket * 16, tag);
    for (; equal != 0; equal &= equal - 1) {
      const Anchor *anchor = scan->anchors + firsts[bucket] + (u32)__builtin_ctz(equal);
      u32 run = at - anchor->at;
      if (anchor->at > at || run > scan->size || anchor->length > scan->size - run) continue;
      const u8 *probe = scan->bytes + run + probe_place(anchor->length, anchor->at, span);
      if (((load32(probe) ^ anchor->probe) & differs) == 0) verify_anchor(scan, anchor, run);
    }
    if (load16(tags + bucket * 16 + 14) != TAG_GOES_ON || !spend(scan, BUCKET_SLOTS)) return;
  }
}

INLINE void search_tier(Scan *scan, const Tier *tier, FilterBlock filter_block, const int window,
                        const int stride, const int fold) {
  const u8 *base = scan->bytes, *filter = scan->tiers + tier->filter;
  if (scan->size < (u32)window) return;
  const u8 *end = base + scan->size - window + 1;
  for (const u8 *p = base; p < end && !scan->isIncomplete; p += BLOCK * stride) {
    const u8 *blockEnd = (u32)(end - p) > BLOCK * stride ? p + BLOCK * stride : end;
    u32 *last = filter_block(tier, filter, p, blockEnd, base, scan->candidates);
    last = list_windows(scan, find_phases(scan, tier, last, window, fold), stride);
    spend(scan, (u32)(last - scan->windows) * 2);
    last = find_windows(scan, tier, last, window, stride, fold);
    for (const u32 *at = scan->found; at < last; at += 2) {
      if ((i32)at[0] < 0) continue;
      u32 tag = window_tag(window_hash(base + at[0], window, stride, fold));
      verify_window(scan, tier, at[0], at[1], tag);
    }
  }
}

#define TIER_LOOPS(W, S) FILTER_BLOCK(W, S, 0) FILTER_BLOCK(W, S, 1)
TIER_KINDS(TIER_LOOPS)

void search_tiers(Scan *scan) {
  const Tier *tier = (const Tier *)scan->tiers;
  for (u32 i = 0; i < scan->counts[SECTION_TIERS] && !scan->isIncomplete; i++, tier++) {
    switch (tier->window << 4 | tier->stride) {
#define TIER_CASE(W, S)                                        \
  case W << 4 | S:                                             \
    if (tier->fold) search_##W##_##S##_1(scan, tier);          \
    else search_##W##_##S##_0(scan, tier);                     \
    break;
      TIER_KINDS(TIER_CASE)
    }
  }
}
