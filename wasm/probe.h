// Where a program may match: two bytes of it that are seldom, at a fixed distance from its start,
// are compared at sixteen starts at a time. Used where a pattern alone is looked for: behind a gap,
// around a run whose distance varies, and when its places are enumerated.
#pragma once
#include "simd.h"

// Bytes from a program's start that are considered for the two.
#define PROBE_REACH 256u
// Fewer starts than this are tried one by one.
#define PROBE_STARTS_MIN 32u

typedef struct { u32 at, rarity; u8 value, mask; } Probe;

INLINE void consider(Probe *best, Probe probe) {
  if (probe.rarity > best[0].rarity) {
    best[1] = best[0];
    best[0] = probe;
  } else if (probe.rarity > best[1].rarity) {
    best[1] = probe;
  }
}

// Few bits of a byte say little; a letter in both cases nearly as much as one.
INLINE u32 rarity_of(u8 value, u8 mask) {
  if (mask == 0xff) return byte_rarity(value) + 3;
  return mask == 0xdf ? byte_rarity(value | 0x20) + 1 : mask != 0;
}

INLINE void consider_bytes(Probe *best, const u8 *values, const u8 *masks, u32 n, u32 at) {
  for (u32 i = 0; i < n && at + i < PROBE_REACH; i++) {
    u8 mask = masks == 0 ? 0xff : masks[i];
    consider(best, (Probe){at + i, rarity_of(values[i], mask), values[i], mask});
  }
}

// The two best probes of a program, up to its end or what varies; with mask 0 they match anywhere.
static void find_probes(const u8 *op, Probe *best) {
  best[0] = best[1] = (Probe){0, 0, 0, 0};
  for (u32 at = 0, n = 0; at < PROBE_REACH; at += n) {
    if (*op == OP_LITERAL) {
      n = load16(op + 1);
      consider_bytes(best, op + 3, 0, n, at);
      op += 3 + n;
    } else if (*op == OP_MASKED) {
      n = load16(op + 1);
      consider_bytes(best, op + 3, op + 3 + n, n, at);
      op += 3 + 2 * n;
    } else if (*op == OP_BOUNDARY) {
      n = 0;
      op += 2;
    } else if (*op == OP_GAP && load32(op + 1) == load32(op + 5) && load32(op + 1) < PROBE_REACH) {
      n = load32(op + 1);
      op += 9;
    } else {
      return;
    }
  }
}

// The first start from `from` to `last` at which both probes match, NONE if there is none or the
// work limit was reached.
static u32 next_hit(Scan *scan, const Probe *probe, u32 from, u32 last) {
  u32 reach = max32(probe[0].at, probe[1].at);
  if (reach >= scan->size) return NONE;
  last = min32(last, scan->size - 1 - reach);
  for (u32 at = from; at <= last; at += 16) {
    const u8 *p = scan->bytes + at;
    if (!spend(scan, 1)) return NONE;
    u32 hits = masked_equal(p + probe[0].at, probe[0].value, probe[0].mask) &
               masked_equal(p + probe[1].at, probe[1].value, probe[1].mask);
    if (last - at < 15) hits &= (2u << (last - at)) - 1;
    if (hits != 0) return at + (u32)__builtin_ctz(hits);
    if (last - at < 16) return NONE;
  }
  return NONE;
}
