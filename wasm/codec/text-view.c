// The normalised view of a text that signatures may ask for: lower case, white space as single
// spaces, ASCII only. A byte is written wherever it belongs and kept by moving on, without a branch.
#include "codec.h"

// What a byte becomes: itself, its lower case, a space, or 0 for nothing.
INLINE u32 view_of(u32 c) {
  u32 lower = c + ((c - 'A' < 26) << 5);
  u32 isSpace = (c - 9 < 5) | (c == ' ');
  return isSpace ? ' ' : c - 0x21 < 0x5e ? lower : 0;
}

// Writes the view of in[0..length) to out, of the same size; its length. `last`: the byte of the
// view before that, 0 if there is none.
EXPORT(gw_text_view) u32 gw_text_view(const u8 *in, u32 length, u8 *out, u32 last) {
  u8 table[256];
  for (u32 c = 0; c < 256; c++) table[c] = (u8)view_of(c);
  u8 *at = out;
  for (u32 i = 0; i < length; i++) {
    u32 c = table[in[i]];
    u32 isKept = (c != 0) & ((c != ' ') | (last != ' '));
    *at = (u8)c;
    at += isKept;
    last = isKept ? c : last;
  }
  return (u32)(at - out);
}
