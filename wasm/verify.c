// From a literal that was found to a pattern that matches: the run is compared, the start is
// derived from it, and what the run does not say (wildcards, gaps, alternatives, offsets, word
// borders) is checked by running the pattern's program from that start. A pattern matches at a
// start or it does not; counts are counts of starts.
#include "probe.h"

static u32 is_equal_folded(const u8 *data, const u8 *run, u32 n) {
  for (u32 i = 0; i < n; i++) {
    u8 differ = data[i] ^ run[i];
    if (differ != 0 && (differ != 0x20 || !is_letter(run[i]))) return 0;
  }
  return 1;
}

INLINE u32 is_masked_equal(const u8 *data, const u8 *values, u32 n) {
  const u8 *masks = values + n;
  for (u32 i = 0; i < n; i++) {
    if ((data[i] & masks[i]) != values[i]) return 0;
  }
  return 1;
}

// ---- sets of places: sorted spans that neither overlap nor touch --------------------------------

static void add_place(Scan *scan, Places *set, u32 lo, u32 hi) {
  u32 i = set->count;
  while (i > 0 && set->spans[i - 1].lo > lo) i--;
  if (i > 0 && set->spans[i - 1].hi + 1 >= lo) {
    i--;
    set->spans[i].hi = max32(set->spans[i].hi, hi);
  } else {
    if (set->count == SPAN_MAX) {  // no room to go on exactly: the object counts as unscanned
      scan->isIncomplete = 1;
      return;
    }
    for (u32 k = set->count++; k > i; k--) set->spans[k] = set->spans[k - 1];
    set->spans[i] = (Span){lo, hi};
  }
  u32 k = i + 1;
  while (k < set->count && set->spans[k].lo <= set->spans[i].hi + 1) {
    set->spans[i].hi = max32(set->spans[i].hi, set->spans[k++].hi);
  }
  u32 removed = k - (i + 1);
  if (removed == 0) return;
  for (; k < set->count; k++) set->spans[k - removed] = set->spans[k];
  set->count -= removed;
}

// ---- programs -----------------------------------------------------------------------------------

static const u8 *next_op(const u8 *op) {
  switch (*op) {
    case OP_LITERAL: return op + 3 + load16(op + 1);
    case OP_MASKED: return op + 3 + 2 * load16(op + 1);
    case OP_GAP: return op + 9;
    case OP_BOUNDARY: return op + 2;
    default: return op + 8 + load32(op + 4);
  }
}

INLINE u32 is_open_gap(const u8 *op) { return *op == OP_GAP && load32(op + 5) == NONE; }

// Adds where each alternative that matches at p ends. A negated group matches if none does.
static void add_alternatives(Scan *scan, const u8 *op, u32 p, Places *out) {
  u32 negated = op[1], count = load16(op + 2), n = 0;
  const u8 *item = op + 8;
  for (u32 i = 0; i < count; i++, item += 2 + 2 * n) {
    n = load16(item);
    if (p + n > scan->size) {
      if (negated) return;
    } else if (is_masked_equal(scan->bytes + p, item + 2, n)) {
      if (negated) return;
      add_place(scan, out, p + n, p + n);
    }
  }
  if (negated) add_place(scan, out, p + n, p + n);
}

// ClamAV's (B): bytes that may stand around a word in mail, on the web, in paths.
static u32 is_break(u8 c, u32 isRight) {
  const char *set = isRight ? "\n\r \"'-/=>_" : " -./<@_";
  for (; *set != 0; set++) {
    if (c == (u8)*set) return 1;
  }
  return 0;
}

static u32 holds_left(const u8 *p, u32 before, u32 class) {
  if (before == 0) return 1;
  switch (class) {
    case BOUNDARY_WORD: return !is_word(p[-1]);
    case BOUNDARY_WIDE_WORD: return before < 2 || p[-1] != 0 || !is_word(p[-2]);
    case BOUNDARY_BREAK: return is_break(p[-1], 0);
    default: return p[-1] == '\n';
  }
}

static u32 holds_right(const u8 *p, u32 behind, u32 class) {
  if (behind == 0) return 1;
  switch (class) {
    case BOUNDARY_WORD: return !is_word(p[0]);
    case BOUNDARY_WIDE_WORD: return behind < 2 || p[1] != 0 || !is_word(p[0]);
    case BOUNDARY_BREAK: return is_break(p[0], 1);
    default: return p[0] == '\n' || (behind > 1 && p[0] == '\r' && p[1] == '\n');
  }
}

