// Takes an image into use: checks that everything in it stays inside it, so that no image, however
// it came about, makes a scan read or write elsewhere; then sets up a Scan and drives it. The
// checksum is the host's affair.
#include "simd.h"
#include "tier.h"

// Why an image is refused, in the order of src/scan/signature-set.ts.
enum {
  FINE = 0,
  BAD_HEADER,
  BAD_VERSION,
  BAD_SECTION,
  BAD_SIGNATURE,
  BAD_PATTERN,
  BAD_ANCHOR,
  BAD_TIER,
  BAD_HASH,
  BAD_CONDITION,
};

static const u32 ENTRY_SIZES[SECTION_HASHES] = {
    0, sizeof(Signature), sizeof(Pattern), 1, 4, sizeof(Typeset), sizeof(Anchor), 1,
    sizeof(Tier), sizeof(Direct), sizeof(Name), 4,
};

// The sections of each search.
static const u8 SEARCH_SECTIONS[SEARCHES][2] = {
    {SECTION_ANCHORS, SECTION_TIERS},
    {SECTION_PROGRAM_ANCHORS, SECTION_PROGRAM_TIERS},
    {SECTION_VIEW_ANCHORS, SECTION_VIEW_TIERS},
};

static u32 entry_size(u32 kind) {
  if (kind < SECTION_HASHES) return ENTRY_SIZES[kind];
  if (kind < SECTION_HASHES + HASH_KINDS) return hash_size(kind - SECTION_HASHES);
  return kind == SECTION_PROGRAM_TIERS || kind == SECTION_VIEW_TIERS ? sizeof(Tier) : sizeof(Anchor);
}

static const u8 *section(const u8 *image, u32 kind, u32 *length, u32 *count) {
  const ImageHeader *header = (const ImageHeader *)image;
  const Section *entry = (const Section *)(header + 1);
  for (u32 i = 0; i < header->sections; i++, entry++) {
    if (entry->kind != kind) continue;
    *length = entry->length;
    *count = entry->count;
    return image + entry->offset;
  }
  *length = *count = 0;
  return image;
}

static void open_image(Scan *scan, const u8 *image) {
  const u8 *at[SECTION_KINDS];
  for (u32 kind = 1; kind < SECTION_KINDS; kind++) {
    at[kind] = section(image, kind, &scan->lengths[kind], &scan->counts[kind]);
  }
  scan->image = image;
  scan->signatures = (const Signature *)at[SECTION_SIGNATURES];
  scan->patterns = (const Pattern *)at[SECTION_PATTERNS];
  scan->code = at[SECTION_CODE];
  scan->conditions = (const u32 *)at[SECTION_CONDITIONS];
  scan->typesets = (const Typeset *)at[SECTION_TYPESETS];
  scan->anchors = (const Anchor *)at[SECTION_ANCHORS];
  scan->runs = at[SECTION_RUNS];
  scan->tiers = at[SECTION_TIERS];
  scan->direct = (const Direct *)at[SECTION_DIRECT];
  scan->names = (const Name *)at[SECTION_NAMES];
  scan->always = (const u32 *)at[SECTION_ALWAYS];
  for (u32 kind = 0; kind < HASH_KINDS; kind++) {
    scan->hashes[kind] = at[SECTION_HASHES + kind];
  }
  for (u32 i = 0; i < SEARCHES; i++) {
    u32 anchors = SEARCH_SECTIONS[i][0], tiers = SEARCH_SECTIONS[i][1];
    scan->searches[i] = (Search){(const Anchor *)at[anchors], at[tiers], scan->counts[anchors],
                                 scan->counts[tiers], scan->lengths[tiers]};
  }
}

static void use_search(Scan *scan, u32 number) {
  const Search *search = scan->searches + (number < SEARCHES ? number : SEARCH_GENERAL);
  if (number == SEARCH_PROGRAM && search->tierCount == 0) search = scan->searches;
  scan->anchors = search->anchors;
  scan->tiers = search->tiers;
  scan->counts[SECTION_ANCHORS] = search->anchorCount;
  scan->counts[SECTION_TIERS] = search->tierCount;
  scan->lengths[SECTION_TIERS] = search->tiersLength;
}

// ---- checks -------------------------------------------------------------------------------------

