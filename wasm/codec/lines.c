// Whether CR and LF only stand together: one bit per byte for either, and the bits of LF must be those
// of CR moved on by one.
#include <wasm_simd128.h>

#include "codec.h"

INLINE u32 places_of(v128_t bytes, u8 wanted) {
  return (u32)wasm_i8x16_bitmask(wasm_i8x16_eq(bytes, wasm_i8x16_splat((i8)wanted)));
}

// 1 if every LF of in[0..length) has its CR before it and every CR its LF behind it; a CR at the very
// end is not judged. `afterCr`: whether the byte before the input is a CR. The 16 bytes behind the
// input are read and overwritten.
EXPORT(gw_lines) u32 gw_lines(u8 *in, u32 length, u32 afterCr) {
  u8 *end = in + length;
  __builtin_memset(end, 0, 16);
  // What follows a CR at the very end is not there to be an LF.
  u32 last = length > 0 && end[-1] == '\r' ? length : length + 1;
  for (u32 at = 0; at < length; at += 16) {
    v128_t bytes = wasm_v128_load(in + at);
    u32 cr = places_of(bytes, '\r'), wanted = (cr << 1 | afterCr) & 0xffff;
    u32 wrong = wanted ^ places_of(bytes, '\n');
    if (wrong != 0 && at + (u32)__builtin_ctz(wrong) < last) return 0;
    afterCr = cr >> 15;
  }
  return 1;
}
