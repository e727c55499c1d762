// The scan core: what its parts share. Types, the layout of a signature image ("gwdb"), and the
// state of one scan. All state lives in memory that the host hands over: the module has no mutable
// globals, so that several workers may share one memory, each with an arena and a stack of its own.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char i8;
typedef int i32;
typedef long long i64;
#ifdef __wasm__
typedef u32 uptr;
#define EXPORT(name) __attribute__((export_name(#name)))
#else
typedef u64 uptr;
#define EXPORT(name)
#endif
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define NONE 0xffffffffu

INLINE u16 load16(const void *p) { u16 x; __builtin_memcpy(&x, p, 2); return x; }
INLINE u32 load32(const void *p) { u32 x; __builtin_memcpy(&x, p, 4); return x; }
INLINE u64 load64(const void *p) { u64 x; __builtin_memcpy(&x, p, 8); return x; }
INLINE u64 rotate64(u64 x, int r) { return (x << r) | (x >> (64 - r)); }
INLINE u32 min32(u32 a, u32 b) { return a < b ? a : b; }
INLINE u32 max32(u32 a, u32 b) { return a > b ? a : b; }
INLINE u32 is_letter(u8 c) { return (u8)((c | 0x20) - 'a') < 26; }
INLINE u32 is_word(u8 c) { return is_letter(c) || (u8)(c - '0') < 10; }

INLINE u32 is_equal(const u8 *a, const u8 *b, u32 n) {
  u32 i = 0;
  for (; i + 8 <= n; i += 8) {
    if (load64(a + i) != load64(b + i)) return 0;
  }
  for (; i < n; i++) {
    if (a[i] != b[i]) return 0;
  }
  return 1;
}

// ---- the image ----------------------------------------------------------------------------------
// Offsets only, no pointers; little-endian; sections start at multiples of 64. A section whose kind
// is unknown is skipped, so that later versions can add some.

#define IMAGE_MAGIC 0x42445747u  // "GWDB"
#define IMAGE_VERSION 5u
#define SECTION_MAX 32u

typedef struct { u32 magic, version, size, sections, checksum[2], reserved[2]; } ImageHeader;
typedef struct { u32 kind, offset, length, count; } Section;

enum {
  SECTION_SIGNATURES = 1,  // Signature[]
  SECTION_PATTERNS = 2,    // Pattern[]
  SECTION_CODE = 3,        // pattern programs
  SECTION_CONDITIONS = 4,  // u32[]: condition programs
  SECTION_TYPESETS = 5,    // Typeset[]: targets
  SECTION_ANCHORS = 6,     // Anchor[]
  SECTION_RUNS = 7,        // literal bytes that anchors point into, RUN_PAD zero bytes behind them
  SECTION_TIERS = 8,       // Tier[], then their tables
  SECTION_DIRECT = 9,      // Direct[] ascending by key
  SECTION_NAMES = 10,      // Name[]: globs on object names; their text is in CODE
  SECTION_ALWAYS = 11,     // u32[]: signatures that may match without any pattern
  SECTION_HASHES = 12,     // and the next ones, one per kind of hash: Hash[] ascending
  // ANCHORS and TIERS again, see SEARCH_PROGRAM and SEARCH_VIEW.
  SECTION_PROGRAM_ANCHORS = 22,
  SECTION_PROGRAM_TIERS = 23,
  SECTION_VIEW_ANCHORS = 24,
  SECTION_VIEW_TIERS = 25,
  SECTION_KINDS = SECTION_VIEW_TIERS + 1,  // how many kinds this version reads
};

#define RUN_PAD 16u

typedef struct {
  u32 condition;  // word in CONDITIONS
  u32 firstPattern;
  u16 conditionLength;  // words; 0: every pattern must match
  u16 patternCount;
  u16 typeset;  // index + 1 in TYPESETS, 0: any type
  u16 flags;
} Signature;

enum {
  SIGNATURE_JUDGED = 2,  // the host decides once the condition holds; the core takes no notice
};

typedef struct {
  u32 code, codeLength;  // bytes in CODE
  u32 signature;
  u32 from, to;  // allowed starts; with PATTERN_FROM_END counted back from the object's end
  u32 reach;     // most bytes between the pattern's start and the run of its anchor
  u16 flags, countMax;
  u32 length;  // fewest bytes a match has
} Pattern;

enum {
  PATTERN_LITERAL = 1,   // the anchor's run is the whole pattern
  PATTERN_FULLWORD = 2,  // no letter or digit on either side
  PATTERN_WIDE = 4,      // ... where a character is two bytes
  PATTERN_FROM_END = 8,
  PATTERN_MULTI = 16,  // several anchors; never counted beyond 1
  PATTERN_LAZY = 32,   // not searched for, only enumerated
  // Looked for when the search is over, if all of its guards (`reach` of them) were found.
  PATTERN_GUARDED = 64,
  PATTERN_GUARD = 128,  // only a run of its anchor, without which pattern number `from` can't match
};

typedef struct { u32 mask[4]; } Typeset;
typedef struct { u32 pattern, text, length; } Name;

