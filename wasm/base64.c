// Base64 as mail has it (RFC 2045 §6.8): line breaks and any other byte outside the alphabet are
// skipped, padding ends a group but not the data, and a cut last group yields what it holds, since
// a lenient reader would show it. 16 characters become 12 bytes per step; anything else goes
// through the loop for single characters, up to the next group.
#include "core.h"

#define OUTSIDE 0xff

INLINE u8 sextet_of(u8 c) {
  if ((u8)(c - 'A') < 26) return c - 'A';
  if ((u8)(c - 'a') < 26) return c - 'a' + 26;
  if ((u8)(c - '0') < 10) return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : OUTSIDE;
}

#ifdef __wasm_simd128__
#include <wasm_simd128.h>

// Decodes whole vectors of alphabet characters; *in is moved, the new end of the output returned.
// A vector with anything else is left to the caller. Writes up to 4 bytes past the end returned.
INLINE u8 *decode_vectors(const u8 **in, const u8 *end, u8 *out) {
  const v128_t low = wasm_i8x16_const(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                      0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A);
  const v128_t high = wasm_i8x16_const(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10,
                                       0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  const v128_t shifts = wasm_i8x16_const(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const u8 *p = *in;
  for (; end - p >= 16; p += 16, out += 12) {
    v128_t v = wasm_v128_load(p);
    v128_t upper = wasm_v128_and(wasm_i32x4_shr(v, 4), wasm_i8x16_const_splat(0x0f));
    v128_t lower = wasm_v128_and(v, wasm_i8x16_const_splat(0x0f));
    // A character is outside the alphabet if its two halves share a bit in the tables.
    v128_t outside = wasm_v128_and(wasm_i8x16_swizzle(low, lower), wasm_i8x16_swizzle(high, upper));
    if (__builtin_expect(wasm_v128_any_true(outside), 0)) break;
    v128_t slash = wasm_i8x16_eq(v, wasm_i8x16_const_splat('/'));
    v = wasm_i8x16_add(v, wasm_i8x16_swizzle(shifts, wasm_i8x16_add(slash, upper)));
    // Four sextets a, b, c, d per lane become a << 18 | b << 12 | c << 6 | d.
    v128_t pairs = wasm_v128_or(wasm_i16x8_shl(v, 6), wasm_u16x8_shr(v, 8));
    pairs = wasm_v128_and(pairs, wasm_i16x8_const_splat(0x0fff));
    v128_t first = wasm_v128_and(pairs, wasm_i32x4_const_splat(0xffff));
    v = wasm_v128_or(wasm_i32x4_shl(first, 12), wasm_u32x4_shr(pairs, 16));
    v = wasm_i8x16_shuffle(v, v, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 3, 3, 3);
    wasm_v128_store(out, v);
  }
  *in = p;
  return out;
}
#else
// The native build has the same contract, in plain steps of 4.
INLINE u8 *decode_vectors(const u8 **in, const u8 *end, u8 *out) {
  const u8 *p = *in;
  for (; end - p >= 16; p += 4, out += 3) {
    u8 a = sextet_of(p[0]), b = sextet_of(p[1]), c = sextet_of(p[2]), d = sextet_of(p[3]);
    if ((a | b | c | d) == OUTSIDE) break;
    out[0] = (u8)(a << 2 | b >> 4);
    out[1] = (u8)(b << 4 | c >> 2);
    out[2] = (u8)(c << 6 | d);
  }
  *in = p;
  return out;
}
#endif

// Decodes `length` characters; how many bytes were written. `out` needs length / 4 * 3 + 16 bytes;
// it may be the same memory as `in` if it begins at least 16 bytes before it.
EXPORT(gw_base64) u32 gw_base64(const u8 *in, u32 length, u8 *out) {
  const u8 *end = in + length, *start = out;
  u32 bits = 0, held = 0;
  while (in < end) {
    if (held == 0) {
      out = decode_vectors(&in, end, out);
      if (in == end) break;
    }
    // One group and the line break behind it, then vectors again.
    for (u32 isDone = 0; in < end && !isDone;) {
      u8 c = *in++, sextet = sextet_of(c);
      if (sextet != OUTSIDE) {
        bits = bits << 6 | sextet;
        if (++held < 4) continue;
        out[0] = (u8)(bits >> 16);
        out[1] = (u8)(bits >> 8);
        out[2] = (u8)bits;
        out += 3;
        held = 0;
        isDone = in < end && *in != '\r' && *in != '\n';
      } else if (c == '=') {
        if (held >= 2) *out++ = (u8)(held == 2 ? bits >> 4 : bits >> 10);
        if (held == 3) *out++ = (u8)(bits >> 2);
        held = 0;
      } else if (c == '\n') {
        isDone = held == 0;
      }
    }
  }
  if (held >= 2) *out++ = (u8)(held == 2 ? bits >> 4 : bits >> 10);
  if (held == 3) *out++ = (u8)(bits >> 2);
  return (u32)(out - start);
}