static u32 is_boundary(const Scan *scan, u32 operand, u32 p) {
  u32 class = operand & BOUNDARY_CLASS;
  u32 holds = operand & BOUNDARY_RIGHT ? holds_right(scan->bytes + p, scan->size - p, class)
                                       : holds_left(scan->bytes + p, p, class);
  return holds != (operand & BOUNDARY_NEGATED) / BOUNDARY_NEGATED;
}

// Adds where the op ends if it matches at p; p <= size.
INLINE void step(Scan *scan, const u8 *op, u32 p, Places *out) {
  if (*op == OP_ALTERNATIVES) {
    add_alternatives(scan, op, p, out);
    return;
  }
  if (*op == OP_BOUNDARY) {
    if (is_boundary(scan, op[1], p)) add_place(scan, out, p, p);
    return;
  }
  u32 n = load16(op + 1);
  if (n > scan->size - p) return;
  u32 matches = *op == OP_LITERAL ? is_equal(scan->bytes + p, op + 3, n)
                                  : is_masked_equal(scan->bytes + p, op + 3, n);
  if (matches) add_place(scan, out, p + n, p + n);
}

static void widen(Scan *scan, u32 min, u32 max, const Places *in, Places *out) {
  for (u32 i = 0; i < in->count; i++) {
    u64 lo = (u64)in->spans[i].lo + min, hi = (u64)in->spans[i].hi + max;
    if (lo > scan->size) return;
    add_place(scan, out, (u32)lo, hi > scan->size ? scan->size : (u32)hi);
  }
}

// Runs the ops up to an open gap or the end, from `start`. The first place where they can end, NONE
// if there is none; *after is the op that stopped it.
static u32 run_segment(Scan *scan, const u8 *op, u32 start, const u8 **after) {
  // Most starts fail at once, and many a segment is one literal.
  if (*op == OP_LITERAL) {
    u32 n = load16(op + 1);
    if (n > scan->size - start || !is_equal(scan->bytes + start, op + 3, n)) return NONE;
    if (op[3 + n] == OP_END) {
      *after = op + 3 + n;
      return start + n;
    }
  }
  Places *in = &scan->places[0], *out = &scan->places[1];
  in->count = 1;
  in->spans[0] = (Span){start, start};
  for (; *op != OP_END && !is_open_gap(op); op = next_op(op)) {
    out->count = 0;
    if (*op == OP_GAP) {
      widen(scan, load32(op + 1), load32(op + 5), in, out);
    } else {
      for (u32 i = 0; i < in->count; i++) {
        if (!spend(scan, 4 + 2 * (in->spans[i].hi - in->spans[i].lo))) return NONE;
        for (u32 p = in->spans[i].lo; p <= in->spans[i].hi; p++) step(scan, op, p, out);
      }
    }
    if (out->count == 0 || scan->isIncomplete) return NONE;
    Places *swap = in;
    in = out;
    out = swap;
  }
  *after = op;
  return in->spans[0].lo;
}

// Where the segment first succeeds at or behind `from`. Its first op is no gap. The earliest start
// is taken for the one with the earliest end, which holds unless alternatives overlap and differ in
// length.
static u32 find_segment(Scan *scan, const u8 *op, u32 from, const u8 **after) {
  Probe probe[2];
  find_probes(op, probe);
  for (u32 p = from; (p = next_hit(scan, probe, p, scan->size - 1)) != NONE; p++) {
    u32 end = run_segment(scan, op, p, after);
    if (end != NONE || scan->isIncomplete) return end;
  }
  return NONE;
}

// Whether the program matches at `start`, and where the shortest match ends; NEVER if it can't
// match at any later start either, because what must follow an open gap isn't there any more.
static u32 run_program(Scan *scan, const u8 *op, u32 start, u32 *stop) {
  u32 end = run_segment(scan, op, start, &op);
  if (end == NONE) return FAILED;
  while (*op != OP_END) {
    u64 from = (u64)end + load32(op + 1);
    if (from > scan->size) return NEVER;
    op = next_op(op);
    if (*op == OP_END) break;
    end = find_segment(scan, op, (u32)from, &op);
    if (end == NONE) return NEVER;
  }
  *stop = end;
  return MATCHED;
}

// ---- starts -------------------------------------------------------------------------------------

