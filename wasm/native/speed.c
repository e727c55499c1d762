// The scan core as a native program: how fast the same C is without WASM around it.
//   speed IMAGE PIECE ROUNDS FILE…    scans each file in pieces of PIECE bytes and prints the best
//   MB/s of ROUNDS, a line for each file. tests/bench/engine builds and runs it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../core.h"

u32 gw_check(const u8 *image, u32 size, Scan *scratch);
u32 gw_state_size(const u8 *image);
void gw_attach(Scan *scan, const u8 *image);
void gw_begin(Scan *scan, u8 *bytes, u32 size, u32 nameLength);
u32 gw_scan(Scan *scan, u32 type, u32 container, u32 depth, u32 search);

enum { PADDING = 64 };

static u8 *slurp(const char *path, u32 *size) {
  FILE *stream = fopen(path, "rb");
  if (stream == NULL) exit(2);
  fseek(stream, 0, SEEK_END);
  *size = (u32)ftell(stream);
  rewind(stream);
  u8 *bytes = aligned_alloc(64, (*size + 64u) / 64u * 64u);
  if (fread(bytes, 1, *size, stream) != *size) exit(2);
  fclose(stream);
  return bytes;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **words) {
  if (count < 5) return 2;
  u32 size;
  u8 *image = slurp(words[1], &size);
  u32 piece = (u32)atoi(words[2]);
  int rounds = atoi(words[3]);
  Scan *scratch = calloc(1, sizeof(Scan));
  if (gw_check(image, size, scratch) != 0) return 3;
  Scan *scan = calloc(1, gw_state_size(image));
  gw_attach(scan, image);
  u8 *object = (u8 *)calloc(1, piece + 2 * PADDING) + PADDING;
  for (int i = 4; i < count; i++) {
    u8 *bytes = slurp(words[i], &size);
    double best = 1e9;
    for (int round = 0; round < rounds; round++) {
      double began = now();
      for (u32 at = 0; at < size; at += piece) {
        u32 length = size - at < piece ? size - at : piece;
        memcpy(object, bytes + at, length);
        gw_begin(scan, object, length, 0);
        gw_scan(scan, 0, 0, 1, SEARCH_PROGRAM);
      }
      double took = now() - began;
      if (took < best) best = took;
    }
    printf("%.0f\n", size / best / 1e6);
    free(bytes);
  }
  return 0;
}
