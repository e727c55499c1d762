// The scan core under libFuzzer: the first byte of an input chooses one of the images of the case
// files in the folder GW_FUZZ_CASES (see images.ts), or the layout of a search. Then come how the
// image is damaged, as a list of edits, so that small inputs reach all of a large image, and the
// object. Beyond what the sanitizers see, counts must be those of the places (see drive.h), and a
// scan must not depend on what was scanned before.
#include <dirent.h>
#undef NAME_MAX  // of file names; the core has its own
#include "drive.h"

u32 gw_layout_size(u32 count);
u32 gw_layout_scratch(u32 count);
typedef struct { u32 pattern, group, isFolded, bytes, length, before; } Run;
typedef struct {
  const u8 *runs;
  const Run *list;
  u32 count;
  u8 *out;
  u32 anchors, tiers, tiersLength, tierCount;
} Layout;
u32 gw_layout(Layout *layout, u8 *scratch);

#define IMAGES_MAX 64u
#define RUNS_MAX 256u
#define LAYOUT 0xffu

// An image as the compiler made it, and a scan of it that lives on.
typedef struct { u8 *bytes; u32 size; Scan *scan; } Image;
static Image images[IMAGES_MAX];
static u32 imageCount;

typedef struct { const u8 *at; u64 left; } Input;

static u32 take(Input *input, u32 width) {
  u32 value = 0;
  for (u32 i = 0; i < width && input->left > 0; i++, input->left--) {
    value |= (u32)*input->at++ << (8 * i);
  }
  return value;
}

static void load_image(const char *folder, const char *name) {
  char path[4096];
  u32 size = 0;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *stream = fopen(path, "rb");
  if (stream == NULL || fread(&size, 4, 1, stream) != 1) fail(path);
  Image *image = &images[imageCount++];
  image->bytes = malloc(size);
  image->size = size;
  if (fread(image->bytes, 1, size, stream) != size) fail(path);
  fclose(stream);
  image->scan = open_scan(image->bytes, size);
  if (image->scan == NULL) fail("a good image is refused");
}

static int is_case(const struct dirent *entry) { return strstr(entry->d_name, ".case") != NULL; }

int LLVMFuzzerInitialize(int *count, char ***words) {
  (void)count;
  (void)words;
  const char *folder = getenv("GW_FUZZ_CASES");
  struct dirent **entries;
  int found = folder == NULL ? -1 : scandir(folder, &entries, is_case, alphasort);
  if (found <= 0) fail("GW_FUZZ_CASES names no folder of case files");
  for (int i = 0; i < found && imageCount < IMAGES_MAX; i++) load_image(folder, entries[i]->d_name);
  return 0;
}

// What an edit is about: the head and the table of sections, or the bytes of one section.
static u8 *edited(u8 *image, u32 size, u32 target, u32 where) {
  const ImageHeader *header = (const ImageHeader *)image;
  u32 head = (u32)(sizeof(ImageHeader) + header->sections * sizeof(Section));
  const Section *section = (const Section *)(header + 1) + target % SECTION_MAX;
  u32 isSection = target % 4 != 0 && target % SECTION_MAX < header->sections && head <= size;
  if (!isSection || section->offset > size || section->length > size - section->offset) {
    return image + where % min32(head > 0 ? head : 1, size);
  }
  return image + section->offset + (section->length > 0 ? where % section->length : 0);
}

// Applies the edits; the size that is left.
static u32 damage(u8 *image, u32 size, u32 edits, Input *input) {
  u32 left = size;
  for (; edits > 0; edits--) {
    u32 target = take(input, 1), how = take(input, 1), where = take(input, 3);
    u32 value = take(input, 4);
    u8 *at = edited(image, size, target, where);
    u32 width = how & 3, room = (u32)(image + size - at);
    if (width == 0 && how & 4) left = max32(1, value % size);
    else if (width == 0 && room >= 1) *at = (u8)value;
    else if (width == 1 && room >= 1) *at = (u8)(*at + value);
    else if (width == 2 && room >= 2) memcpy(at, &value, 2);
    else if (width == 3 && room >= 4) memcpy(at, &value, 4);
  }
  return left;
}

static void scan_damaged(const Image *image, u32 edits, Circumstance at, Input *input) {
  u8 *copy = malloc(image->size);
  memcpy(copy, image->bytes, image->size);
  u32 left = damage(copy, image->size, edits, input);
  u8 *cut = malloc(left);
  memcpy(cut, copy, left);
  free(copy);
  Scan *scan = open_scan(cut, left);
  if (scan != NULL) scan_object(scan, input->at, (u32)input->left, at, 0);
  free(scan);
  free(cut);
}

static void scan_good(const Image *image, Circumstance at, u32 isTwice, const Input *input) {
  u32 size = (u32)input->left;
  u32 found = scan_object(image->scan, input->at, size, at, 1);
  if (!isTwice) return;
  Scan *fresh = open_scan(image->bytes, image->size);
  u32 again = scan_object(fresh, input->at, size, at, 1);
  if (found != again) fail("a scan depends on earlier ones");
  u32 touched = found & ~(1u << 31);
  if (memcmp(fresh->touched, image->scan->touched, 4 * touched) != 0) {
    fail("findings depend on earlier scans");
  }
  free(fresh);
}

// Runs as the compiler hands them over (ascending by pattern, then group), of any bytes.
static void lay_out(Input *input) {
  static Run list[RUNS_MAX];
  u32 count = take(input, 1), pattern = 0, group = 0, isFolded = 0;
  u32 pool = input->left > 3 * count ? (u32)(input->left - 3 * count) : 0;
  if (count == 0 || pool < 2) return;
  for (u32 i = 0; i < count; i++) {
    u32 how = take(input, 1), length = 1 + take(input, 1), at = take(input, 1);
    if (how & 1) pattern++, group = 0;
    else if (how & 2) group++;
    if (how & 3) isFolded = how >> 2 & 1;
    length = min32(length, pool);
    list[i] = (Run){pattern, group, isFolded, at * 7 % (pool - length + 1), length, how >> 3};
  }
  u8 *runs = calloc(1, pool + RUN_PAD);
  memcpy(runs, input->at, pool);
  Layout layout = {runs, list, count, calloc(1, gw_layout_size(count)), 0, 0, 0, 0};
  u8 *scratch = calloc(1, gw_layout_scratch(count));
  u32 answer = gw_layout(&layout, scratch);
  if (answer == NONE && layout.tiers + layout.tiersLength > gw_layout_size(count)) {
    fail("a layout is longer than its room");
  }
  free(scratch);
  free(layout.out);
  free(runs);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, u64 size) {
  Input input = {bytes, size};
  u32 which = take(&input, 1), edits = take(&input, 1) % 16, flags = take(&input, 2);
  if (which == LAYOUT) {
    lay_out(&input);
    return 0;
  }
  Circumstance at = {flags & 7, flags >> 3 & 7, flags >> 6 & 3, flags >> 8 & 15};
  const Image *image = &images[which % imageCount];
  if (edits > 0) scan_damaged(image, edits, at, &input);
  else scan_good(image, at, flags >> 12 == 15, &input);
  return 0;
}