static u32 check_sections(const u8 *image, u32 size) {
  const ImageHeader *header = (const ImageHeader *)image;
  if (size < sizeof(ImageHeader) || header->magic != IMAGE_MAGIC) return BAD_HEADER;
  if (header->version != IMAGE_VERSION) return BAD_VERSION;
  if (header->size != size || header->sections > SECTION_MAX) return BAD_HEADER;
  if (size < sizeof(ImageHeader) + header->sections * sizeof(Section)) return BAD_HEADER;
  const Section *entry = (const Section *)(header + 1);
  for (u32 i = 0; i < header->sections; i++, entry++) {
    if (entry->offset % 64 != 0 || entry->offset > size) return BAD_SECTION;
    if (entry->length > size - entry->offset) return BAD_SECTION;
    if (entry->kind >= SECTION_KINDS) continue;
    if ((u64)entry->count * entry_size(entry->kind) > entry->length) return BAD_SECTION;
  }
  return FINE;
}

// A program ends inside its bytes, and nothing in it reaches out of them. A segment never starts
// with a gap, which the search for it relies on.
static u32 is_program_sound(const u8 *op, const u8 *end) {
  u32 afterOpenGap = 1;
  while (end - op >= 1 && *op != OP_END) {
    u64 left = (u64)(end - op), need = 0;
    if (*op == OP_LITERAL || *op == OP_MASKED) {
      if (left < 3) return 0;
      u32 n = load16(op + 1);
      if (n == 0) return 0;
      need = 3 + (*op == OP_LITERAL ? n : 2 * n);
    } else if (*op == OP_BOUNDARY) {
      need = 2;
    } else if (*op == OP_GAP) {
      if (left < 9 || afterOpenGap) return 0;
      if (load32(op + 1) > load32(op + 5)) return 0;
      need = 9;
    } else if (*op == OP_ALTERNATIVES) {
      if (left < 8) return 0;
      need = 8 + (u64)load32(op + 4);
      if (need > left) return 0;
      u64 used = 8;
      for (u32 i = load16(op + 2); i > 0; i--) {
        if (used + 2 > need) return 0;
        used += 2 + 2 * (u64)load16(op + used);
      }
      if (used != need) return 0;
    } else {
      return 0;
    }
    if (need >= left) return 0;
    afterOpenGap = *op == OP_GAP && load32(op + 5) == NONE;
    op += need;
  }
  return end - op >= 1;
}

static u32 check_patterns(const Scan *scan) {
  for (u32 i = 0; i < scan->counts[SECTION_PATTERNS]; i++) {
    const Pattern *pattern = scan->patterns + i;
    if (pattern->signature >= scan->counts[SECTION_SIGNATURES]) return BAD_PATTERN;
    if (pattern->code > scan->lengths[SECTION_CODE]) return BAD_PATTERN;
    if (pattern->codeLength > scan->lengths[SECTION_CODE] - pattern->code) return BAD_PATTERN;
    if (pattern->flags & PATTERN_FULLWORD && pattern->length > 0xffff) return BAD_PATTERN;
    if (pattern->flags & PATTERN_GUARDED && pattern->codeLength == 0) return BAD_PATTERN;
    if (pattern->flags & PATTERN_GUARD) {
      if (pattern->flags & PATTERN_GUARDED || pattern->from >= scan->counts[SECTION_PATTERNS] ||
          !(scan->patterns[pattern->from].flags & PATTERN_GUARDED)) {
        return BAD_PATTERN;
      }
    }
    if (pattern->codeLength == 0) continue;  // a name, a hash, or all in its run
    const u8 *code = scan->code + pattern->code;
    if (!is_program_sound(code, code + pattern->codeLength)) return BAD_PATTERN;
  }
  for (u32 i = 0; i < scan->counts[SECTION_DIRECT]; i++) {
    u32 id = scan->direct[i].pattern;
    if (id >= scan->counts[SECTION_PATTERNS]) return BAD_PATTERN;
    if (scan->patterns[id].flags & (PATTERN_LITERAL | PATTERN_GUARDED)) return BAD_PATTERN;
    if (scan->patterns[id].codeLength == 0) return BAD_PATTERN;
  }
  for (u32 i = 0; i < scan->counts[SECTION_NAMES]; i++) {
    const Name *name = scan->names + i;
    if (name->pattern >= scan->counts[SECTION_PATTERNS]) return BAD_PATTERN;
    if (name->text > scan->lengths[SECTION_CODE]) return BAD_PATTERN;
    if (name->length > scan->lengths[SECTION_CODE] - name->text) return BAD_PATTERN;
  }
  return FINE;
}

