// The memory that the host works with: one piece of input, what is made of it, and room for sets of
// marks, which are kept for good.
#include "codec.h"

#define PIECE 65536u
#define PADDING 64u
#define SETS 32768u

static u8 input[PIECE + PADDING], output[PIECE], sets[SETS];
static u32 used;

EXPORT(gw_piece) u32 gw_piece(void) { return PIECE; }
EXPORT(gw_input) u8 *gw_input(void) { return input; }
EXPORT(gw_output) u8 *gw_output(void) { return output; }

// Room of `size` bytes that is never given back; 0 if there is none.
EXPORT(gw_keep) u8 *gw_keep(u32 size) {
  u32 at = (used + 15) & ~15u;
  if (size > SETS || at > SETS - size) return 0;
  used = at + size;
  return sets + at;
}
