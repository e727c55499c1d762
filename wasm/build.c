// Lays out the literal search of an image: decides which tiers there are, picks the rarest place of
// each pattern as its anchor, and fills filters and buckets. Used by the compiler only; its input
// is the compiler's own.
#include "core.h"
#include "frequency.h"

// One literal run that a pattern can be found by. Runs of equal pattern and group go together: all
// of them must be watched (alternatives); of several groups the rarest is taken. Sorted by pattern,
// then group.
typedef struct {
  u32 pattern;
  u32 group;
  u32 isFolded;
  u32 bytes, length;  // in RUNS
  u32 before;         // as in Anchor
} Run;

typedef struct {
  const u8 *runs;
  const Run *list;
  u32 count;
  u8 *out;  // zeroed; see gw_layout_size
  u32 anchors, tiers, tiersLength, tierCount;  // results: number of anchors, offset of TIERS in out
} Layout;

// Kinds of windows, by the length of run they need, see match.c; each exact and with cases folded.
enum { CLASS_SHORT, CLASS_4, CLASS_6, CLASS_11, CLASS_15, CLASSES };
static const u8 STRIDES[CLASSES] = {2, 1, 2, 4, 8};
static const u8 WINDOWS[CLASSES] = {3, 4, 5, 8, 8};
static const u8 SPANS[CLASSES] = {4, 4, 6, 11, 15};
#define NO_CLASS 0xffu
#define TIERS (CLASSES * 2)  // class * 2 + isFolded

// Picoseconds per byte of a pass, and what a thousand entries in it add (measured, text).
static const u16 PASS_COST[CLASSES] = {450, 1600, 800, 350, 220};
static const u16 ENTRY_COST[CLASSES] = {600, 300, 60, 6, 8};

// ---- how common bytes are -----------------------------------------------------------------------

// Bits of surprise of `next` after `last`: pairs were counted over mail, web pages, scripts and
// programs by frequency.ts.
INLINE u32 surprise(u8 last, u8 next) {
  u32 class = FREQUENCY_CLASS[next];
  u32 bits = (u32)(FREQUENCY_PAIRS[FREQUENCY_CLASS[last] * FREQUENCY_CLASSES + class] - 'A');
  return bits + (u32)(FREQUENCY_EXTRA[class] - 'A');
}

// Greater for bytes that are seldom.
u32 byte_rarity(u8 byte) { return FREQUENCY_CLASS[byte]; }

// Expected hits, 2^-bits on a scale of 2^40.
INLINE u64 expected(u32 bits) { return bits >= 40 ? 1 : 1ull << (40 - bits); }

#define PLACES_MAX 2048u  // offsets considered in one run
#define PLACES_END (PLACES_MAX + 16u)

typedef struct { u64 cost; u32 at; } Place;

// changes[i]: how many of the bytes 1..i differ from the one before them, cases aside; a stretch of
// the run without a change is one repeated byte. Exact runs may end up in a folded tier.
static u32 count_changes(const u8 *run, u32 length, u16 *changes) {
  u32 end = min32(length, PLACES_END);
  changes[0] = 0;
  for (u32 i = 1; i < end; i++) {
    changes[i] = (u16)(changes[i - 1] + ((run[i] | 0x20) != (run[i - 1] | 0x20)));
  }
  return end;
}

// Windows of one repeated byte can't be used, since match.c drops those; of the shortest kind that
// goes for canonical windows.
INLINE u32 is_usable(const u16 *changes, u32 at, u32 class) {
  if (class == CLASS_SHORT) return changes[at + SPANS[class] - 1] != changes[at];
  for (u32 j = 0; j < STRIDES[class]; j++) {
    if (changes[at + j + WINDOWS[class] - 1] == changes[at + j]) return 0;
  }
  return 1;
}

// The rarest place of a run for a class's windows; cost ~0 if there is none.
static Place best_place(const u8 *run, u32 length, u32 class, u32 isFolded) {
  const u32 span = SPANS[class], stride = STRIDES[class], window = WINDOWS[class];
  Place best = {~0ull, 0};
  u16 changes[PLACES_END], bits[PLACES_END];  // bits[i]: surprise of the bytes 1..i
  u32 end = count_changes(run, length, changes);
  bits[0] = 0;
  for (u32 i = 1; i < end; i++) {
    u32 cost = surprise(run[i - 1], run[i]);
    if (isFolded && cost > 0 && is_letter(run[i])) cost--;
    bits[i] = (u16)(bits[i - 1] + cost);
  }
  for (u32 at = 0; at + span <= end; at++) {
    if (!is_usable(changes, at, class)) continue;
    u64 sum = 0, least = ~0ull;
    for (u32 j = 0; j < stride; j++) {
      u64 hits = expected(6u + bits[at + j + window - 1] - bits[at + j]);
      sum += hits;
      if (hits < least) least = hits;
    }
    u32 total = (u32)(bits[at + span - 1] - bits[at]);
    // Ties (both rare beyond the scale) go to the window with more surprise in all.
    u64 cost = (sum * 4 + least * 8) * 256 + (255 - min32(total, 255));
    if (cost < best.cost) best = (Place){cost, at};
  }
  return best;
}

