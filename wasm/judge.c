// From matched patterns to findings: object names, hashes, and the conditions of the signatures
// that were touched. A signature none of whose patterns matched is never looked at; the compiler
// refuses conditions that such a signature could meet.
#include "core.h"

u32 target_allows(const Scan *scan, const Signature *signature) {
  if (signature->typeset == 0) return 1;
  if (scan->type >= 128) return 0;
  const Typeset *set = scan->typesets + signature->typeset - 1;
  return set->mask[scan->type >> 5] >> (scan->type & 31) & 1;
}

// ---- names --------------------------------------------------------------------------------------

INLINE u32 is_continuation(u8 c) { return (c & 0xc0) == 0x80; }

// `*` and `?` over UTF-8, where `?` is one character. The last `*` is the only one worth going back
// to, so the cost is at most the product of the lengths.
static u32 is_glob_match(Scan *scan, const u8 *glob, u32 globLength) {
  const u8 *name = scan->name;
  u32 g = 0, n = 0, star = NONE, resume = 0;
  while (n < scan->nameLength) {
    if (!spend(scan, 1)) return 0;
    if (g < globLength && glob[g] == '*') {
      star = g++;
      resume = n;
    } else if (g < globLength && glob[g] == '?') {
      for (g++, n++; n < scan->nameLength && is_continuation(name[n]);) n++;
    } else if (g < globLength && glob[g] == name[n]) {
      g++;
      n++;
    } else if (star != NONE) {
      g = star + 1;
      n = ++resume;
    } else {
      return 0;
    }
  }
  while (g < globLength && glob[g] == '*') g++;
  return g == globLength;
}

void match_names(Scan *scan) {
  for (u32 i = 0; i < scan->counts[SECTION_NAMES]; i++) {
    const Name *name = scan->names + i;
    const u8 *glob = scan->code + name->text;
    // Most globs end in an extension: its last letter settles nearly all of them.
    u8 last = name->length > 0 ? glob[name->length - 1] : '*';
    if (last != '*' && last != '?') {
      if (scan->nameLength == 0 || scan->name[scan->nameLength - 1] != last) continue;
    }
    if (!is_glob_match(scan, glob, name->length)) continue;
    State *state = state_of(scan, name->pattern);
    if (state->count == 0) record_match(scan, name->pattern, state, NONE);
  }
}

// ---- hashes -------------------------------------------------------------------------------------

static int compare_hash(const Hash *entry, u32 kind, u32 size, const u8 *digest) {
  if (entry->size != size) return entry->size < size ? -1 : 1;
  const u8 *kept = (const u8 *)entry + sizeof(Hash) - DIGEST_FOUND;
  for (u32 i = 0; i < digest_length(kind); i++) {
    if (kept[i] != digest[i]) return kept[i] < digest[i] ? -1 : 1;
  }
  return 0;
}

INLINE const Hash *hash_at(const Scan *scan, u32 kind, u32 index) {
  return (const Hash *)(scan->hashes[kind] + (u64)index * hash_size(kind));
}

