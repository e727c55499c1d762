#!/bin/sh
# Builds the scan core natively with the address and undefined-behaviour sanitizers and runs
#   check.c. wasm/native/check.sh [ROUNDS [IMAGES]]     needs bun and a C compiler (CC, default gcc)
set -eu
rounds=${1:-300}
images=${2:-12}
here=$(cd "$(dirname "$0")" && pwd)
build="$here/../../.cache/native"
mkdir -p "$build"
${BUN:-bun} "$here/images.ts" "$build/cases" "$images"
${CC:-gcc} -std=c11 -O1 -g -Wall -Wextra -fno-sanitize-recover=all -fsanitize=address,undefined \
  -o "$build/check" "$here"/check.c "$here"/../*.c
ASAN_OPTIONS=detect_leaks=0 "$build/check" "$rounds" "$build"/cases/*.case