static u32 check_anchors(const Scan *scan) {
  u32 count = scan->counts[SECTION_ANCHORS];
  if (count > 0 && scan->lengths[SECTION_RUNS] < RUN_PAD) return BAD_ANCHOR;
  u64 end = scan->lengths[SECTION_RUNS] - RUN_PAD;
  for (const Anchor *anchor = scan->anchors; anchor < scan->anchors + count; anchor++) {
    if ((u64)anchor->bytes + anchor->length > end) return BAD_ANCHOR;
    u32 id = anchor->pattern & ~ANCHOR_FOLD;
    if (anchor->at > anchor->length || anchor->length < PROBE_LENGTH) return BAD_ANCHOR;
    if (id & ANCHOR_ALONE) continue;
    if (id >= scan->counts[SECTION_PATTERNS]) return BAD_ANCHOR;
    const Pattern *pattern = scan->patterns + id;
    u32 isLiteral = pattern->flags & PATTERN_LITERAL;
    if (pattern->flags & PATTERN_GUARDED) return BAD_ANCHOR;
    u32 isBare = isLiteral || pattern->flags & PATTERN_GUARD;
    if (!isBare && pattern->codeLength == 0) return BAD_ANCHOR;
    if (isLiteral && (anchor->before != 0 || pattern->length != anchor->length)) return BAD_ANCHOR;
  }
  return FINE;
}

static u32 is_table_inside(u32 offset, u64 length, u32 section) {
  return offset % 16 == 0 && offset <= section && length <= section - offset;
}

// The table of a filter or of phases: a power of two of bytes, as much as its hash may ask for.
static u32 is_filter_sound(const Scan *scan, const Tier *tier) {
  u32 length = scan->lengths[SECTION_TIERS];
  if (!is_known_filter(tier->isBytes, tier->filterLog)) return 0;
  if (tier->phaseLog < PHASE_LOG_MIN || tier->phaseLog > PHASE_LOG_MAX) return 0;
  if (!is_table_inside(tier->phases, 1ull << tier->phaseLog, length)) return 0;
  if (!is_table_inside(tier->filter, 1ull << tier->filterLog, length)) return 0;
  // Bytes move the end of a list; a phase that the stride has not leads outside of the object.
  const u8 *filter = scan->tiers + tier->filter, *phases = scan->tiers + tier->phases;
  u64 excess = tier->isBytes ? ~0x0101010101010101ull : 0, bad = 0;
  for (u32 k = 0; k < 1u << tier->filterLog && excess != 0; k += 8) bad |= load64(filter + k) & excess;
  excess = 0x0101010101010101ull * (0xff & ~((1u << tier->stride) - 1));
  for (u32 k = 0; k < 1u << tier->phaseLog && excess != 0; k += 8) bad |= load64(phases + k) & excess;
  return bad == 0;
}

// Whether every tag of every bucket has an anchor.
static u32 are_buckets_sound(const Scan *scan, const Tier *tier) {
  u32 length = scan->lengths[SECTION_TIERS], anchors = scan->counts[SECTION_ANCHORS];
  if (tier->bucketLog > BUCKET_LOG_MAX || tier->buckets < 1u << tier->bucketLog) return 0;
  if (!is_table_inside(tier->tags, 16ull * tier->buckets, length)) return 0;
  if (!is_table_inside(tier->firsts, 4ull * tier->buckets, length)) return 0;
  const u8 *tags = scan->tiers + tier->tags;
  const u32 *firsts = (const u32 *)(scan->tiers + tier->firsts);
  for (u32 k = 0; k < tier->buckets; k++) {
    u32 used = ~tags_equal(tags + 16 * k, 0) & 0xff;
    if (load16(tags + 16 * k + 14) == TAG_GOES_ON) used &= 0x7f;
    if (firsts[k] > anchors || (used != 0 && 31 - (u32)__builtin_clz(used) >= anchors - firsts[k])) {
      return 0;
    }
  }
  return 1;
}