// ---- tiers --------------------------------------------------------------------------------------

// The class with the longest windows that a run has a place for.
static u32 class_of(const Run *run, const u8 *bytes) {
  u16 changes[PLACES_END];
  u32 end = count_changes(bytes + run->bytes, run->length, changes);
  for (u32 class = CLASSES; class-- > CLASS_4;) {
    for (u32 at = 0; at + SPANS[class] <= end; at++) {
      if (is_usable(changes, at, class)) return class;
    }
  }
  return NO_CLASS;
}

// The tier of `set` (a bit each) that runs of this tier's kind go to: any with windows no longer,
// and folded ones take exact runs too. The longest, exact if possible; TIERS if there is none.
static u32 home_tier(u32 set, u32 tier) {
  u32 isFolded = tier & 1;
  for (u32 class = tier / 2 + 1; class-- > 0;) {
    for (u32 fold = isFolded; fold < 2; fold++) {
      if (set >> (class * 2 + fold) & 1) return class * 2 + fold;
    }
  }
  return TIERS;
}

// Every tier costs a pass, and short windows hit more often the more entries they have: the set of
// tiers that is cheapest for these numbers of runs.
static u32 cheapest_set(const u32 *entries) {
  u32 best = 0;
  u64 bestCost = ~0ull;
  for (u32 set = 0; set < 1u << TIERS; set++) {
    u64 cost = 0;
    u32 covers = 1;
    for (u32 tier = 0; tier < TIERS; tier++) {
      // A folded pass costs one operation more per lookup.
      if (set >> tier & 1) cost += PASS_COST[tier / 2] * (20 + (tier & 1)) * 50ull;
      if (entries[tier] == 0) continue;
      u32 home = home_tier(set, tier);
      if (home == TIERS) covers = 0;
      else cost += (u64)entries[tier] * ENTRY_COST[home / 2];
    }
    if (!covers || cost >= bestCost) continue;
    best = set;
    bestCost = cost;
  }
  return best;
}

// ---- filling ------------------------------------------------------------------------------------

typedef struct {
  Layout *layout;
  const u8 *classes;  // of each run
  u8 *scratch;
  u8 *at;  // end of what has been written
} Builder;

static void fill_filter(const Builder *b, Tier *tier, const Anchor *anchors) {
  u32 *filter = (u32 *)(b->layout->out + b->layout->tiers + tier->filter);
  int log = (int)tier->filterLog, isFolded = (int)tier->fold;
  for (u32 i = 0; i < tier->entries; i++) {
    const u8 *place = b->layout->runs + anchors[i].bytes + anchors[i].at;
    for (u32 j = 0; j < tier->stride; j++) {
      if (tier->window == 3) {
        ((u8 *)filter)[short_hash(place + j, isFolded)] = 1;
        continue;
      }
      u64 h = filter_hash(place + j, (int)tier->window, isFolded);
      filter[h >> (64 - log)] |= 1u << ((h >> (59 - log)) & 31) | 1u << ((h >> (54 - log)) & 31);
    }
  }
}