// A pattern that is tried at its own few places instead of being searched for. Where its first two
// bytes are fixed it has an entry for each place: place << 16 | bytes, so that an object meets only
// those that it has there; the others have DIRECT_ANY.
typedef struct { u32 key, pattern; } Direct;
#define DIRECT_ANY NONE

// What is searched for in an object depends on what it is. Most signatures are for programs, and
// most objects are none; views are only seen by signatures that ask for them.
enum {
  SEARCH_GENERAL = 0,
  SEARCH_PROGRAM = 1,  // all there is; if it has no tiers, the general one serves
  SEARCH_VIEW = 2,
  SEARCHES = 3,
};

// Ascending by size, then digest, of which only the first bytes are kept: 12 find what is harmful,
// where it gains nobody anything to meet one on purpose; the 16 that vouch for an object are as hard
// to meet as a good hash of 128 bits. Entries are 4 bytes shorter where the digest is. Bit 31 of the owner tells a signature
// that is nothing but this hash (its number, counted on behind SIGNATURES) from a pattern.
typedef struct { u32 size, owner; u8 digest[12]; } Hash;
#define DIGEST_FOUND 12u
#define DIGEST_TRUSTED 16u
#define HASH_ANY_SIZE NONE
#define HASH_ALONE 0x80000000u

// Kinds of hashes, in the order of their sections; HASH_TRUSTED ones make an object trusted.
enum {
  HASH_MD5 = 0,
  HASH_SHA1 = 1,
  HASH_SHA256 = 2,
  HASH_SECTION_MD5 = 3,
  HASH_SECTION_SHA1 = 4,
  HASH_SECTION_SHA256 = 5,
  HASH_IMPORTS_MD5 = 6,
  HASH_TRUSTED_MD5 = 7,
  HASH_TRUSTED_SHA1 = 8,
  HASH_TRUSTED_SHA256 = 9,
  HASH_KINDS = 10,
};

INLINE u32 digest_length(u32 kind) {
  return kind < HASH_TRUSTED_MD5 ? DIGEST_FOUND : DIGEST_TRUSTED;
}
INLINE u32 hash_size(u32 kind) { return 8 + digest_length(kind); }

#define ANCHOR_FOLD 0x80000000u      // in `pattern`: letters of the run match both cases
#define ANCHOR_ALONE 0x40000000u     // ... the run is a whole signature; its number is below
#define ANCHOR_VARIABLE 0x80000000u  // in `before`: it is the least distance, `reach` the most

typedef struct {
  u32 pattern;
  u32 bytes;        // run, in RUNS
  u16 length, at;   // run's length; canonical window's offset in it
  u32 before;       // pattern start to run start
  u32 probe;        // the four bytes of the run at probe_place()
} Anchor;

// Anchors of a tier stand in the order of its buckets: `firsts` has the number of the first one of
// each bucket, those of its other tags follow.
typedef struct {
  u32 window, stride, fold;
  u32 isBytes;  // the filter is a table of bytes, 0 or 1, instead of bits
  u32 filterLog, phaseLog, bucketLog, buckets;  // bytes and home buckets as powers of two
  u32 filter, phases, tags, firsts;             // offsets from the section's start
  u32 entries;
} Tier;

typedef struct {
  const Anchor *anchors;
  const u8 *tiers;
  u32 anchorCount, tierCount, tiersLength;
} Search;

// Pattern programs: a byte of op, then its operands, unaligned.
enum {
  OP_END = 0,
  OP_LITERAL = 1,      // u16 n, n bytes
  OP_MASKED = 2,       // u16 n, n values, n masks: (byte & mask) == value
  OP_GAP = 3,          // u32 min, u32 max (NONE: any)
  // u8 negated, u16 count, u32 length of the rest: `count` times the operands of OP_MASKED
  OP_ALTERNATIVES = 4,
  OP_BOUNDARY = 5,  // u8: a class, BOUNDARY_RIGHT, BOUNDARY_NEGATED; takes no bytes
};

enum {
  BOUNDARY_WORD = 0,
  BOUNDARY_WIDE_WORD = 1,
  BOUNDARY_BREAK = 2,
  BOUNDARY_LINE = 3,
  BOUNDARY_CLASS = 15,
  BOUNDARY_RIGHT = 16,
  BOUNDARY_NEGATED = 32,
};

// Condition programs: words, op in the low byte and an operand above it, on a stack of numbers.
enum {
  CONDITION_PATTERN = 1,  // operand: pattern of this signature; pushes 0 or 1
  CONDITION_COUNT = 2,
  CONDITION_NUMBER = 3,  // the next word
  CONDITION_SIZE = 4,
  CONDITION_DEPTH = 5,
  CONDITION_TYPE = 6,  // operand: type id
  CONDITION_CONTAINER = 7,
  CONDITION_AND = 8,
  CONDITION_OR = 9,
  CONDITION_NOT = 10,
  CONDITION_LT = 11,
  CONDITION_LE = 12,
  CONDITION_GT = 13,
  CONDITION_GE = 14,
  CONDITION_EQ = 15,
  CONDITION_NE = 16,
  CONDITION_OF = 17,  // operand: how many are needed; then a word of count, then the patterns
  CONDITION_ALWAYS = 18,
};
#define CONDITION_STACK 32u

