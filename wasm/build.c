// Lays out the literal search of an image: decides which tiers there are, and gives each run its
// place in one (place.c) and its entries in their tables (table.c). Used by the compiler only; its
// input is the compiler's own.
#include "build.h"

#define COUNT_KIND(W, S) +1
enum { KINDS = 0 TIER_KINDS(COUNT_KIND), TIERS = 2 * KINDS };  // kind * 2 + isFolded
#define WINDOW_OF(W, S) W,
#define STRIDE_OF(W, S) S,
#define SPAN_OF(W, S) W + S - 1,
static const u8 WINDOWS[KINDS] = {TIER_KINDS(WINDOW_OF)};
static const u8 STRIDES[KINDS] = {TIER_KINDS(STRIDE_OF)};
static const u8 SPANS[KINDS] = {TIER_KINDS(SPAN_OF)};
#define NO_SPAN 0u

// What a tier costs per byte, in picoseconds, measured: its lookups by the size of its filter; hits
// of windows, for a thousand entries, growing with their third root; and what else an entry adds, by
// a thousand. Hits are those of text and programs, counted by a quarter: most of what mail brings is
// compressed, and random to the search.
#define BYTES_COST 1050u
#define BITS_COST 1600u
#define BITS_NEAR_LOG 18u  // beyond, filters leave the near caches
#define BITS_FAR_COST 600u
static const u16 HIT_COST[KINDS] = {280, 250, 90, 8, 60, 110, 35, 16, 24};
static const u16 ENTRY_COST[KINDS] = {50, 10, 40, 16, 20, 20, 3, 2, 3};

static u64 lookup_cost(const Tier *tier) {
  if (tier->isBytes) return BYTES_COST;
  if (tier->filterLog <= BITS_NEAR_LOG) return BITS_COST;
  return BITS_COST + (tier->filterLog - BITS_NEAR_LOG) * BITS_FAR_COST;
}

// 256 for a thousand entries.
static u64 hit_growth(u32 entries) {
  u64 growth = 32;
  for (u32 n = 2; n < entries; n *= 2) growth += growth * 65 / 250;
  return growth;
}

static u64 tier_cost(u32 kind, u32 isFolded, u32 entries) {
  Tier tier = {.window = WINDOWS[kind], .stride = STRIDES[kind], .entries = entries};
  choose_sizes(&tier);
  u64 lookups = lookup_cost(&tier) * (20 + isFolded) / 20 / tier.stride;
  return lookups + HIT_COST[kind] * hit_growth(entries) / 256 + ENTRY_COST[kind] * (u64)entries / 1000;
}

// ---- which tiers --------------------------------------------------------------------------------

// Runs are told apart by the kind with the longest span they have a place for, the first of equal
// spans; NO_KIND if they have none even for the shortest.
#define NO_KIND 0xffu
static u32 kind_of(const Run *run, const u8 *bytes) {
  u32 found = NO_KIND;
  for (u32 kind = 0; kind < KINDS; kind++) {
    if (found != NO_KIND && SPANS[kind] == SPANS[found]) continue;
    if (SPANS[kind] > run->length || !has_place(bytes + run->bytes, run->length, SPANS[kind])) break;
    found = kind;
  }
  return found;
}

// The tier of `set` (a bit each) that such runs go to: any whose span they have, and folded ones take
// exact runs too. The longest, exact if possible; TIERS if there is none.
static u32 home_tier(u32 set, u32 kind, u32 isFolded) {
  u32 best = TIERS;
  for (u32 id = 0; id < TIERS; id++) {
    if (!(set >> id & 1) || SPANS[id / 2] > SPANS[kind] || (id & 1) < isFolded) continue;
    if (best == TIERS || SPANS[id / 2] > SPANS[best / 2]) best = id;
  }
  return best;
}

static u64 set_cost(u32 set, const u32 *runs) {
  u32 entries[TIERS] = {0};
  for (u32 id = 0; id < TIERS; id++) {
    if (runs[id] == 0) continue;
    u32 home = home_tier(set, id / 2, id & 1);
    if (home == TIERS) return NONE64;
    entries[home] += runs[id];
  }
  u64 cost = 0;
  for (u32 id = 0; id < TIERS; id++) {
    if (set >> id & 1) cost += tier_cost(id / 2, id & 1, entries[id]);
  }
  return cost;
}