// The first entry that is not below.
static u32 first_hash(const Scan *scan, u32 kind, u32 size, const u8 *digest) {
  u32 lo = 0, hi = scan->counts[SECTION_HASHES + kind];
  while (lo < hi) {
    u32 middle = lo + (hi - lo) / 2;
    if (compare_hash(hash_at(scan, kind, middle), kind, size, digest) < 0) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}

static void match_hash(Scan *scan, u32 kind, u32 size) {
  u32 count = scan->counts[SECTION_HASHES + kind];
  u32 i = first_hash(scan, kind, size, scan->digest);
  for (; i < count; i++) {
    const Hash *entry = hash_at(scan, kind, i);
    if (compare_hash(entry, kind, size, scan->digest) != 0) return;
    u32 owner = entry->owner;
    if (kind >= HASH_TRUSTED_MD5) scan->isTrusted = 1;
    if (!(owner & HASH_ALONE)) {
      State *state = state_of(scan, owner);
      if (state->count == 0) record_match(scan, owner, state, NONE);
    } else {
      record_alone(scan, owner & ~HASH_ALONE, NONE);
    }
  }
}

static u32 has_size(const Scan *scan, u32 kind, u32 size) {
  static const u8 LEAST[DIGEST_TRUSTED] = {0};
  u32 i = first_hash(scan, kind, size, LEAST);
  return i < scan->counts[SECTION_HASHES + kind] && hash_at(scan, kind, i)->size == size;
}

// Which hashes of something of that size are worth computing, of the kinds first <= kind < end: a
// bit each.
EXPORT(gw_hashes) u32 gw_hashes(const Scan *scan, u32 size, u32 first, u32 end) {
  u32 wanted = 0;
  for (u32 kind = first; kind < end && kind < HASH_KINDS; kind++) {
    if (scan->counts[SECTION_HASHES + kind] == 0) continue;
    wanted |= (has_size(scan, kind, size) | has_size(scan, kind, HASH_ANY_SIZE)) << kind;
  }
  return wanted;
}

// Looks up the hash that the host has put into `digest`, of something of that size.
EXPORT(gw_hash) void gw_hash(Scan *scan, u32 kind, u32 size) {
  if (kind >= HASH_KINDS) return;
  match_hash(scan, kind, size);
  if (size != HASH_ANY_SIZE) match_hash(scan, kind, HASH_ANY_SIZE);
}

// ---- conditions ---------------------------------------------------------------------------------

static u32 compare(u32 op, u32 a, u32 b) {
  switch (op) {
    case CONDITION_AND: return (a != 0) & (b != 0);
    case CONDITION_OR: return (a | b) != 0;
    case CONDITION_LT: return a < b;
    case CONDITION_LE: return a <= b;
    case CONDITION_GT: return a > b;
    case CONDITION_GE: return a >= b;
    case CONDITION_EQ: return a == b;
    default: return a != b;
  }
}

static u32 is_all_found(const Scan *scan, const Signature *signature) {
  for (u32 i = 0; i < signature->patternCount; i++) {
    if (count_of(scan, signature->firstPattern + i) == 0) return 0;
  }
  return 1;
}

// gw_check has made sure that the stack neither under- nor overflows.
static u32 is_met(const Scan *scan, const Signature *signature) {
  u32 stack[CONDITION_STACK], depth = 0;
  const u32 *word = scan->conditions + signature->condition;
  const u32 *end = word + signature->conditionLength, first = signature->firstPattern;
  if (signature->conditionLength == 0) return is_all_found(scan, signature);
  while (word < end) {
    u32 op = *word & 0xff, operand = *word >> 8;
    word++;
    switch (op) {
      case CONDITION_PATTERN: stack[depth++] = count_of(scan, first + operand) > 0; break;
      case CONDITION_COUNT: stack[depth++] = count_of(scan, first + operand); break;
      case CONDITION_ALWAYS: stack[depth++] = 1; break;
      case CONDITION_NUMBER: stack[depth++] = *word++; break;
      case CONDITION_SIZE: stack[depth++] = scan->size; break;
      case CONDITION_DEPTH: stack[depth++] = scan->depth; break;
      case CONDITION_TYPE: stack[depth++] = scan->type == operand; break;
      case CONDITION_CONTAINER: stack[depth++] = scan->container == operand; break;
      case CONDITION_NOT: stack[depth - 1] = !stack[depth - 1]; break;
      case CONDITION_OF: {
        u32 count = *word++, matched = 0;
        for (u32 i = 0; i < count; i++) matched += count_of(scan, first + *word++) > 0;
        stack[depth++] = matched >= operand;
        break;
      }
      default:
        depth--;
        stack[depth - 1] = compare(op, stack[depth - 1], stack[depth]);
    }
  }
  return stack[0] != 0;
}

// ---- what the host asks -------------------------------------------------------------------------

// Where a signature was first seen; NONE: nowhere in particular.
EXPORT(gw_offset) u32 gw_offset(const Scan *scan, u32 index) {
  u32 offset = NONE;
  if (index >= scan->counts[SECTION_SIGNATURES]) return offset;
  const Signature *signature = scan->signatures + index;
  for (u32 i = 0; i < signature->patternCount; i++) {
    const State *state = find_state(scan, signature->firstPattern + i);
    if (state->epoch == scan->epoch) offset = min32(offset, state->first);
  }
  return offset;
}

static const Pattern *pattern_of(const Scan *scan, u32 index, u32 number) {
  if (index >= scan->counts[SECTION_SIGNATURES]) return 0;
  const Signature *signature = scan->signatures + index;
  return number < signature->patternCount ? scan->patterns + signature->firstPattern + number : 0;
}

static u32 is_searched(const Pattern *pattern) {
  return pattern->codeLength > 0 && !(pattern->flags & PATTERN_LAZY);
}

// Whether the pattern was found; NONE: it must be looked for.
EXPORT(gw_has) u32 gw_has(const Scan *scan, u32 index, u32 number) {
  const Pattern *pattern = pattern_of(scan, index, number);
  if (pattern == 0) return 0;
  if (pattern->flags & PATTERN_LAZY) return NONE;
  return count_of(scan, (u32)(pattern - scan->patterns)) > 0;
}

// How often the pattern was found, if the scan has seen to that; NONE: it must be enumerated.
EXPORT(gw_count) u32 gw_count(const Scan *scan, u32 index, u32 number) {
  const Pattern *pattern = pattern_of(scan, index, number);
  if (pattern == 0) return 0;
  if (pattern->flags & PATTERN_LAZY) return NONE;
  u32 count = count_of(scan, (u32)(pattern - scan->patterns));
  return count == 0 || count < pattern->countMax || !is_searched(pattern) ? count : NONE;
}

// From touched signatures to those whose condition holds, in place: the number of findings.
u32 judge(Scan *scan) {
  u32 count = 0;
  for (u32 i = 0; i < scan->counts[SECTION_ALWAYS]; i++) touch(scan, scan->always[i]);
  for (u32 i = 0; i < scan->touchedCount; i++) {
    u32 index = scan->touched[i];
    const Signature *signature = scan->signatures + index;
    if (target_allows(scan, signature) && is_met(scan, signature)) scan->touched[count++] = index;
  }
  return count;
}
