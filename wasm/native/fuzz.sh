#!/bin/sh
# Builds the scan core with clang's libFuzzer and the address and undefined-behaviour sanitizers,
#   and runs fuzz.c. wasm/native/fuzz.sh [SECONDS [IMAGES]]      needs bun and clang (CC)
# What it learns stays in .cache/native/learned; an input that fails is left in .cache/native.
set -eu
seconds=${1:-60}
images=${2:-16}
here=$(cd "$(dirname "$0")" && pwd)
build="$here/../../.cache/native"
mkdir -p "$build/learned"
${BUN:-bun} "$here/images.ts" "$build/fuzzed" "$images" "$build/seeds"
${CC:-clang} -std=gnu11 -O2 -g -Wall -Wextra -fno-sanitize-recover=all \
  -fsanitize=fuzzer,address,undefined -o "$build/fuzz" "$here"/fuzz.c "$here"/../*.c
ASAN_OPTIONS=detect_leaks=0 GW_FUZZ_CASES="$build/fuzzed" "$build/fuzz" \
  -max_total_time="$seconds" -max_len=20000 -timeout=20 -print_final_stats=1 -verbosity="${VERBOSITY:-0}" \
  -artifact_prefix="$build/" "$build/learned" "$build/seeds"