INLINE u32 is_in_range(const Scan *scan, const Pattern *pattern, u32 start) {
  u32 place = pattern->flags & PATTERN_FROM_END ? scan->size - start : start;
  return place >= pattern->from && place <= pattern->to;
}

// PATTERN_FULLWORD: literal patterns only, so the end is known.
static u32 is_full_word(const Scan *scan, const Pattern *pattern, u32 start) {
  u32 end = start + pattern->length, step = pattern->flags & PATTERN_WIDE ? 2 : 1;
  const u8 *b = scan->bytes;
  if (start >= step && is_word(b[start - step]) && (step == 1 || b[start - 1] == 0)) return 0;
  return end + step > scan->size || !is_word(b[end]) || (step == 2 && b[end + 1] != 0);
}

void touch(Scan *scan, u32 signature) {
  State *state = state_of(scan, signature | STATE_SIGNATURE);
  if (state->count++ == 0 && state != &scan->spare) scan->touched[scan->touchedCount++] = signature;
}

void record_match(Scan *scan, u32 pattern, State *state, u32 offset) {
  if (state->count++ == 0) touch(scan, scan->patterns[pattern].signature);
  if (offset < state->first) state->first = offset;
}

// A signature that has no entry but its hash or its run, once for each object.
void record_alone(Scan *scan, u32 signature, u32 offset) {
  State *state = state_of(scan, signature | STATE_ALONE);
  if (state->count++ > 0) return;
  if (scan->aloneCount == ALONE_MAX) scan->isIncomplete = 1;
  else scan->alone[scan->aloneCount++] = (Alone){signature, offset};
}

// Whether a pattern with a program matches at `start`, and where the match ends.
u32 is_match_at(Scan *scan, const Pattern *pattern, u32 start, u32 *end) {
  if (!is_in_range(scan, pattern, start)) return FAILED;
  u32 outcome = run_program(scan, scan->code + pattern->code, start, end);
  if (outcome != MATCHED) return outcome;
  return !(pattern->flags & PATTERN_FULLWORD) || is_full_word(scan, pattern, start);
}

static void try_start(Scan *scan, u32 id, State *state, u32 start) {
  const Pattern *pattern = scan->patterns + id;
  u32 end = 0;
  if (pattern->flags & PATTERN_LITERAL) {
    if (!is_in_range(scan, pattern, start)) return;
    if (pattern->flags & PATTERN_FULLWORD && !is_full_word(scan, pattern, start)) return;
  } else {
    u32 outcome = is_match_at(scan, pattern, start, &end);
    if (outcome == NEVER) state->next = NONE;
    if (outcome != MATCHED) return;
  }
  record_match(scan, id, state, start);
}

// The run's distance from the start varies: tries every start it can belong to, none of them twice.
// Runs of a pattern with one anchor arrive in ascending order.
static void try_starts(Scan *scan, u32 id, State *state, u32 run, u32 least) {
  const Pattern *pattern = scan->patterns + id;
  if (run < least) return;
  u32 last = run - least, first = run > pattern->reach ? run - pattern->reach : 0;
  if (!(pattern->flags & PATTERN_MULTI)) first = max32(first, state->next);
  if (pattern->flags & PATTERN_FROM_END) {
    if (scan->size > pattern->to) first = max32(first, scan->size - pattern->to);
  } else {
    first = max32(first, pattern->from);
    last = min32(last, pattern->to);
  }
  u32 isProbed = first <= last && last - first >= PROBE_STARTS_MIN && pattern->codeLength > 0;
  Probe probe[2];
  if (isProbed) find_probes(scan->code + pattern->code, probe);
  for (u32 start = first; start <= last; start++) {
    if (isProbed) start = next_hit(scan, probe, start, last);
    if (start == NONE) break;
    if (state->next == NONE || state->count >= pattern->countMax || !spend(scan, 4)) return;
    try_start(scan, id, state, start);
  }
  if (state->next != NONE && last != NONE) state->next = max32(state->next, last + 1);
}

// An anchor whose window and probe were found; its run lies inside the object.
// A pattern of parts with any distance between them would have to be looked for from each of them
// to the object's end. So its parts are looked for like patterns, and it only where all are there.
static void pass_guard(Scan *scan, u32 id, State *state) {
  u32 owner = scan->patterns[id].from;
  state->count = 1;
  State *own = state_of(scan, owner);
  if (state == &scan->spare || own == &scan->spare) return;
  if (++own->next != scan->patterns[owner].reach) return;
  own->first = scan->pending;
  scan->pending = owner;
}

