// The tiers of the literal search: which kinds there are, and the hashes by which the builder files
// a run and the scanner finds it again.
#pragma once
#include "core.h"

// Window and stride of each kind, by the length of run it needs (window + stride - 1). A longer
// stride costs less, a longer window is met by accident less often.
#define TIER_KINDS(X) X(3, 2) X(4, 1) X(3, 4) X(4, 3) X(4, 5) X(5, 8) X(7, 6) X(8, 5) X(8, 8)

// Sizes that filters may have, in bytes as powers of two: shifts by constants are worth a tenth of
// the search, so there is a loop for each. Tables of bytes take a third less work, but eight times
// the memory.
#define FILTER_BYTE_SIZES(X, ...) X(14, __VA_ARGS__) X(17, __VA_ARGS__)
#define FILTER_BIT_SIZES(X, ...)                                                         \
  X(17, __VA_ARGS__) X(18, __VA_ARGS__) X(19, __VA_ARGS__) X(20, __VA_ARGS__)            \
  X(21, __VA_ARGS__) X(22, __VA_ARGS__) X(23, __VA_ARGS__)

#define PHASE_LOG_MIN 10
#define PHASE_LOG_MAX 24
#define BUCKET_LOG_MAX 26
#define BUCKET_SLOTS 8u
// In the last slot of a bucket that runs over into the next.
#define TAG_GOES_ON 0xffffu

INLINE u32 is_known_tier(u32 window, u32 stride) {
#define IS_KIND(W, S) if (window == W && stride == S) return 1;
  TIER_KINDS(IS_KIND)
#undef IS_KIND
  return 0;
}

INLINE u32 is_known_filter(u32 isBytes, u32 log) {
#define IS_SIZE(LOG, BYTES) if (isBytes == BYTES && log == LOG) return 1;
  FILTER_BYTE_SIZES(IS_SIZE, 1) FILTER_BIT_SIZES(IS_SIZE, 0)
#undef IS_SIZE
  return 0;
}

// ---- hashes -------------------------------------------------------------------------------------

#define HASH_FILTER 0x9E3779B97F4A7C15ull
#define HASH_PHASES 0xC2B2AE3D27D4EB4Full
#define HASH_WINDOW 0xD6E8FEB86659FD93ull
#define FOLD64 0x2020202020202020ull
#define FOLD32 0x20202020u

// Hash of the window at p; its top bits choose a place. Two constants make two independent tables.
// Bytes behind the window are shifted out by the multiplication itself.
INLINE u64 filter_hash(const u8 *p, int window, int fold, u64 constant) {
  u64 x = load64(p);
  if (fold) x |= FOLD64;
  return x * (constant << (64 - 8 * window));
}

INLINE u32 filter_bit(const u8 *filter, u64 h, int log) {
  u32 word = load32(filter + ((u32)(h >> (64 - log)) & ~3u));
  return (word >> ((u32)(h >> (61 - log)) & 31)) & 1;
}

INLINE u32 filter_byte(const u8 *filter, u64 h, int log) { return filter[(u32)(h >> (64 - log))]; }

// Hash of the canonical window at p, window + stride - 1 bytes long.
INLINE u64 window_hash(const u8 *p, int window, int stride, int fold) {
  int span = window + stride - 1;
  u64 a = load64(p), b = span > 8 ? load64(p + span - 8) : 0;
  if (fold) {
    a |= FOLD64;
    b |= span > 8 ? FOLD64 : 0;
  }
  if (span < 8) a <<= 64 - 8 * span;
  u64 h = (a ^ rotate64(b, 29)) * HASH_WINDOW;
  return h ^ (h >> 32);
}

// 16-bit tag of a window; 0 marks an empty slot.
INLINE u32 window_tag(u64 hash) {
  u32 tag = (u32)(hash >> 40) & 0xffff;
  return tag == 0 ? 1 : tag == TAG_GOES_ON ? TAG_GOES_ON - 1 : tag;
}

// ---- probes -------------------------------------------------------------------------------------

// Most anchors whose window is met are told apart by four more bytes of their run.
#define PROBE_LENGTH 4u

// Which: those behind the window if the run has them, else those before it.
INLINE u32 probe_place(u32 length, u32 at, u32 span) {
  if (at + span + PROBE_LENGTH <= length) return at + span;
  return at >= PROBE_LENGTH ? at - PROBE_LENGTH : length - PROBE_LENGTH;
}
