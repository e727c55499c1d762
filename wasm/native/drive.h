// The scan core driven natively: what check.c and fuzz.c share. Every block is malloc'ed in its
// exact size, so that the address sanitizer sees one byte too many.
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../core.h"

u32 gw_check(const u8 *image, u32 size, Scan *scratch);
u32 gw_state_size(const u8 *image);
void gw_attach(Scan *scan, const u8 *image);
void gw_begin(Scan *scan, u8 *bytes, u32 size, u32 nameLength);
u32 gw_scan(Scan *scan, u32 type, u32 container, u32 depth, u32 search);
u32 gw_hashes(const Scan *scan, u32 size, u32 first, u32 end);
void gw_hash(Scan *scan, u32 kind, u32 size);
u32 gw_offset(const Scan *scan, u32 index);
u32 gw_count(const Scan *scan, u32 index, u32 number);
u32 gw_enumerate(Scan *scan, u32 index, u32 number, u32 from, u32 max);

#define PLACED_MAX 16u  // signatures whose places are looked at, not always the same

// How an object lies in what it was taken out of.
typedef struct { u32 type, container, depth, nameLength; } Circumstance;

static void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  abort();
}

// A Scan set up for an image, or NULL if the image is refused.
static Scan *open_scan(const u8 *image, u32 size) {
  Scan *scratch = calloc(1, sizeof(Scan));
  u32 fault = gw_check(image, size, scratch);
  free(scratch);
  if (fault != 0) return NULL;
  Scan *scan = calloc(1, gw_state_size(image));
  gw_attach(scan, image);
  return scan;
}

// What is counted must be enumerated, and by ascending start; of an image that is not as the
// compiler made it only the order is sure.
static void check_places(Scan *scan, u32 found, u32 isGood) {
  u32 end = scan->counts[SECTION_SIGNATURES], first = end > PLACED_MAX ? scan->size % end : 0;
  for (u32 i = first; i < end && i < first + PLACED_MAX; i++) {
    for (u32 k = 0; k < scan->signatures[i].patternCount && k < 10; k++) {
      u32 count = gw_count(scan, i, k);
      u32 matches = gw_enumerate(scan, i, k, 0, MATCHES_MAX);
      for (u32 m = 1; m < matches; m++) {
        if (scan->matches[m].start <= scan->matches[m - 1].start) fail("places are out of order");
      }
      const Pattern *pattern = scan->patterns + scan->signatures[i].firstPattern + k;
      if (found >> 31 || scan->isIncomplete || pattern->codeLength == 0) continue;
      if (isGood && count != NONE && count != matches) fail("a count is not that of the places");
    }
  }
}

// Scans a copy of the bytes as the host does; what gw_scan answers.
static u32 scan_object(Scan *scan, const u8 *bytes, u32 size, Circumstance at, u32 isGood) {
  u8 *block = calloc(1, PAD_BEFORE + size + PAD_AFTER);
  memcpy(block + PAD_BEFORE, bytes, size);
  memcpy(scan->name, "invoice.exe", 11);
  gw_begin(scan, block + PAD_BEFORE, size, at.nameLength);
  for (u32 kinds = gw_hashes(scan, size, 0, HASH_KINDS), kind = 0; kind < HASH_KINDS; kind++) {
    if (kinds >> kind & 1) gw_hash(scan, kind, size);
  }
  u32 search = isGood ? SEARCH_PROGRAM : at.depth % SEARCHES;
  u32 found = gw_scan(scan, at.type, at.container, at.depth, search);
  check_places(scan, found, isGood);
  free(block);
  return found;
}