static u32 check_tiers(const Scan *scan) {
  const Tier *tier = (const Tier *)scan->tiers;
  for (u32 i = 0; i < scan->counts[SECTION_TIERS]; i++, tier++) {
    if (!is_known_tier(tier->window, tier->stride) || tier->fold > 1) return BAD_TIER;
    if (!is_filter_sound(scan, tier) || !are_buckets_sound(scan, tier)) return BAD_TIER;
  }
  return FINE;
}

static u32 check_hashes(const Scan *scan) {
  u32 patterns = scan->counts[SECTION_PATTERNS];
  for (u32 kind = 0; kind < HASH_KINDS; kind++) {
    const u8 *at = scan->hashes[kind];
    for (u32 i = 0; i < scan->counts[SECTION_HASHES + kind]; i++, at += hash_size(kind)) {
      u32 owner = ((const Hash *)at)->owner;
      if (!(owner & HASH_ALONE) && owner >= patterns) return BAD_HASH;
    }
  }
  return FINE;
}

// Runs a condition's program on stack depths instead of values.
static u32 is_condition_sound(const u32 *word, const u32 *end, u32 patternCount) {
  u32 depth = 0;
  while (word < end) {
    u32 op = *word & 0xff, operand = *word >> 8;
    word++;
    if (op == CONDITION_PATTERN || op == CONDITION_COUNT) {
      if (operand >= patternCount) return 0;
      depth++;
    } else if (op == CONDITION_NUMBER) {
      if (word == end) return 0;
      word++;
      depth++;
    } else if ((op >= CONDITION_SIZE && op <= CONDITION_CONTAINER) || op == CONDITION_ALWAYS) {
      depth++;
    } else if (op == CONDITION_NOT) {
      if (depth < 1) return 0;
    } else if (op == CONDITION_OF) {
      if (word == end) return 0;
      u32 count = *word++;
      if (count > (u64)(end - word)) return 0;
      for (; count > 0; count--) {
        if (*word++ >= patternCount) return 0;
      }
      depth++;
    } else if (op >= CONDITION_AND && op <= CONDITION_NE) {
      if (depth < 2) return 0;
      depth--;
    } else {
      return 0;
    }
    if (depth > CONDITION_STACK) return 0;
  }
  return depth == 1;
}

static u32 check_signatures(const Scan *scan) {
  u32 words = scan->counts[SECTION_CONDITIONS], patterns = scan->counts[SECTION_PATTERNS];
  for (u32 i = 0; i < scan->counts[SECTION_SIGNATURES]; i++) {
    const Signature *signature = scan->signatures + i;
    if (signature->typeset > scan->counts[SECTION_TYPESETS]) return BAD_SIGNATURE;
    if (signature->firstPattern > patterns) return BAD_SIGNATURE;
    if (signature->patternCount > patterns - signature->firstPattern) return BAD_SIGNATURE;
    if (signature->condition > words) return BAD_SIGNATURE;
    if (signature->conditionLength > words - signature->condition) return BAD_SIGNATURE;
    const u32 *word = scan->conditions + signature->condition;
    const u32 *end = word + signature->conditionLength;
    if (word == end) continue;
    if (!is_condition_sound(word, end, signature->patternCount)) return BAD_CONDITION;
  }
  for (u32 i = 0; i < scan->counts[SECTION_ALWAYS]; i++) {
    if (scan->always[i] >= scan->counts[SECTION_SIGNATURES]) return BAD_SIGNATURE;
  }
  return FINE;
}

// 0 if the image can be used, else why not. `scratch` is a Scan's worth of memory, 64-aligned.
EXPORT(gw_check) u32 gw_check(const u8 *image, u32 size, Scan *scratch) {
  u32 fault = check_sections(image, size);
  if (fault != FINE) return fault;
  open_image(scratch, image);
  if ((fault = check_signatures(scratch)) != FINE) return fault;
  if ((fault = check_patterns(scratch)) != FINE) return fault;
  for (u32 i = 0; i < SEARCHES; i++) {
    use_search(scratch, i);
    if ((fault = check_anchors(scratch)) != FINE) return fault;
    if ((fault = check_tiers(scratch)) != FINE) return fault;
  }
  return check_hashes(scratch);
}

