// libc, for the few calls of the system that Bun has no function for.
import { dlopen, FFIType } from "bun:ffi";

/** Opens libc under the names of glibc, musl and FreeBSD; throws if there is none of these. */
export function openLibc() {
  const symbols = {
    dup: { args: [FFIType.i32], returns: FFIType.i32 },
    socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    sendto: {
      args: [
        ...[FFIType.i32, FFIType.ptr, FFIType.u64, FFIType.i32],
        ...[FFIType.ptr, FFIType.u32],
      ],
      returns: FFIType.i64,
    },
  } as const;
  if (process.platform === "freebsd") return dlopen("libc.so.7", symbols).symbols;
  const arch = process.arch === "x64" ? "x86_64" : "aarch64";
  try {
    return dlopen("libc.so.6", symbols).symbols;
  } catch {
    // Not glibc.
    return dlopen(`libc.musl-${arch}.so.1`, symbols).symbols;
  }
}