// Counting sort by home bucket, then one sweep: a bucket that can't hold what is carried and its
// own keeps seven, is marked, and carries the rest on. Spare buckets behind the last take what is
// left.
static void fill_buckets(Builder *b, Tier *tier, const Anchor *anchors, u32 firstAnchor) {
  u32 homes = 1u << tier->bucketLog, n = tier->entries;
  u32 *ends = (u32 *)b->scratch, *order = ends + homes + 2;
  u32 *carried = order + n, *bucketOf = carried + n;
  u16 *tagOf = (u16 *)(bucketOf + n);
  __builtin_memset(ends, 0, (homes + 2) * 4);
  for (u32 i = 0; i < n; i++) {
    const u8 *place = b->layout->runs + anchors[i].bytes + anchors[i].at;
    u64 h = window_hash(place, (int)tier->window, (int)tier->stride, (int)tier->fold);
    bucketOf[i] = (u32)h & (homes - 1);
    tagOf[i] = (u16)window_tag(h);
    ends[bucketOf[i] + 1]++;
  }
  for (u32 k = 0; k < homes; k++) ends[k + 1] += ends[k];
  for (u32 i = 0; i < n; i++) order[ends[bucketOf[i]]++] = i;

  u8 *tables = b->layout->out + b->layout->tiers;
  u16 *tags = (u16 *)(tables + tier->tags);
  u32 *ids = (u32 *)(tables + tier->ids), next = 0, carry = 0;
  for (u32 k = 0; k < tier->buckets; k++) {
    u32 end = k < homes ? ends[k] : next, have = carry + end - next, room = have > 8 ? 7 : 8;
    u32 slot = 0, taken = 0;
    for (; slot < room && (taken < carry || next < end); slot++) {
      u32 entry = taken < carry ? carried[taken++] : order[next++];
      tags[k * 8 + slot] = tagOf[entry];
      ids[k * 8 + slot] = firstAnchor + entry;
    }
    u32 left = 0;
    while (taken < carry) carried[left++] = carried[taken++];
    while (next < end) carried[left++] = order[next++];
    carry = left;
    if (have > 8) tags[k * 8 + 7] = 0xffff;
  }
}

// Home buckets, and as many behind them as what they carry over needs; see fill_buckets.
static u32 count_buckets(const Builder *b, const Tier *tier, const Anchor *anchors) {
  u32 homes = 1u << tier->bucketLog, carry = 0, *own = (u32 *)b->scratch;
  __builtin_memset(own, 0, homes * 4);
  for (u32 i = 0; i < tier->entries; i++) {
    const u8 *place = b->layout->runs + anchors[i].bytes + anchors[i].at;
    u64 h = window_hash(place, (int)tier->window, (int)tier->stride, (int)tier->fold);
    own[(u32)h & (homes - 1)]++;
  }
  for (u32 k = 0; k < homes; k++) carry = carry + own[k] > 8 ? carry + own[k] - 7 : 0;
  u32 buckets = homes;
  for (; carry > 0; buckets++) carry = carry > 8 ? carry - 7 : 0;
  return buckets;
}

INLINE u32 step_of(u32 filterLog) { return filterLog < 15 ? 2 : 1; }

static u32 take(Builder *b, u32 length) {
  u32 offset = (u32)(b->at - (b->layout->out + b->layout->tiers));
  b->at += (length + 63) & ~63u;
  return offset;
}

static void build_tier(Builder *b, Tier *tier, const Anchor *anchors, u32 firstAnchor) {
  if (tier->window == 3) tier->filterLog = SHORT_LOG - 2;
  // About 24 bits per window keep false candidates below 1 %. Beyond the near caches size matters
  // more than that: 16. The sizes are those match.c has loops for.
  else for (tier->filterLog = 9; tier->filterLog < 21; tier->filterLog += step_of(tier->filterLog)) {
    u64 bits = tier->filterLog < 16 ? 24 : 16;
    if (32ull << tier->filterLog >= bits * tier->stride * tier->entries) break;
  }
  for (tier->bucketLog = 4; 4ull << tier->bucketLog < tier->entries;) tier->bucketLog++;
  tier->buckets = count_buckets(b, tier, anchors);
  tier->filter = take(b, 4u << tier->filterLog);
  tier->tags = take(b, tier->buckets * 16);
  tier->ids = take(b, tier->buckets * 32);
  fill_filter(b, tier, anchors);
  fill_buckets(b, tier, anchors, firstAnchor);
}

// The runs of one pattern are list[first..end): writes anchors for its rarest group that the tier
// can hold; how many, 0 if it has no place for one after all.
static u32 add_anchors(Builder *b, u32 first, u32 end, const Tier *tier, u32 class, Anchor *out) {
  const Run *list = b->layout->list;
  u64 bestCost = ~0ull;
  u32 best = first;
  for (u32 i = first, next; i < end; i = next) {
    u64 cost = 0;
    for (next = i; next < end && list[next].group == list[i].group; next++) {
      const u8 *run = b->layout->runs + list[next].bytes;
      if (b->classes[next] == NO_CLASS || b->classes[next] < class) cost = ~0ull >> 1;
      else if (cost < ~0ull >> 1) {
        cost += best_place(run, list[next].length, class, tier->fold).cost;
      }
    }
    if (cost < bestCost) {
      bestCost = cost;
      best = i;
    }
  }
  u32 count = 0;
  for (u32 i = best; i < end && list[i].group == list[best].group; i++) {
    const Run *run = list + i;
    Place place = best_place(b->layout->runs + run->bytes, run->length, class, tier->fold);
    if (place.cost == ~0ull) return 0;
    u32 pattern = run->pattern | (run->isFolded ? ANCHOR_FOLD : 0);
    out[count++] = (Anchor){pattern, run->bytes, (u16)run->length, (u16)place.at, run->before};
  }
  return count;
}

