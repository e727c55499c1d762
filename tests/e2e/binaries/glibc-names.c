// Names of glibc that Debian's libstdc++ wants and musl lacks: with them the executable for musl runs
// in a folder that holds musl, Debian's libstdc++ and nothing else. For trials only; a system made
// with musl has a libstdc++ of its own.
struct cpu { unsigned vendor, type, subtype, features; };

extern long syscall(long number, ...);
extern unsigned long strftime_l(char *, unsigned long, const char *, const void *, void *);

enum { GETRANDOM = 318 };

char __libc_single_threaded = 0;
struct cpu __cpu_model;

int __cpu_indicator_init(void) { return 0; }

int _dl_find_object(void *address, void *result) {
  (void)address, (void)result;
  return -1; // Not found: the caller looks in the way it did before this function was.
}

int __cxa_thread_atexit_impl(void *work, void *object, void *library) {
  (void)work, (void)object, (void)library;
  return 0;
}

unsigned arc4random(void) {
  unsigned number = 0;
  syscall(GETRANDOM, &number, sizeof number, 0);
  return number;
}

unsigned long __strftime_l(char *to, unsigned long size, const char *form, const void *time,
                           void *locale) {
  return strftime_l(to, size, form, time, locale);
}
