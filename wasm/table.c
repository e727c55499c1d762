// Fills the tables of one tier: filter, phases, buckets; and puts its anchors in the buckets' order.
#include "build.h"

typedef struct { u32 bucket, tag; } Filing;

#define BUCKETS_SMALL_LOG 12u  // up to which tables are small

INLINE const u8 *place_of(const Builder *b, const Anchor *anchor) {
  return b->layout->runs + anchor->bytes + anchor->at;
}

// Room in the tables' section; its offset there.
u32 reserve(Builder *b, u32 length) {
  u32 offset = (u32)(b->at - (b->layout->out + b->layout->tiers));
  b->at += (length + 63) & ~63u;
  return offset;
}

// Tables so large that at most a sixteenth (bytes) or a twelfth (bits) of a filter's places are taken,
// as far as sizes go, and half of those of the phases, or all where a table leaves the near caches.
void choose_sizes(Tier *tier) {
  u64 windows = (u64)tier->entries * tier->stride;
  tier->filterLog = 0;
#define TRY_BYTES(LOG, SHARE) \
  if (tier->filterLog == 0 && windows * SHARE <= 1u << LOG) tier->filterLog = LOG;
  FILTER_BYTE_SIZES(TRY_BYTES, 16)
  tier->isBytes = tier->filterLog != 0;
#define TRY_BITS(LOG, SHARE) \
  if (tier->filterLog == 0 && windows * SHARE <= 8u << LOG) tier->filterLog = LOG;
  FILTER_BIT_SIZES(TRY_BITS, 12)
#define TAKE_LARGEST(LOG, LEAST) \
  if (LOG > largest) largest = LOG;
  u32 largest = 0;
  FILTER_BIT_SIZES(TAKE_LARGEST, 0)
  if (tier->filterLog == 0) tier->filterLog = largest;
  tier->phaseLog = PHASE_LOG_MIN;
  while (tier->phaseLog < PHASE_LOG_MAX) {
    u64 slots = 1ull << tier->phaseLog;
    if (slots >= (tier->phaseLog < 20 ? 2 : 1) * windows) break;
    tier->phaseLog++;
  }
  // A bucket that runs over costs every window that meets it a further look. So a small table has a
  // bucket for each entry: mostly it is that of short windows, which are met often. A large one has
  // a fourth of that, to stay in the near caches.
  tier->bucketLog = 4;
  while ((tier->bucketLog < BUCKETS_SMALL_LOG ? 1ull : 4ull) << tier->bucketLog < tier->entries) {
    tier->bucketLog++;
  }
}

static void fill_filters(const Builder *b, const Tier *tier, const Anchor *anchors) {
  u8 *tables = b->layout->out + b->layout->tiers;
  u8 *filter = tables + tier->filter, *phases = tables + tier->phases;
  int log = (int)tier->filterLog, window = (int)tier->window, fold = (int)tier->fold;
  for (u32 i = 0; i < tier->entries; i++) {
    const u8 *place = place_of(b, anchors + i);
    for (u32 j = 0; j < tier->stride; j++) {
      u64 h = filter_hash(place + j, window, fold, HASH_FILTER);
      if (tier->isBytes) filter[h >> (64 - log)] = 1;
      else ((u32 *)filter)[h >> (66 - log)] |= 1u << ((h >> (61 - log)) & 31);
      h = filter_hash(place + j, window, fold, HASH_PHASES);
      phases[h >> (64 - tier->phaseLog)] |= (u8)(1u << j);
    }
  }
}

// Home buckets, and as many behind them as what they carry over needs; ends[k + 1] is set to the
// number of entries whose home is k.
static u32 count_buckets(const Tier *tier, const Filing *filings, u32 *ends) {
  u32 homes = 1u << tier->bucketLog, carry = 0;
  __builtin_memset(ends, 0, (homes + 2) * 4);
  for (u32 i = 0; i < tier->entries; i++) ends[filings[i].bucket + 1]++;
  for (u32 k = 1; k <= homes; k++) {
    carry += ends[k];
    carry = carry > BUCKET_SLOTS ? carry - (BUCKET_SLOTS - 1) : 0;
  }
  u32 buckets = homes;
  for (; carry > 0; buckets++) {
    carry = carry > BUCKET_SLOTS ? carry - (BUCKET_SLOTS - 1) : 0;
  }
  return buckets;
}

// Counting sort by home bucket, then one sweep: a bucket that can't hold what is carried and its
// own keeps seven, is marked, and carries the rest on. Spare buckets behind the last take what is
// left. What is carried is filed first, so that the slots are filled in the order of `sorted`.
static void fill_buckets(const Builder *b, const Tier *tier, const Filing *filings, u32 *ends,
                         u32 *sorted, u32 firstAnchor) {
  u32 homes = 1u << tier->bucketLog, n = tier->entries, filed = 0;
  for (u32 k = 0; k < homes; k++) ends[k + 1] += ends[k];
  for (u32 i = 0; i < n; i++) sorted[ends[filings[i].bucket]++] = i;
  u8 *tables = b->layout->out + b->layout->tiers;
  u16 *tags = (u16 *)(tables + tier->tags);
  u32 *firsts = (u32 *)(tables + tier->firsts);
  for (u32 k = 0; k < tier->buckets; k++) {
    u32 end = k < homes ? ends[k] : n, have = end - filed;
    u32 room = have > BUCKET_SLOTS ? BUCKET_SLOTS - 1 : have;
    firsts[k] = firstAnchor + filed;
    for (u32 slot = 0; slot < room; slot++) {
      tags[k * BUCKET_SLOTS + slot] = (u16)filings[sorted[filed++]].tag;
    }
    if (have > BUCKET_SLOTS) tags[k * BUCKET_SLOTS + BUCKET_SLOTS - 1] = TAG_GOES_ON;
  }
}

// Needs 48 bytes of scratch for each entry: filings, ends, sorted entries, a copy of the anchors.
void build_tables(Builder *b, Tier *tier, Anchor *anchors, u32 firstAnchor) {
  u32 n = tier->entries, span = tier->window + tier->stride - 1;
  choose_sizes(tier);
  Filing *filings = (Filing *)b->scratch;
  u32 *sorted = (u32 *)(filings + n), *ends = sorted + n;
  for (u32 i = 0; i < n; i++) {
    Anchor *anchor = anchors + i;
    const u8 *run = b->layout->runs + anchor->bytes;
    u64 h = window_hash(place_of(b, anchor), (int)tier->window, (int)tier->stride, (int)tier->fold);
    filings[i] = (Filing){(u32)h & ((1u << tier->bucketLog) - 1), window_tag(h)};
    anchor->probe = load32(run + probe_place(anchor->length, anchor->at, span));
  }
  tier->buckets = count_buckets(tier, filings, ends);
  tier->filter = reserve(b, 1u << tier->filterLog);
  tier->phases = reserve(b, 1u << tier->phaseLog);
  tier->tags = reserve(b, tier->buckets * 16);
  tier->firsts = reserve(b, tier->buckets * 4);
  fill_filters(b, tier, anchors);
  fill_buckets(b, tier, filings, ends, sorted, firstAnchor);
  Anchor *copy = (Anchor *)(ends + (1u << tier->bucketLog) + 2);
  __builtin_memcpy(copy, anchors, n * sizeof(Anchor));
  for (u32 i = 0; i < n; i++) anchors[i] = copy[sorted[i]];
}
