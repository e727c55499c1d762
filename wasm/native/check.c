// The scan core under the sanitizers of a native compiler: case files (see images.ts) are scanned
// and compared with what the reference found; then their images are damaged and cut at random, and
// what gw_check lets through must still not make a scan leave its memory. The seed is fixed.
//   check ROUNDS FILE...
#include "drive.h"

#define UNKNOWN_MAX 64u
typedef struct { u8 *bytes; u32 size, at, unknownCount, unknown[UNKNOWN_MAX]; } File;
typedef struct { u32 signature, offset; } Result;
typedef struct { u64 scans, accepted, refused, findings; } Tally;

// Whether the image at hand is as the compiler made it.
static u32 isGood;
static u64 seed = 88172645463325252ull;

static u32 below(u32 limit) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (u32)(seed >> 32) % limit;
}

static File read_file(const char *path) {
  FILE *stream = fopen(path, "rb");
  if (stream == NULL) fail(path);
  fseek(stream, 0, SEEK_END);
  File file = {NULL, (u32)ftell(stream), 0, 0, {0}};
  rewind(stream);
  file.bytes = malloc(file.size);
  if (fread(file.bytes, 1, file.size, stream) != file.size) fail(path);
  fclose(stream);
  return file;
}

static u32 next_word(File *file) {
  if (file->at + 4 > file->size) fail("a case file is cut");
  u32 word = load32(file->bytes + file->at);
  file->at += 4;
  return word;
}

static const u8 *next_bytes(File *file, u32 length) {
  if (length > file->size - file->at) fail("a case file is cut");
  const u8 *bytes = file->bytes + file->at;
  file->at += length;
  return bytes;
}

static u32 scan_somehow(Scan *scan, const u8 *bytes, u32 size) {
  Circumstance at = {below(4), below(4), below(4), below(12)};
  return scan_object(scan, bytes, size, at, isGood);
}

static int by_signature(const void *a, const void *b) {
  u32 left = ((const Result *)a)->signature, right = ((const Result *)b)->signature;
  return left < right ? -1 : left > right;
}

#define RESULTS_MAX 256u

// Findings that the reference knows nothing of: names, hashes, types.
static u32 drop_unknown(const File *file, Result *results, u32 found) {
  u32 kept = 0;
  for (u32 i = 0; i < found; i++) {
    u32 isUnknown = 0;
    for (u32 k = 0; k < file->unknownCount; k++) {
      isUnknown |= file->unknown[k] == results[i].signature;
    }
    if (!isUnknown) results[kept++] = results[i];
  }
  return kept;
}

static void compare(Scan *scan, u32 found, File *file, u32 expected) {
  if (found >> 31) fail("a scan is incomplete");
  Result results[RESULTS_MAX];
  u32 touched = found;
  found += scan->aloneCount;
  if (found > RESULTS_MAX) fail("too many findings");
  for (u32 i = 0; i < touched; i++) {
    results[i] = (Result){scan->touched[i], gw_offset(scan, scan->touched[i])};
  }
  for (u32 i = touched; i < found; i++) {
    results[i] = (Result){scan->alone[i - touched].signature, scan->alone[i - touched].offset};
  }
  found = drop_unknown(file, results, found);
  qsort(results, found, sizeof(Result), by_signature);
  if (found != expected) fail(found < expected ? "a signature was missed" : "a false match");
  for (u32 i = 0; i < expected; i++) {
    if (results[i].signature != next_word(file)) fail("another signature than expected");
    if (results[i].offset != next_word(file)) fail("another offset than expected");
  }
}

static void check_matches(File *file, const u8 *image, u32 size, Tally *tally) {
  u8 *copy = malloc(size);
  memcpy(copy, image, size);
  Scan *scan = open_scan(copy, size);
  if (scan == NULL) fail("a good image is refused");
  for (u32 objects = next_word(file); objects > 0; objects--) {
    u32 length = next_word(file);
    const u8 *bytes = next_bytes(file, length);
    u32 found = scan_somehow(scan, bytes, length), expected = next_word(file);
    compare(scan, found, file, expected);
    tally->scans++;
    tally->findings += found;
  }
  free(scan);
  free(copy);
}

static u32 damage(u8 *image, u32 size) {
  if (below(8) == 0) return size - 1 - below(size - 1);
  for (u32 i = 1 + below(6); i > 0; i--) {
    // The head is small and matters most; small numbers are likelier to be believed than large
    // ones.
    u32 at = below(3) == 0 ? below(min32(size, 512)) : below(size);
    image[at] = (u8)(below(2) == 0 ? below(256) : image[at] + 1 - below(3));
  }
  return size;
}

static void check_damage(const u8 *image, u32 size, const u8 *bytes, u32 length, Tally *tally) {
  u8 *copy = malloc(size);
  memcpy(copy, image, size);
  u32 left = damage(copy, size);
  if (left < size) {
    u8 *cut = malloc(left);
    memcpy(cut, copy, left);
    free(copy);
    copy = cut;
    if (left >= sizeof(ImageHeader) && below(2) == 0) ((ImageHeader *)copy)->size = left;
  }
  Scan *scan = open_scan(copy, left);
  if (scan != NULL) scan_somehow(scan, bytes, length);
  *(scan == NULL ? &tally->refused : &tally->accepted) += 1;
  free(scan);
  free(copy);
}

int main(int count, char **words) {
  if (count < 3) fail("usage: check ROUNDS FILE...");
  u32 rounds = (u32)atoi(words[1]);
  Tally tally = {0, 0, 0, 0};
  for (int i = 2; i < count; i++) {
    File file = read_file(words[i]);
    u32 size = next_word(&file);
    const u8 *image = next_bytes(&file, size);
    file.unknownCount = next_word(&file);
    if (file.unknownCount > UNKNOWN_MAX) fail("too many unknown signatures");
    for (u32 k = 0; k < file.unknownCount; k++) file.unknown[k] = next_word(&file);
    u32 objects = file.at;
    isGood = 1;
    check_matches(&file, image, size, &tally);
    isGood = 0;
    file.at = objects + 4;
    u32 length = next_word(&file);
    const u8 *bytes = next_bytes(&file, length);
    for (u32 k = 0; k < rounds; k++) check_damage(image, size, bytes, length, &tally);
    free(file.bytes);
  }
  printf("%llu scans as the reference has them (%llu findings); ", tally.scans, tally.findings);
  printf("of %llu damaged images %llu refused\n", tally.accepted + tally.refused, tally.refused);
  return 0;
}
