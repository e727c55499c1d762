// What the parts of the codec module share. Unlike the scan core it has a small memory of its own,
// in which the host puts a piece of input at a time.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef signed char i8;
#define EXPORT(name) __attribute__((export_name(#name)))
#define INLINE static inline __attribute__((always_inline))