// ---- the host's calls ---------------------------------------------------------------------------

INLINE u32 align64(u32 n) { return (n + 63) & ~63u; }

EXPORT(gw_scan_size) u32 gw_scan_size(void) { return align64(sizeof(Scan)); }

// Entries of the table of states: for every pattern and signature, or for as many as may matter.
static u32 states_log(const u8 *image) {
  u32 length, count, log = 6;
  u64 all = 1;
  for (u32 kind = 1; kind < SECTION_KINDS; kind++) {
    u32 isCounted = kind == SECTION_SIGNATURES || kind == SECTION_PATTERNS;
    u32 isSearch = kind == SECTION_ANCHORS || kind >= SECTION_PROGRAM_ANCHORS;
    if (!isCounted && !isSearch && kind < SECTION_HASHES) continue;
    section(image, kind, &length, &count);
    all += count;
  }
  while (log < STATES_LOG_MAX && 1ull << log < 2 * all) log++;
  return log;
}

// Bytes that gw_attach needs for an image that has been checked.
EXPORT(gw_state_size) u32 gw_state_size(const u8 *image) {
  u32 entries = 1u << states_log(image);
  return align64(sizeof(Scan)) + align64(entries * sizeof(State)) + align64(entries * 4);
}

// Sets up `scan` (gw_state_size zeroed bytes) for a checked image.
EXPORT(gw_attach) void gw_attach(Scan *scan, const u8 *image) {
  open_image(scan, image);
  u8 *at = (u8 *)scan + align64(sizeof(Scan));
  scan->statesLog = states_log(image);
  scan->states = (State *)at;
  at += align64((1u << scan->statesLog) * sizeof(State));
  scan->touched = (u32 *)at;
}

// Where the host puts names and digests, and finds what was found.
EXPORT(gw_name) u8 *gw_name(Scan *scan) { return scan->name; }
EXPORT(gw_digest) u8 *gw_digest(Scan *scan) { return scan->digest; }
EXPORT(gw_findings) u32 *gw_findings(Scan *scan) { return scan->touched; }
EXPORT(gw_alone) Alone *gw_alone(Scan *scan) { return scan->alone; }
EXPORT(gw_matches) Match *gw_matches(Scan *scan) { return scan->matches; }
EXPORT(gw_alone_count) u32 gw_alone_count(const Scan *scan) { return scan->aloneCount; }
EXPORT(gw_is_trusted) u32 gw_is_trusted(const Scan *scan) { return scan->isTrusted; }
EXPORT(gw_is_incomplete) u32 gw_is_incomplete(const Scan *scan) { return scan->isIncomplete; }

// Begins an object of `size` bytes, PAD_BEFORE zeroes before them and room for PAD_AFTER behind.
EXPORT(gw_begin) void gw_begin(Scan *scan, u8 *bytes, u32 size, u32 nameLength) {
  __builtin_memset(bytes + size, 0, PAD_AFTER);
  if (++scan->epoch == 0) {  // once in four thousand million objects: the old marks are valid again
    scan->epoch = 1;
    for (u32 i = 0; i < 1u << scan->statesLog; i++) scan->states[i].epoch = 0;
  }
  scan->bytes = bytes;
  scan->size = size;
  scan->nameLength = min32(nameLength, NAME_MAX);
  scan->touchedCount = scan->aloneCount = scan->stateCount = 0;
  scan->isIncomplete = scan->isTrusted = 0;
  scan->pending = NONE;
  scan->work = WORK_BASE + (i64)WORK_PER_BYTE * size;
}

// Scans what was begun. The number of findings; bit 31 is set if a limit stopped the scan.
EXPORT(gw_scan) u32 gw_scan(Scan *scan, u32 type, u32 container, u32 depth, u32 search) {
  use_search(scan, search);
  scan->type = type;
  scan->container = container;
  scan->depth = depth;
  match_names(scan);
  search_direct(scan);
  search_tiers(scan);
  search_pending(scan);
  u32 count = judge(scan);
  // Judgements have places enumerated: they get as much again.
  if (!scan->isIncomplete) scan->work = WORK_BASE + (i64)WORK_PER_BYTE * scan->size;
  return count | scan->isIncomplete << 31;
}
