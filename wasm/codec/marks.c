// Which of a few dozen short texts ("marks") occur in an input, in one pass: the first five bytes
// of each mark are looked up by halves in vectors of 16 positions (the Teddy scheme: eight buckets
// of marks, one bit each), and only where a bucket's bit survives are its marks compared. With three
// bytes every second vector of ordinary text had something to compare.
#include <wasm_simd128.h>

#include "codec.h"

#define POSITIONS 5
#define BUCKETS 8

typedef struct { u8 length, group, bytes[30]; } Mark;
typedef struct {
  u8 low[POSITIONS][16], high[POSITIONS][16];  // by half of byte: buckets that have such a byte there
  u32 firsts[BUCKETS + 1];                     // where each bucket's marks begin
  u32 groups;                                  // bit for each group there is
  Mark marks[];
} MarkSet;

static u32 compare_at(const MarkSet *set, const u8 *p, const u8 *end, u32 buckets, u32 found) {
  for (; buckets != 0; buckets &= buckets - 1) {
    u32 bucket = (u32)__builtin_ctz(buckets);
    for (u32 i = set->firsts[bucket]; i < set->firsts[bucket + 1]; i++) {
      const Mark *mark = set->marks + i;
      if (found >> mark->group & 1 || mark->length > (u32)(end - p)) continue;
      u32 k = 0;
      while (k < mark->length && p[k] == mark->bytes[k]) k++;
      if (k == mark->length) found |= 1u << mark->group;
    }
  }
  return found;
}

INLINE v128_t buckets_at(const MarkSet *set, const u8 *p, u32 position) {
  v128_t bytes = wasm_v128_load(p + position);
  v128_t low = wasm_v128_and(bytes, wasm_i8x16_const_splat(0x0f));
  v128_t high = wasm_u8x16_shr(bytes, 4);
  return wasm_v128_and(wasm_i8x16_swizzle(wasm_v128_load(set->low[position]), low),
                       wasm_i8x16_swizzle(wasm_v128_load(set->high[position]), high));
}

// Bits of the groups of which a mark lies in in[0..length), besides those already in `found`. The 32
// bytes behind the input are read, whatever they are.
EXPORT(gw_marks) u32 gw_marks(const MarkSet *set, const u8 *in, u32 length, u32 found) {
  const u8 *end = in + length;
  for (const u8 *p = in; p < end && found != set->groups; p += 16) {
    v128_t hits = buckets_at(set, p, 0);
    for (u32 position = 1; position < POSITIONS; position++) {
      hits = wasm_v128_and(hits, buckets_at(set, p, position));
    }
    if (!wasm_v128_any_true(hits)) continue;
    u8 lanes[16];
    wasm_v128_store(lanes, hits);
    u32 places = 0xffff & ~(u32)wasm_i8x16_bitmask(wasm_i8x16_eq(hits, wasm_i8x16_const_splat(0)));
    for (; places != 0; places &= places - 1) {
      u32 lane = (u32)__builtin_ctz(places);
      if (p + lane < end) found = compare_at(set, p + lane, end, lanes[lane], found);
    }
  }
  return found;
}
