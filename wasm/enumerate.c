// Where one pattern matches, for judgements: a search for that pattern alone, over the whole object,
// when its signature's trigger holds.
#include "probe.h"

// Appends the match at `start`, if there is one; 0 ends the search.
static u32 try_at(Scan *scan, const Pattern *pattern, u32 start, u32 *count) {
  u32 end = 0;
  if (!spend(scan, 4)) return 0;
  u32 outcome = is_match_at(scan, pattern, start, &end);
  if (outcome == NEVER || scan->isIncomplete) return 0;
  if (outcome == MATCHED) scan->matches[(*count)++] = (Match){start, end - start};
  return 1;
}

static u32 search_range(Scan *scan, const Pattern *pattern, u32 first, u32 last, u32 max) {
  Probe probe[2];
  find_probes(scan->code + pattern->code, probe);
  u32 count = 0;
  for (u32 at = first; count < max; at++) {
    at = next_hit(scan, probe, at, last);
    if (at == NONE || !try_at(scan, pattern, at, &count)) break;
  }
  return count;
}

// Puts the first `max` matches at or behind `from` into `matches`, by start; how many. It is to be
// gone on with behind the last, and tells less than it found only if the work limit stops it.
EXPORT(gw_enumerate) u32 gw_enumerate(Scan *scan, u32 index, u32 number, u32 from, u32 max) {
  if (index >= scan->counts[SECTION_SIGNATURES]) return 0;
  const Signature *signature = scan->signatures + index;
  if (number >= signature->patternCount) return 0;
  const Pattern *pattern = scan->patterns + signature->firstPattern + number;
  if (pattern->codeLength == 0 || pattern->length > scan->size) return 0;
  u32 first = pattern->from, last = min32(pattern->to, scan->size - pattern->length);
  if (pattern->flags & PATTERN_FROM_END) {
    if (scan->size < pattern->from) return 0;
    first = scan->size > pattern->to ? scan->size - pattern->to : 0;
    last = min32(scan->size - pattern->from, scan->size - pattern->length);
  }
  first = max32(first, from);
  if (first > last) return 0;
  return search_range(scan, pattern, first, last, min32(max, MATCHES_MAX));
}
