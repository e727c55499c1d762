// Clean base64 (RFC 2045 §6.8): digits in groups of four with white space between them, which is
// what nearly all mail has. Anything else stops the decoder, and the host looks at what it means.
// 16 characters become 12 bytes per step; single characters are taken at line ends only.
#include <wasm_simd128.h>

#include "codec.h"

// Value of a digit + 1, 0 for any other byte. A table: the classes of digits come in no order that a
// branch could foresee.
static const u8 SEXTETS[256] = {
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    24, 25, 26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
    48, 49, 50, 51, 52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
    ['+'] = 63, ['/'] = 64,
};

// As the host's own decoder has it.
INLINE u32 is_space(u8 c) { return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'; }

// Decodes digits up to the last whole group before anything else; *in is moved, the new end of the
// output returned. Less than a vector's worth at the end is left to the caller. Writes up to 16 bytes
// from the end returned on.
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
    u32 stops = 0xffff & ~(u32)wasm_i8x16_bitmask(wasm_i8x16_eq(outside, wasm_i8x16_const_splat(0)));
    v128_t slash = wasm_i8x16_eq(v, wasm_i8x16_const_splat('/'));
    v = wasm_i8x16_add(v, wasm_i8x16_swizzle(shifts, wasm_i8x16_add(slash, upper)));
    // Four sextets a, b, c, d per lane become a << 18 | b << 12 | c << 6 | d.
    v128_t pairs = wasm_v128_or(wasm_i16x8_shl(v, 6), wasm_u16x8_shr(v, 8));
    pairs = wasm_v128_and(pairs, wasm_i16x8_const_splat(0x0fff));
    v128_t first = wasm_v128_and(pairs, wasm_i32x4_const_splat(0xffff));
    v = wasm_v128_or(wasm_i32x4_shl(first, 12), wasm_u32x4_shr(pairs, 16));
    v = wasm_i8x16_shuffle(v, v, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 3, 3, 3);
    wasm_v128_store(out, v);
    if (stops != 0) {
      u32 digits = (u32)__builtin_ctz(stops) & ~3u;
      *in = p + digits;
      return out + digits / 4 * 3;
    }
  }
  *in = p;
  return out;
}
// Decodes whole groups from `in` until its end or the first byte that is neither digit nor white
// space; how many bytes were written. *consumed: characters up to the end of the last whole group.
// `out` needs length / 4 * 3 + 16 bytes.
EXPORT(gw_base64) u32 gw_base64(const u8 *in, u32 length, u8 *out, u32 *consumed) {
  const u8 *start = in, *end = in + length, *whole = in;
  u8 *first = out;
  u32 bits = 0, held = 0;
  while (in < end) {
    if (held == 0) {
      out = decode_vectors(&in, end, out);
      whole = in;
    }
    // Up to the line break, then vectors again.
    for (u32 isDone = 0; in < end && !isDone; in++) {
      u32 sextet = SEXTETS[*in];
      if (sextet-- == 0) {
        if (!is_space(*in)) goto stopped;
        isDone = *in == '\n' && held == 0;
        continue;
      }
      bits = bits << 6 | sextet;
      if (++held < 4) continue;
      out[0] = (u8)(bits >> 16);
      out[1] = (u8)(bits >> 8);
      out[2] = (u8)bits;
      out += 3;
      held = 0;
      whole = in + 1;
    }
  }
stopped:
  *consumed = (u32)(whole - start);
  return (u32)(out - first);
}
