// The few vector operations the core needs: WASM SIMD; SSE2 for the native build that speed is
// compared with; plain loops for sanitizers, which then see every load of the same algorithm.
#pragma once
#include "core.h"

#ifdef __wasm_simd128__
#include <wasm_simd128.h>

INLINE u32 tags_equal(const u8 *tags, u32 tag) {
  return wasm_i16x8_bitmask(wasm_i16x8_eq(wasm_v128_load(tags), wasm_i16x8_splat((short)tag)));
}

// Whether a bucket has the tag or runs over into the next.
INLINE u32 tags_any(const u8 *tags, u32 tag) {
  v128_t v = wasm_v128_load(tags);
  v128_t hit = wasm_i16x8_eq(v, wasm_i16x8_splat((short)tag));
  return wasm_v128_any_true(wasm_v128_or(hit, wasm_i16x8_eq(v, wasm_i16x8_const_splat(-1))));
}

// Which of 16 bytes are equal to the value where the mask has bits.
INLINE u32 masked_equal(const u8 *p, u8 value, u8 mask) {
  v128_t v = wasm_v128_and(wasm_v128_load(p), wasm_i8x16_splat((signed char)mask));
  return wasm_i8x16_bitmask(wasm_i8x16_eq(v, wasm_i8x16_splat((signed char)value)));
}
#elif defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__)
#include <emmintrin.h>

INLINE __m128i load_vector(const u8 *p) { return _mm_loadu_si128((const __m128i *)p); }

INLINE u32 tags_equal(const u8 *tags, u32 tag) {
  __m128i hit = _mm_cmpeq_epi16(load_vector(tags), _mm_set1_epi16((short)tag));
  return (u32)_mm_movemask_epi8(_mm_packs_epi16(hit, _mm_setzero_si128()));
}

INLINE u32 tags_any(const u8 *tags, u32 tag) {
  __m128i v = load_vector(tags), hit = _mm_cmpeq_epi16(v, _mm_set1_epi16((short)tag));
  return _mm_movemask_epi8(_mm_or_si128(hit, _mm_cmpeq_epi16(v, _mm_set1_epi16(-1)))) != 0;
}

INLINE u32 masked_equal(const u8 *p, u8 value, u8 mask) {
  __m128i v = _mm_and_si128(load_vector(p), _mm_set1_epi8((char)mask));
  return (u32)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8((char)value)));
}
#else
INLINE u32 tags_equal(const u8 *tags, u32 tag) {
  u32 mask = 0;
  for (u32 i = 0; i < 8; i++) mask |= (u32)(load16(tags + 2 * i) == tag) << i;
  return mask;
}

INLINE u32 tags_any(const u8 *tags, u32 tag) {
  u32 any = 0;
  for (u32 i = 0; i < 8; i++) any |= load16(tags + 2 * i) == tag || load16(tags + 2 * i) == 0xffff;
  return any;
}

INLINE u32 masked_equal(const u8 *p, u8 value, u8 mask) {
  u32 equal = 0;
  for (u32 i = 0; i < 16; i++) equal |= (u32)((p[i] & mask) == value) << i;
  return equal;
}
#endif
