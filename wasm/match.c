// The literal search. Each tier holds patterns by the length of the literal run they can be found
// by; one pass over the object per tier that has entries:
//   1. filter: at every `stride`-th byte the hash of a `window`-byte window is looked up in a
//      blocked Bloom filter of two bits; hits are appended without a branch.
//   2. windows of one repeated byte are dropped (zero pages): the builder never inserts those.
//   3. canonical: every run is filed once, under a window of window + stride - 1 bytes, so of
//      `stride` possible alignments exactly one meets the filter; buckets of eight 16-bit tags.
//   4. verify: anchors whose tags are equal.
// So nothing is found twice, and the cost of the pass falls with the stride. Small sets with short
// runs have one pass of stride 2 with 3-byte windows and a table of bytes instead of the filter.
#include "simd.h"

// Shifts by constants are worth 30 % here, hence one loop per filter size.
#define FILTER_SIZES(X, S, W, F) \
  X(9, S, W, F) X(11, S, W, F) X(13, S, W, F) X(15, S, W, F) X(16, S, W, F) \
  X(17, S, W, F) X(18, S, W, F) X(19, S, W, F) X(20, S, W, F) X(21, S, W, F)

INLINE u32 is_hit(const u32 *filter, u64 h, int log) {
  u32 word = filter[(u32)(h >> (64 - log))];
  return (word >> ((u32)(h >> (59 - log)) & 31)) & (word >> ((u32)(h >> (54 - log)) & 31)) & 1;
}

// `end - p` is a multiple of 8 strides.
#define FILTER_LOOP(LOG, S, W, F)                                                            \
  static NOINLINE u32 *filter_##LOG##_##S##_##F(const u32 *filter, const u8 *p, const u8 *end, \
                                                const u8 *base, u32 *out) {                  \
    while (p < end) {                                                                        \
      _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) {                                  \
        *out = (u32)(p - base) + i * S;                                                      \
        out += is_hit(filter, filter_hash(p + i * S, W, F), LOG);                            \
      }                                                                                      \
      p += 8 * S;                                                                            \
    }                                                                                        \
    return out;                                                                              \
  }
#define FILTER_CASE(LOG, S, W, F) \
  case LOG: out = filter_##LOG##_##S##_##F(filter, p, even, base, out); break;

// The table of bytes has one size only.
#define SHORT_TIER(F)                                                                         \
  static u32 *filter_block_3_##F(const u32 *filter, u32 log, const u8 *p, const u8 *end,      \
                                 const u8 *base, u32 *out) {                                  \
    const u8 *table = (const u8 *)filter, *even = p + (u32)(end - p) / 16 * 16;               \
    while (p < even) {                                                                        \
      _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) {                                   \
        *out = (u32)(p - base) + i * 2;                                                       \
        out += table[short_hash(p + i * 2, F)];                                               \
      }                                                                                       \
      p += 16;                                                                                \
    }                                                                                         \
    for (; p < end; p += 2) {                                                                 \
      *out = (u32)(p - base);                                                                 \
      out += table[short_hash(p, F)];                                                         \
    }                                                                                         \
    (void)log;                                                                                \
    return out;                                                                               \
  }                                                                                           \
  static NOINLINE void search_3_##F(Scan *scan, const Tier *tier) {                           \
    search_tier(scan, tier, filter_block_3_##F, 2, 3, F);                                     \
  }

#define TIER(S, W, F)                                                                         \
  FILTER_SIZES(FILTER_LOOP, S, W, F)                                                          \
  static u32 *filter_block_##S##_##F(const u32 *filter, u32 log, const u8 *p, const u8 *end,  \
                                     const u8 *base, u32 *out) {                              \
    const u8 *even = p + (u32)(end - p) / (8 * S) * (8 * S);                                  \
    if (even > p) switch (log) { FILTER_SIZES(FILTER_CASE, S, W, F) }                         \
    for (p = even; p < end; p += S) {                                                         \
      *out = (u32)(p - base);                                                                 \
      out += is_hit(filter, filter_hash(p, W, F), (int)log);                                  \
    }                                                                                         \
    return out;                                                                               \
  }                                                                                           \
  static NOINLINE void search_##S##_##F(Scan *scan, const Tier *tier) {                       \
    search_tier(scan, tier, filter_block_##S##_##F, S, W, F);                                 \
  }