// What trying a pattern at a start says; NEVER: it can't match at any later start either.
enum { FAILED, MATCHED, NEVER };

// ---- one scan -----------------------------------------------------------------------------------

#define BLOCK 2048u         // lookups per round
#define ALONE_MAX 16384u    // signatures that are one hash or literal, found in one object
#define MATCHES_MAX 1024u   // places of a pattern told at once
#define STATES_LOG_MAX 16u  // patterns and signatures that matter in one object, as a power of two
#define NAME_MAX 4096u      // bytes of an object's name that globs see
#define SPAN_MAX 1024u      // places a pattern with gaps may be at, at once
#define PAD_BEFORE 64u      // zero bytes that the arena keeps before ...
#define PAD_AFTER 64u       // ... and behind the object
#define WORK_BASE (1u << 22)  // what any object may cost (about a nanosecond each) ...
#define WORK_PER_BYTE 32u     // ... and what each byte of it may cost on top

typedef struct { u32 lo, hi; } Span;
typedef struct { u32 count; Span spans[SPAN_MAX]; } Places;
typedef struct { u32 start, length; } Match;
typedef struct { u32 signature, offset; } Alone;

// What is known of one pattern (or that a signature was touched: key | STATE_SIGNATURE) in the
// object whose number is `epoch`. They lie in a hash table, since of a million patterns few matter
// to an object; entries of older objects count as free, which spares clearing it.
typedef struct { u32 epoch, key, count, first, next; } State;
#define STATE_SIGNATURE 0x80000000u
#define STATE_ALONE ANCHOR_ALONE

typedef struct {
  const u8 *image;
  const Signature *signatures;
  const Pattern *patterns;
  const u8 *code;
  const u32 *conditions;
  const Typeset *typesets;
  const Anchor *anchors;
  const u8 *runs;
  const u8 *tiers;
  const Direct *direct;
  const Name *names;
  const u32 *always;
  const u8 *hashes[HASH_KINDS];  // Hash[], each hash_size() bytes
  u32 counts[SECTION_KINDS];
  u32 lengths[SECTION_KINDS];
  Search searches[SEARCHES];  // one of them stands in anchors, tiers and their counts

  const u8 *bytes;
  u32 size, type, container, depth, nameLength;
  u32 pending;  // the first pattern whose guards were found; its state's `first` has the next one
  u32 epoch, touchedCount, aloneCount, stateCount, isIncomplete, isTrusted;
  i64 work;
  u32 statesLog;
  State *states;
  State spare;   // what is written where the table is full
  u32 *touched;  // signatures with at least one match, in order of appearance; then the findings
  Alone alone[ALONE_MAX];
  Places places[2];
  Match matches[MATCHES_MAX];
  u8 digest[32];
  u8 name[NAME_MAX];
  u32 candidates[BLOCK + 64];
  u64 survivors[BLOCK + 64];  // position, phases above it
  u32 windows[BLOCK * 8 + 64];  // positions of canonical windows
  u32 found[(BLOCK * 8 + 64) * 2];  // ... and buckets
} Scan;

// The entry of `key`, or the free one where it would go. The table is never full.
INLINE State *find_state(const Scan *scan, u32 key) {
  u32 mask = (1u << scan->statesLog) - 1;
  u32 at = key * 0x9E3779B1u >> (32 - scan->statesLog);
  for (;; at = (at + 1) & mask) {
    State *state = scan->states + at;
    if (state->epoch != scan->epoch || state->key == key) return state;
  }
}

INLINE State *state_of(Scan *scan, u32 key) {
  State *state = find_state(scan, key);
  if (state->epoch == scan->epoch) return state;
  // Half full is full: an object in which that much matters counts as unscanned.
  if (scan->stateCount >= 1u << (scan->statesLog - 1)) {
    scan->isIncomplete = 1;
    state = &scan->spare;
  } else {
    scan->stateCount++;
  }
  *state = (State){scan->epoch, key, 0, NONE, 0};
  return state;
}

// How often a pattern was found, up to its countMax.
INLINE u32 count_of(const Scan *scan, u32 pattern) {
  const State *state = find_state(scan, pattern);
  return state->epoch == scan->epoch ? state->count : 0;
}

INLINE u32 spend(Scan *scan, u32 work) {
  scan->work -= work;
  if (scan->work >= 0) return 1;
  scan->isIncomplete = 1;
  return 0;
}

// match.c, verify.c, judge.c, build.c
void search_tiers(Scan *scan);
void search_direct(Scan *scan);
void search_pending(Scan *scan);
void verify_anchor(Scan *scan, const Anchor *anchor, u32 run);
void record_match(Scan *scan, u32 pattern, State *state, u32 offset);
void touch(Scan *scan, u32 signature);
void record_alone(Scan *scan, u32 signature, u32 offset);
u32 is_match_at(Scan *scan, const Pattern *pattern, u32 start, u32 *end);
u32 target_allows(const Scan *scan, const Signature *signature);
void match_names(Scan *scan);
u32 judge(Scan *scan);
u32 byte_rarity(u8 byte);
