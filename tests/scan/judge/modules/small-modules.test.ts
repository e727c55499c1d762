import { describe, expect, test } from "bun:test";
import { isFloat, type ModuleName, moduleOf } from "../../../../src/scan/judge/modules/modules.ts";
import type {
  ModuleArgument,
  ModuleFunction,
  ModuleValue,
} from "../../../../src/scan/judge/modules/value.ts";

const BYTES = Buffer.from("AAAABBC\0");
const tools = { now: () => 1_700_000_000_999, spend: () => true };

function call(module: ModuleName, name: string, ...values: ModuleArgument[]): ModuleValue {
  const found = moduleOf(module, { bytes: BYTES }, undefined, tools)[name] as ModuleFunction;
  return found(...values);
}

describe("functions over bytes take a range or a text", () => {
  test.each<[ModuleName, string, ModuleArgument[], ModuleValue]>([
    ["math", "entropy", [0, 8], 1.75],
    ["math", "entropy", ["AAAABBC\0"], 1.75],
    ["math", "entropy", [0, 9999], 1.75],
    ["math", "entropy", [8, 1], undefined],
    ["math", "entropy", [-1, 1], undefined],
    ["math", "mean", [0, 2], 65],
    ["math", "deviation", [3, 2, 65.5], 0.5],
    ["math", "deviation", ["AC", 66.0], 1],
    ["math", "monte_carlo_pi", [0, 5], undefined],
    ["math", "serial_correlation", ["aaaa"], -100_000],
    ["math", "index_of_coincidence", ["aab"], 2 / 6],
    ["math", "count", [65], 4],
    ["math", "count", [65, 2, 2], 2],
    ["math", "count", [256], undefined],
    ["math", "percentage", [66], 0.25],
    ["math", "mode", [], 65],
    ["math", "mode", [4, 3], 66],
    ["hash", "md5", ["abc"], "900150983cd24fb0d6963f7d28e17f72"],
    ["hash", "sha1", ["abc"], "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["hash", "crc32", ["123456789"], 0xcbf43926],
    ["hash", "checksum32", [0, 4], 260],
    ["hash", "md5", [0, 4], "098890dde069e9abad63f19a0d9e1f32"],
  ])("%s.%s(%j)", (module, name, values, expected) => {
    expect(call(module, name, ...values)).toEqual(expected);
  });
});

describe("functions over numbers and texts", () => {
  test.each<[ModuleName, string, ModuleArgument[], ModuleValue]>([
    ["math", "in_range", [2.0, 1.0, 3.0], true],
    ["math", "in_range", [4, 1, 3], false],
    ["math", "max", [-1, 5], -1],
    ["math", "min", [-1, 5], 5],
    ["math", "to_number", [true], 1],
    ["math", "abs", [-7], 7],
    ["math", "abs", [-9007199254740993n], 9007199254740993n],
    ["math", "to_string", [-1, 16], "ffffffffffffffff"],
    ["math", "to_string", [32, 8], "40"],
    ["math", "to_string", [32, 3], undefined],
    ["string", "length", ["a\0b"], 3],
    ["string", "to_int", ["1234"], 1234],
    ["string", "to_int", ["-10"], -10],
    ["string", "to_int", ["0x10"], 16],
    ["string", "to_int", ["010"], 8],
    ["string", "to_int", ["10", 16], 16],
    ["string", "to_int", ["9223372036854775807"], 9223372036854775807n],
    ["string", "to_int", ["9223372036854775808"], undefined],
    ["string", "to_int", ["12a"], undefined],
    ["console", "log", ["x"], true],
    ["time", "now", [], 1_700_000_000],
  ])("%s.%s(%p)", (module, name, values, expected) => {
    expect(call(module, name, ...values)).toEqual(expected);
  });
});

test("a function that finds no work left has no answer", () => {
  const spent: number[] = [];
  const name = "entropy";
  const spend = (steps: number) => spent.push(steps) < 2;
  const subject = { bytes: Buffer.alloc(6400) };
  const math = moduleOf("math", subject, undefined, { ...tools, spend });
  const entropy = math[name] as ModuleFunction;
  expect(entropy(0, 6400)).toBe(0);
  expect(entropy(0, 6400)).toBeUndefined();
  expect(spent).toEqual([101, 101]);
});

test("members that are floats are told apart", () => {
  expect(isFloat("math", "mean")).toBe(true);
  expect(isFloat("math", "count")).toBe(false);
  expect(isFloat("pe", "mean")).toBe(false);
});