typedef u32 *(*FilterBlock)(const u32 *, u32, const u8 *, const u8 *, const u8 *, u32 *);

// Drops candidates in runs of one byte. The builder inserts no filter window that is such a run,
// or, for those of 3 bytes, no canonical window: then all that the candidate could be part of are
// one.
INLINE u32 *drop_runs(const u8 *base, const u32 *from, const u32 *to, u32 *out, int window) {
  const int before = window == 3 ? 1 : 0, span = window == 3 ? 5 : window;
  for (; from < to; from++) {
    u64 x = load64(base + *from - before) << (64 - 8 * span);
    *out = *from;
    out += ((x ^ (x << 8)) >> (72 - 8 * span)) != 0;
  }
  return out;
}

static void verify_window(Scan *scan, const Tier *tier, i32 window, u32 bucket, u32 tag) {
  const u8 *tags = scan->tiers + tier->tags;
  const u32 *ids = (const u32 *)(scan->tiers + tier->ids);
  for (; bucket < tier->buckets; bucket++) {
    u32 equal = tags_equal(tags + bucket * 16, tag);
    for (; equal != 0; equal &= equal - 1) {
      verify_anchor(scan, ids[bucket * 8 + (u32)__builtin_ctz(equal)], window);
    }
    if (load16(tags + bucket * 16 + 14) != 0xffff || !spend(scan, 1)) return;
  }
}

INLINE void search_tier(Scan *scan, const Tier *tier, FilterBlock filter_block, const int stride,
                        const int window, const int fold) {
  const u8 *base = scan->bytes, *tags = scan->tiers + tier->tags;
  const u32 *filter = (const u32 *)(scan->tiers + tier->filter);
  const u32 mask = (1u << tier->bucketLog) - 1;
  if (scan->size < (u32)window) return;
  const u8 *end = base + scan->size - window + 1;
  for (const u8 *p = base; p < end && !scan->isIncomplete; p += BLOCK * stride) {
    const u8 *blockEnd = (u32)(end - p) > BLOCK * stride ? p + BLOCK * stride : end;
    u32 *last = filter_block(filter, tier->filterLog, p, blockEnd, base, scan->candidates);
    if (last == scan->candidates) continue;
    last = drop_runs(base, scan->candidates, last, scan->survivors, window);
    u32 *found = scan->windows;
    for (const u32 *at = scan->survivors; at < last; at++) {
      const u8 *q = base + *at - (stride - 1);
#pragma GCC unroll 8
      for (int j = 0; j < stride; j++) {
        u64 h = window_hash(q + j, window, stride, fold);
        u32 bucket = (u32)h & mask;
        found[0] = *at - (u32)(stride - 1) + (u32)j;
        found[1] = bucket;
        found += tags_any(tags + bucket * 16, window_tag(h)) * 2;
      }
    }
    spend(scan, (u32)(last - scan->survivors) * 2);
    for (const u32 *w = scan->windows; w < found; w += 2) {
      if ((i32)w[0] < 0) continue;
      u32 tag = window_tag(window_hash(base + w[0], window, stride, fold));
      verify_window(scan, tier, (i32)w[0], w[1], tag);
    }
  }
}

TIER(8, 8, 0)
TIER(8, 8, 1)
TIER(4, 8, 0)
TIER(4, 8, 1)
TIER(2, 5, 0)
TIER(2, 5, 1)
TIER(1, 4, 0)
TIER(1, 4, 1)
SHORT_TIER(0)
SHORT_TIER(1)

void search_tiers(Scan *scan) {
  const Tier *tier = (const Tier *)scan->tiers;
  for (u32 i = 0; i < scan->counts[SECTION_TIERS] && !scan->isIncomplete; i++, tier++) {
    switch (tier->window << 8 | tier->stride << 4 | tier->fold) {
      case 0x880: search_8_0(scan, tier); break;
      case 0x881: search_8_1(scan, tier); break;
      case 0x840: search_4_0(scan, tier); break;
      case 0x841: search_4_1(scan, tier); break;
      case 0x520: search_2_0(scan, tier); break;
      case 0x521: search_2_1(scan, tier); break;
      case 0x410: search_1_0(scan, tier); break;
      case 0x411: search_1_1(scan, tier); break;
      case 0x320: search_3_0(scan, tier); break;
      case 0x321: search_3_1(scan, tier); break;
    }
  }
}
