// Hyperscan, if its library is there (Debian: libhyperscan-dev, gcc): the same literals over the same
// bytes, in a program of its own.
import type { Data } from "./data.ts";
import { peerRates } from "./peer-program.ts";

const HYPERSCAN = `
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static int on_match(unsigned a, unsigned long long b, unsigned long long c, unsigned d, void *e) {
  return 0;
}
static char *slurp(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  fseek(f, 0, SEEK_END);
  *size = ftell(f);
  rewind(f);
  char *bytes = malloc(*size);
  if (fread(bytes, 1, *size, f) != *size) exit(1);
  fclose(f);
  return bytes;
}
int main(int n, char **v) {
  size_t size;
  char *p = slurp(v[1], &size), *end = p + size;
  const char **literals = malloc(size * sizeof *literals);
  size_t *lengths = malloc(size * sizeof *lengths);
  unsigned *flags = malloc(size * sizeof *flags), *ids = malloc(size * sizeof *ids), count = 0;
  for (; p < end; p += 1 + lengths[count++]) {
    lengths[count] = (unsigned char)*p;
    literals[count] = p + 1;
    flags[count] = HS_FLAG_SINGLEMATCH;
    ids[count] = count;
  }
  hs_database_t *db;
  hs_compile_error_t *error;
  if (hs_compile_lit_multi(literals, flags, ids, lengths, count, HS_MODE_BLOCK, 0, &db, &error)) exit(2);
  hs_scratch_t *scratch = 0;
  if (hs_alloc_scratch(db, &scratch)) exit(3);
  for (int i = 2; i < n; i++) {
    char *bytes = slurp(v[i], &size);
    double least = 1e9;
    for (int k = 0; k < ROUNDS; k++) {
      struct timespec a, b;
      clock_gettime(CLOCK_MONOTONIC, &a);
      hs_scan(db, bytes, size, 0, scratch, on_match, 0);
      clock_gettime(CLOCK_MONOTONIC, &b);
      double s = b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9;
      if (s < least) least = s;
    }
    printf("%.0f\\n", size / least / 1e6);
  }
}
`;

/** MB/s by kind of data, the best of `rounds`; null where there is no Hyperscan. */
export function hyperscan(
  literals: readonly Uint8Array[],
  data: Data,
  rounds: number,
): Record<string, number> | null {
  const lines = literals.map((literal) => Buffer.from([literal.length, ...literal]));
  const build = ["-O2", `-DROUNDS=${rounds}`, "-lhs"];
  const input = Buffer.concat(lines);
  return peerRates({ build, source: HYPERSCAN, input, words: [] }, data);
}
