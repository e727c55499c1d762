// Where one pattern matches, for judgements: a search for that pattern alone, over the whole object,
// when its signature's trigger holds. Two bytes of it that are seldom, at a fixed distance from its
// start, are compared at sixteen starts at a time.
#include "simd.h"

// Bytes from a pattern's start that are considered for the two.
#define PROBE_REACH 256u
// What sixteen starts cost, against the work limit.
#define ROUND_COST 1u

typedef struct { u32 at, rarity; u8 value, mask; } Probe;

static void consider(Probe *best, Probe probe) {
  if (probe.rarity > best[0].rarity) {
    best[1] = best[0];
    best[0] = probe;
  } else if (probe.rarity > best[1].rarity) {
    best[1] = probe;
  }
}

// Few bits of a byte say little; a letter in both cases nearly as much as one.
static u32 rarity_of(u8 value, u8 mask) {
  if (mask == 0xff) return byte_rarity(value) + 3;
  return mask == 0xdf ? byte_rarity(value | 0x20) + 1 : mask != 0;
}

static void consider_bytes(Probe *best, const u8 *values, const u8 *masks, u32 n, u32 at) {
  for (u32 i = 0; i < n && at + i < PROBE_REACH; i++) {
    u8 mask = masks == 0 ? 0xff : masks[i];
    consider(best, (Probe){at + i, rarity_of(values[i], mask), values[i], mask});
  }
}

// The two best probes of a program; those left at mask 0 match everywhere.
static void find_probes(const u8 *op, Probe *best) {
  best[0] = best[1] = (Probe){0, 0, 0, 0};
  for (u32 at = 0; at < PROBE_REACH;) {
    u32 n = load16(op + 1);
    if (*op == OP_LITERAL) {
      consider_bytes(best, op + 3, 0, n, at);
      op += 3 + n;
      at += n;
    } else if (*op == OP_MASKED) {
      consider_bytes(best, op + 3, op + 3 + n, n, at);
      op += 3 + 2 * n;
      at += n;
    } else if (*op == OP_BOUNDARY) {
      op += 2;
    } else if (*op == OP_GAP && load32(op + 1) == load32(op + 5) && load32(op + 1) < PROBE_REACH) {
      at += load32(op + 1);
      op += 9;
    } else {
      return;
    }
  }
}

// Appends the match at `start`, if there is one; 0 ends the search.
static u32 try_at(Scan *scan, const Pattern *pattern, u32 start, u32 *count) {
  u32 end = 0;
  if (!spend(scan, 4)) return 0;
  u32 outcome = is_match_at(scan, pattern, start, &end);
  if (outcome == NEVER || scan->isIncomplete) return 0;
  if (outcome == MATCHED) scan->matches[(*count)++] = (Match){start, end - start};
  return 1;
}

static u32 search_range(Scan *scan, const Pattern *pattern, u32 first, u32 last, u32 max) {
  Probe probe[2];
  find_probes(scan->code + pattern->code, probe);
  u32 count = 0, reach = max32(probe[0].at, probe[1].at);
  if (reach >= scan->size) return 0;
  last = min32(last, scan->size - 1 - reach);
  for (u32 at = first; at <= last && count < max; at += 16) {
    const u8 *p = scan->bytes + at;
    if (!spend(scan, ROUND_COST)) break;
    u32 hits = masked_equal(p + probe[0].at, probe[0].value, probe[0].mask) &
               masked_equal(p + probe[1].at, probe[1].value, probe[1].mask);
    if (last - at < 15) hits &= (2u << (last - at)) - 1;
    for (; hits != 0 && count < max; hits &= hits - 1) {
      if (!try_at(scan, pattern, at + (u32)__builtin_ctz(hits), &count)) return count;
    }
  }
  return count;
}

// Puts the first `max` matches at or behind `from` into `matches`, by start; how many. It is to be
// gone on with behind the last, and tells less than it found only if the work limit stops it.
EXPORT(gw_enumerate) u32 gw_enumerate(Scan *scan, u32 index, u32 number, u32 from, u32 max) {
  if (index >= scan->counts[SECTION_SIGNATURES]) return 0;
  const Signature *signature = scan->signatures + index;
  if (number >= signature->patternCount) return 0;
  const Pattern *pattern = scan->patterns + signature->firstPattern + number;
  if (pattern->codeLength == 0 || pattern->length > scan->size) return 0;
  u32 first = pattern->from, last = min32(pattern->to, scan->size - pattern->length);
  if (pattern->flags & PATTERN_FROM_END) {
    if (scan->size < pattern->from) return 0;
    first = scan->size > pattern->to ? scan->size - pattern->to : 0;
    last = min32(scan->size - pattern->from, scan->size - pattern->length);
  }
  first = max32(first, from);
  if (first > last) return 0;
  return search_range(scan, pattern, first, last, min32(max, MATCHES_MAX));
}
