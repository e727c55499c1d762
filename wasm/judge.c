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
    PatternState *state = state_of(scan, name->pattern);
    if (state->count == 0) record_match(scan, name->pattern, state, NONE);
  }
}

// ---- hashes -------------------------------------------------------------------------------------

// Both tables: entries of `stride` bytes that begin with a u32 size, ascending. First one >= size.
static u32 first_of_size(const u8 *table, u32 count, u32 stride, u32 size) {
  u32 lo = 0, hi = count;
  while (lo < hi) {
    u32 middle = lo + (hi - lo) / 2;
    if (load32(table + (u64)middle * stride) < size) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}

static void match_hash(Scan *scan, const u8 *table, u32 count, u32 digestLength) {
  u32 stride = 8 + digestLength;
  u32 i = first_of_size(table, count, stride, scan->size);
  for (; i < count && load32(table + (u64)i * stride) == scan->size; i++) {
    const u8 *entry = table + (u64)i * stride;
    if (!is_equal(entry + 8, scan->digest, digestLength)) continue;
    u32 pattern = load32(entry + 4);
    PatternState *state = state_of(scan, pattern);
    if (state->count == 0) record_match(scan, pattern, state, NONE);
  }
}

static u32 has_size(const u8 *table, u32 count, u32 stride, u32 size) {
  u32 i = first_of_size(table, count, stride, size);
  return i < count && load32(table + (u64)i * stride) == size;
}

// Which hashes of the object begun are worth computing: 1 MD5, 2 SHA-256.
EXPORT(gw_hashes) u32 gw_hashes(Scan *scan) {
  const u8 *md5 = (const u8 *)scan->md5, *sha256 = (const u8 *)scan->sha256;
  return has_size(md5, scan->counts[SECTION_MD5], sizeof(Md5), scan->size) |
         has_size(sha256, scan->counts[SECTION_SHA256], sizeof(Sha256), scan->size) << 1;
}

// Looks up the hash that the host has put into `digest`; kind as in gw_hashes.
EXPORT(gw_hash) void gw_hash(Scan *scan, u32 kind) {
  if (kind == 1) match_hash(scan, (const u8 *)scan->md5, scan->counts[SECTION_MD5], 16);
  else match_hash(scan, (const u8 *)scan->sha256, scan->counts[SECTION_SHA256], 32);
}

// ---- conditions ---------------------------------------------------------------------------------

INLINE u32 count_of(const Scan *scan, u32 pattern) {
  const PatternState *state = scan->states + pattern;
  return state->epoch == scan->epoch ? state->count : 0;
}

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

// gw_check has made sure that the stack neither under- nor overflows.
static u32 is_met(const Scan *scan, const Signature *signature) {
  u32 stack[CONDITION_STACK], depth = 0;
  const u32 *word = scan->conditions + signature->condition;
  const u32 *end = word + signature->conditionLength, first = signature->firstPattern;
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

static u32 first_offset(const Scan *scan, const Signature *signature) {
  u32 offset = NONE;
  for (u32 i = 0; i < signature->patternCount; i++) {
    const PatternState *state = scan->states + signature->firstPattern + i;
    if (state->epoch == scan->epoch) offset = min32(offset, state->first);
  }
  return offset;
}

void judge(Scan *scan) {
  for (u32 i = 0; i < scan->touchedCount && scan->resultCount < RESULT_MAX; i++) {
    u32 index = scan->touched[i];
    const Signature *signature = scan->signatures + index;
    if (!target_allows(scan, signature) || !is_met(scan, signature)) continue;
    scan->results[scan->resultCount++] = (Result){index, first_offset(scan, signature)};
  }
}