// Every tier costs a pass, and short windows hit more often the more entries they have: the set of
// at most TIERS_MAX tiers that is cheapest for these numbers of runs.
#define TIERS_MAX 3u
static u32 cheapest_set(const u32 *runs) {
  u32 best = 0, set = 0;
  u64 least = NONE64;
  for (u32 a = 0; a < TIERS; a++) {
    for (u32 b = a; b < TIERS; b++) {
      for (u32 c = b; c < TIERS; c++) {
        set = 1u << a | 1u << b | 1u << c;
        u64 cost = set_cost(set, runs);
        if (cost < least) {
          least = cost;
          best = set;
        }
      }
    }
  }
  return best;
}

// ---- anchors ------------------------------------------------------------------------------------

static u32 end_of_pattern(const Layout *layout, u32 first) {
  u32 end = first;
  while (end < layout->count && layout->list[end].pattern == layout->list[first].pattern) end++;
  return end;
}

static u32 end_of_group(const Layout *layout, u32 first, u32 end) {
  u32 next = first;
  while (next < end && layout->list[next].group == layout->list[first].group) next++;
  return next;
}

// The kind of the pattern whose runs are list[first..end): that of its best group, whose kind is
// that of its worst run; NO_KIND if none can be searched for. *runs: how many runs that group has.
static u32 kind_of_pattern(const Layout *layout, const u8 *kinds, u32 first, u32 end, u32 *runs) {
  u32 best = NO_KIND;
  for (u32 i = first, next; i < end; i = next) {
    next = end_of_group(layout, i, end);
    u32 worst = kinds[i];
    for (u32 k = i; k < next; k++) {
      if (kinds[k] == NO_KIND || kinds[k] < worst) worst = kinds[k];
      if (worst == NO_KIND) break;
    }
    if (worst == NO_KIND || (best != NO_KIND && worst <= best)) continue;
    best = worst;
    *runs = next - i;
  }
  return best;
}

// Expected hits of a group of runs, NONE64 if one of them has no place in the tier.
static u64 group_cost(const Layout *layout, u32 first, u32 next, const Tier *tier,
                      const Counts *counts) {
  u64 cost = 0;
  for (u32 i = first; i < next; i++) {
    const Run *run = layout->list + i;
    Place place = best_place(layout->runs + run->bytes, run->length, tier, counts);
    if (place.cost == NONE64) return NONE64;
    cost += place.cost;
  }
  return cost;
}

// Writes anchors for the rarest group of the pattern whose runs are list[first..end) that the tier
// can hold; how many, 0 if it has no place for one after all.
static u32 add_anchors(const Layout *layout, u32 first, u32 end, const Tier *tier,
                       const Counts *counts, Anchor *out) {
  u64 least = NONE64;
  u32 best = first;
  // Mostly there is but one.
  u32 next = end_of_group(layout, first, end);
  for (u32 i = first; i < end && (i != first || next != end); i = next) {
    next = end_of_group(layout, i, end);
    u64 cost = group_cost(layout, i, next, tier, counts);
    if (cost >= least) continue;
    least = cost;
    best = i;
  }
  u32 count = 0;
  for (u32 i = best; i < end && layout->list[i].group == layout->list[best].group; i++) {
    const Run *run = layout->list + i;
    Place place = best_place(layout->runs + run->bytes, run->length, tier, counts);
    if (place.cost == NONE64) return 0;
    u32 pattern = run->pattern | (run->isFolded ? ANCHOR_FOLD : 0);
    out[count++] =
        (Anchor){pattern, run->bytes, (u16)run->length, (u16)place.at, run->before, 0};
  }
  return count;
}

// ---- the layout ---------------------------------------------------------------------------------

#define COUNTS_LOG_MIN 12u
#define COUNTS_LOG_MAX 25u
static u32 counts_log(u32 runs) {
  u32 log = COUNTS_LOG_MIN;
  while (log < COUNTS_LOG_MAX && 1ull << log < 32ull * runs) log++;
  return log;
}

