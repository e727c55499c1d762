// What the builder's parts share: runs to be laid out, and the kinds of tiers by number.
#pragma once
#include "tier.h"

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

typedef struct {
  Layout *layout;
  u8 *scratch;
  u8 *at;  // end of what has been written to `out`
} Builder;

// How often windows occur in the runs of the set itself; cells are shared by chance.
typedef struct {
  u8 *cells;
  u32 log;
  u64 total;
} Counts;

// Where to look for a run: the least of `cost`, NONE64 if there is no place.
typedef struct { u64 cost; u32 at; } Place;
#define NONE64 (~0ull)

// place.c, table.c
u32 has_place(const u8 *run, u32 length, u32 span);
void count_windows(Counts *counts, const u8 *run, u32 length, const Tier *tier);
Place best_place(const u8 *run, u32 length, const Tier *tier, const Counts *counts);
u32 reserve(Builder *b, u32 length);
void choose_sizes(Tier *tier);
void build_tables(Builder *b, Tier *tier, Anchor *anchors, u32 firstAnchor);