void verify_anchor(Scan *scan, const Anchor *anchor, u32 run) {
  if (!spend(scan, 8 + anchor->length / 8)) return;
  const u8 *data = scan->bytes + run, *wanted = scan->runs + anchor->bytes;
  if (!(anchor->pattern & ANCHOR_FOLD ? is_equal_folded(data, wanted, anchor->length)
                                      : is_equal(data, wanted, anchor->length))) {
    return;
  }
  u32 id = anchor->pattern & ~ANCHOR_FOLD;
  if (id & ANCHOR_ALONE) {
    record_alone(scan, id & ~ANCHOR_ALONE, run);
    return;
  }
  // Not for this type of object: it need not be known where it would match.
  if (!target_allows(scan, scan->signatures + scan->patterns[id].signature)) return;
  State *state = state_of(scan, id);
  if (state->count >= scan->patterns[id].countMax || state->next == NONE) return;
  if (scan->patterns[id].flags & PATTERN_GUARD) {
    pass_guard(scan, id, state);
    return;
  }
  if (anchor->before & ANCHOR_VARIABLE) {
    try_starts(scan, id, state, run, anchor->before & ~ANCHOR_VARIABLE);
  } else if (run >= anchor->before) {
    try_start(scan, id, state, run - anchor->before);
  }
}

static void search_own_places(Scan *scan, u32 id) {
  const Pattern *pattern = scan->patterns + id;
  if (pattern->length > scan->size) return;
  if (!target_allows(scan, scan->signatures + pattern->signature)) return;
  u32 first = pattern->from, last = min32(pattern->to, scan->size - pattern->length);
  if (pattern->flags & PATTERN_FROM_END) {
    if (scan->size < pattern->from) return;
    first = scan->size > pattern->to ? scan->size - pattern->to : 0;
    last = min32(scan->size - pattern->from, scan->size - pattern->length);
  }
  if (first > last) return;
  State *state = state_of(scan, id);
  u32 isProbed = last - first >= PROBE_STARTS_MIN;
  Probe probe[2];
  if (isProbed) find_probes(scan->code + pattern->code, probe);
  for (u32 start = first; start <= last; start++) {
    if (isProbed) start = next_hit(scan, probe, start, last);
    if (start == NONE) break;
    if (state->count >= pattern->countMax || state->next == NONE || !spend(scan, 4)) break;
    try_start(scan, id, state, start);
  }
}

// The patterns whose guards were all found.
void search_pending(Scan *scan) {
  while (scan->pending < scan->counts[SECTION_PATTERNS] && !scan->isIncomplete) {
    u32 id = scan->pending;
    State *state = state_of(scan, id);
    scan->pending = state->first;
    state->first = NONE;
    state->next = 0;
    search_own_places(scan, id);
  }
}

// The first entry from `lo` on that is not below the key.
static u32 first_direct(const Scan *scan, u32 lo, u32 key) {
  u32 hi = scan->counts[SECTION_DIRECT];
  while (lo < hi) {
    u32 middle = lo + (hi - lo) / 2;
    if (scan->direct[middle].key < key) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}

static void try_direct(Scan *scan, u32 id, u32 start) {
  const Pattern *pattern = scan->patterns + id;
  if (pattern->length > scan->size || start > scan->size - pattern->length) return;
  if (!target_allows(scan, scan->signatures + pattern->signature) || !spend(scan, 4)) return;
  State *state = state_of(scan, id);
  if (state->count < pattern->countMax && state->next != NONE) try_start(scan, id, state, start);
}

// Patterns bound to few places (such as magic numbers) need no search.
void search_direct(Scan *scan) {
  u32 count = scan->counts[SECTION_DIRECT], i = 0;
  while (i < count && scan->direct[i].key != DIRECT_ANY && !scan->isIncomplete) {
    u32 place = scan->direct[i].key >> 16;
    if (place + 2 > scan->size) {
      i = first_direct(scan, i, DIRECT_ANY);
      break;
    }
    u32 key = place << 16 | load16(scan->bytes + place);
    for (i = first_direct(scan, i, key); i < count && scan->direct[i].key == key; i++) {
      try_direct(scan, scan->direct[i].pattern, place);
    }
    i = first_direct(scan, i, (place + 1) << 16);
  }
  for (; i < count && !scan->isIncomplete; i++) search_own_places(scan, scan->direct[i].pattern);
}