// The tier kind (class * 2 + fold) of the pattern whose runs are list[first..end): that of its best
// group, whose class is that of its worst run; TIERS if none can be searched for. *runs: how many
// runs that group has.
static u32 tier_of(const Builder *b, u32 first, u32 end, u32 *runs) {
  const Run *list = b->layout->list;
  u32 best = TIERS;
  for (u32 i = first, next; i < end; i = next) {
    u32 class = CLASSES;
    for (next = i; next < end && list[next].group == list[i].group; next++) {
      u32 own = b->classes[next];
      class = own == NO_CLASS ? NO_CLASS : min32(class, own);
      if (class == NO_CLASS) break;
    }
    while (next < end && list[next].group == list[i].group) next++;
    if (class == NO_CLASS) continue;
    if (best == TIERS || class > best / 2) {
      best = class * 2 + (list[i].isFolded ? 1 : 0);
      *runs = next - i;
    }
  }
  return best;
}

static u32 end_of_pattern(const Layout *layout, u32 first) {
  u32 end = first;
  while (end < layout->count && layout->list[end].pattern == layout->list[first].pattern) end++;
  return end;
}

// Bytes of `out` and of `scratch` that gw_layout needs for `count` runs.
EXPORT(gw_layout_size) u32 gw_layout_size(u32 count) { return count * 224 + (1u << 20); }
EXPORT(gw_layout_scratch) u32 gw_layout_scratch(u32 count) { return count * 32 + (1u << 16); }

// Writes Anchor[] to `out`, and the TIERS section at out + tiers. NONE if all is well, else the
// index of the first run of a pattern that can't be searched for (every place is one repeated
// byte).
EXPORT(gw_layout) u32 gw_layout(Layout *layout, u8 *scratch) {
  u8 *classes = scratch, *kinds = scratch + layout->count;
  Builder b = {layout, classes, scratch + ((2 * layout->count + 15) & ~15u), layout->out};
  u32 entries[TIERS] = {0};
  for (u32 i = 0; i < layout->count; i++) {
    classes[i] = (u8)class_of(layout->list + i, layout->runs);
  }
  for (u32 i = 0, end; i < layout->count; i = end) {
    u32 runs = 0;
    end = end_of_pattern(layout, i);
    u32 kind = tier_of(&b, i, end, &runs);
    if (kind == TIERS) return i;
    kinds[i] = (u8)kind;
    entries[kind] += runs;
  }
  u32 set = cheapest_set(entries), firsts[TIERS];
  Tier tiers[TIERS];
  Anchor *anchors = (Anchor *)layout->out;
  layout->tierCount = layout->anchors = 0;
  for (u32 id = TIERS; id-- > 0;) {
    if (!(set >> id & 1)) continue;
    Tier *tier = tiers + layout->tierCount;
    *tier = (Tier){WINDOWS[id / 2], STRIDES[id / 2], id & 1, 0, 0, 0, 0, 0, 0, 0};
    firsts[layout->tierCount] = layout->anchors;
    for (u32 i = 0, end; i < layout->count; i = end) {
      end = end_of_pattern(layout, i);
      if (home_tier(set, kinds[i]) != id) continue;
      u32 added = add_anchors(&b, i, end, tier, id / 2, anchors + layout->anchors);
      if (added == 0) return i;
      layout->anchors += added;
    }
    tier->entries = layout->anchors - firsts[layout->tierCount];
    if (tier->entries > 0) layout->tierCount++;
  }
  layout->tiers = (layout->anchors * (u32)sizeof(Anchor) + 63) & ~63u;
  b.at = layout->out + layout->tiers;
  take(&b, TIERS * sizeof(Tier));
  for (u32 i = 0; i < layout->tierCount; i++) {
    build_tier(&b, tiers + i, anchors + firsts[i], firsts[i]);
  }
  __builtin_memcpy(layout->out + layout->tiers, tiers, layout->tierCount * sizeof(Tier));
  layout->tiersLength = (u32)(b.at - layout->out) - layout->tiers;
  return NONE;
}