// Bytes of `out` and of `scratch` that gw_layout needs for `count` runs.
EXPORT(gw_layout_size) u32 gw_layout_size(u32 count) { return count * 224 + (1u << 20); }
EXPORT(gw_layout_scratch) u32 gw_layout_scratch(u32 count) {
  return count * 52 + (1u << counts_log(count)) + (1u << 16);
}

// The anchors of the patterns whose home is the tier `id` of `set`, written behind those that are
// there; NONE, or the first run of a pattern that has no place after all.
static u32 fill_tier(Builder *b, const u8 *homes, u32 id, Tier *tier) {
  Layout *layout = b->layout;
  Anchor *anchors = (Anchor *)layout->out + layout->anchors;
  Counts counts = {b->scratch, counts_log(layout->count), 0};
  __builtin_memset(counts.cells, 0, 1u << counts.log);
  for (u32 i = 0; i < layout->count; i++) {
    const Run *run = layout->list + i;
    if (homes[i] == id) count_windows(&counts, layout->runs + run->bytes, run->length, tier);
  }
  for (u32 i = 0, end; i < layout->count; i = end) {
    end = end_of_pattern(layout, i);
    if (homes[i] != id) continue;
    u32 added = add_anchors(layout, i, end, tier, &counts, anchors + tier->entries);
    if (added == 0) return i;
    tier->entries += added;
  }
  return NONE;
}

// The tier of each run, that of its pattern; NONE, or as gw_layout answers.
static u32 find_homes(const Layout *layout, u8 *homes, u32 *set) {
  u32 runs[TIERS] = {0};
  for (u32 i = 0; i < layout->count; i++) homes[i] = (u8)kind_of(layout->list + i, layout->runs);
  for (u32 i = 0, end; i < layout->count; i = end) {
    u32 own = 0, isFolded = layout->list[i].isFolded != 0;
    end = end_of_pattern(layout, i);
    u32 kind = kind_of_pattern(layout, homes, i, end, &own);
    if (kind == NO_KIND) return i;
    runs[kind * 2 + isFolded] += own;
    for (u32 k = i; k < end; k++) homes[k] = (u8)(kind * 2 + isFolded);
  }
  *set = cheapest_set(runs);
  for (u32 i = 0; i < layout->count; i++) homes[i] = (u8)home_tier(*set, homes[i] / 2, homes[i] & 1);
  return NONE;
}

// Writes Anchor[] to `out`, and the TIERS section at out + tiers. NONE if all is well, else the
// index of the first run of a pattern that can't be searched for (every place is one repeated
// byte).
EXPORT(gw_layout) u32 gw_layout(Layout *layout, u8 *scratch) {
  u8 *homes = scratch;
  Builder b = {layout, scratch + ((layout->count + 15) & ~15u), layout->out};
  Tier tiers[TIERS_MAX];
  u32 firsts[TIERS_MAX], set = 0, fault = find_homes(layout, homes, &set);
  if (fault != NONE) return fault;
  layout->tierCount = layout->anchors = 0;
  for (u32 id = TIERS; id-- > 0;) {
    if (!(set >> id & 1)) continue;
    Tier *tier = tiers + layout->tierCount;
    *tier = (Tier){.window = WINDOWS[id / 2], .stride = STRIDES[id / 2], .fold = id & 1};
    firsts[layout->tierCount] = layout->anchors;
    if ((fault = fill_tier(&b, homes, id, tier)) != NONE) return fault;
    layout->anchors += tier->entries;
    if (tier->entries > 0) layout->tierCount++;
  }
  layout->tiers = (layout->anchors * (u32)sizeof(Anchor) + 63) & ~63u;
  b.at = layout->out + layout->tiers;
  reserve(&b, layout->tierCount * (u32)sizeof(Tier));
  for (u32 i = 0; i < layout->tierCount; i++) {
    build_tables(&b, tiers + i, (Anchor *)layout->out + firsts[i], firsts[i]);
  }
  __builtin_memcpy(layout->out + layout->tiers, tiers, layout->tierCount * sizeof(Tier));
  layout->tiersLength = (u32)(b.at - layout->out) - layout->tiers;
  return NONE;
}
