// Values that stand outside of the configuration file: secrets in files of their own or in the
// environment, and lists with one value on each line.
import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { printableUpTo } from "../../text/printable.ts";
import type { Type } from "../field.ts";
import { ConfigError, readRegular } from "./text-file.ts";

const SECRET_SIZE_MAX = 64 * 1024;
const LIST_SIZE_MAX = 16 * 1024 * 1024;
/** Most values of a list, all its files together. */
const LIST_VALUES_MAX = 100_000;
const SHOWN_LENGTH_MAX = 60;
const FILE_PREFIX = "file:";
const ENVIRONMENT_PREFIX = "env:";
const READ_BY_OTHERS = 0o004;

/** What a value outside turned out to be; `file` is what was read for it. */
export type External<T> =
  | { readonly kind: "value"; readonly value: T; readonly files: readonly string[] }
  | { readonly kind: "wrong"; readonly message: string; readonly element?: number };

function wrong(message: string, element?: number): External<never> {
  return { kind: "wrong", message, ...(element !== undefined && { element }) };
}

function fromEnvironment(name: string): External<string> {
  if (!/^[A-Za-z_]\w*$/.test(name)) return wrong("expected the name of a variable after env:");
  const value = process.env[name] ?? "";
  return value === ""
    ? wrong(`the variable ${name} is not set in the environment of gw`)
    : { kind: "value", value, files: [] };
}

function fromFile(file: string): External<string> {
  if (!isAbsolute(file)) return wrong("expected a path that starts with / after file:");
  try {
    const value = readRegular(file, SECRET_SIZE_MAX).replace(/\r?\n$/, "");
    if (value === "") return wrong(`${file}: empty`);
    if ((statSync(file).mode & READ_BY_OTHERS) !== 0) {
      return wrong(`${file}: everyone may read it: chmod o-r ${file}`);
    }
    return { kind: "value", value, files: [file] };
  } catch (error) {
    if (error instanceof ConfigError) return wrong(error.message);
    throw error;
  }
}

/** A secret as the file says it, or what `file:/path` and `env:NAME` lead to. */
export function resolveSecret(raw: string): External<string> {
  if (raw.startsWith(FILE_PREFIX)) return fromFile(raw.slice(FILE_PREFIX.length));
  if (raw.startsWith(ENVIRONMENT_PREFIX)) return fromEnvironment(raw.slice(4));
  return { kind: "value", value: raw, files: [] };
}

/** True of a list some of whose elements are files of elements. */
export function hasLists(element: Type<string>, raw: unknown): raw is readonly string[] {
  return Array.isArray(raw) && raw.some((each) => isList(element, each));
}

// Types that have a use of their own for `file:`, such as masks of addresses, keep it.
function isList(element: Type<string>, raw: unknown): boolean {
  return (
    typeof raw === "string" && raw.startsWith(FILE_PREFIX) && element.read(raw).kind === "wrong"
  );
}

function valuesOf(element: Type<string>, file: string): External<readonly string[]> {
  if (!isAbsolute(file)) return wrong("expected a path that starts with / after file:");
  const values: string[] = [];
  try {
    for (const [index, line] of readRegular(file, LIST_SIZE_MAX).split("\n").entries()) {
      const value = line.trim();
      if (value === "" || value.startsWith("#")) continue;
      const reading = element.read(value);
      if (reading.kind === "wrong") {
        const found = printableUpTo(JSON.stringify(value), SHOWN_LENGTH_MAX);
        return wrong(`${file}:${index + 1}: expected ${reading.expected}; found ${found}`);
      }
      values.push(reading.value);
      if (values.length > LIST_VALUES_MAX) {
        return wrong(`${file}: more than ${LIST_VALUES_MAX} values`);
      }
    }
  } catch (error) {
    if (error instanceof ConfigError) return wrong(error.message);
    throw error;
  }
  return { kind: "value", value: values, files: [file] };
}

/** A list with the values of its files in the places of these. */
export function resolveList(
  element: Type<string>,
  raw: readonly unknown[],
): External<readonly string[]> {
  const value: string[] = [];
  const files: string[] = [];
  for (const [index, each] of raw.entries()) {
    if (isList(element, each)) {
      const found = valuesOf(element, String(each).slice(FILE_PREFIX.length));
      if (found.kind === "wrong") return { ...found, element: index };
      for (const one of found.value) value.push(one);
      files.push(...found.files);
    } else {
      const reading = element.read(each);
      if (reading.kind === "wrong") return wrong(`expected ${reading.expected}`, index);
      value.push(reading.value);
    }
    if (value.length > LIST_VALUES_MAX) return wrong(`more than ${LIST_VALUES_MAX} values`);
  }
  return { kind: "value", value, files };
}
