import { describe, expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { checkArguments, operandsOf, typed } from "../../src/cli/arguments.ts";

const ARGS: ArgsDef = {
  json: { type: "boolean" },
  sender: { type: "string" },
  state: { type: "enum", options: ["queued", "held"] },
  quiet: { type: "boolean", alias: "q" },
};

describe("checkArguments()", () => {
  test.each([
    ["nothing", [], undefined],
    ["options", ["--json", "--sender", "a", "--state=held"], undefined],
    ["a value that holds =", ["--sender=a=b"], undefined],
    ["an alias", ["-q"], undefined],
    ["an operand", ["x"], "FILE"],
    ["operands among options", ["x", "--json", "y", "--sender", "a", "z"], "FILE…"],
    ["a lone dash", ["-"], "FILE"],
    ["dashes behind --", ["--", "--json", "-x"], "FILE…"],
    ["an optional operand left out", [], "[FILE]"],
  ])("takes %s", (_, raw, usage) => {
    expect(() => checkArguments(raw, ARGS, usage)).not.toThrow();
  });

  test.each([
    ["--jsno", undefined, "unknown option --jsno; did you mean --json?"],
    ["--sendr=x", undefined, "unknown option --sendr=x; did you mean --sender?"],
    ["--zzzz", undefined, "unknown option --zzzz"],
    ["--no-json", undefined, "unknown option --no-json"],
    ["-json", undefined, "unknown option -json; did you mean --json?"],
    ["--json=yes", undefined, "--json takes no value"],
    ["--sender", undefined, "--sender needs a value"],
    ["--sender=", undefined, "--sender needs a value"],
    ["--sender --json", undefined, "--sender needs a value"],
    ["--state x", undefined, '--state: expected one of queued, held; found "x"'],
    ["--json --json", undefined, "--json is given twice"],
    ["x", undefined, 'unexpected argument "x"'],
    ["x y", "[FILE]", 'unexpected argument "y"'],
    ["x -- y", "FILE", "too many arguments"],
    ["", "FILE", "expected FILE"],
    ["x", "NAME FILE", "expected NAME FILE"],
  ])("refuses %p", (line, usage, message) => {
    const raw = line.split(" ").filter((word) => word !== "");
    expect(() => checkArguments(raw, ARGS, usage)).toThrow(message);
  });
});

test.each([
  [undefined, 0, 0],
  ["ID", 1, 1],
  ["[KEY]", 0, 1],
  ["NAME FILE", 2, 2],
  ["FILE|DIR|-…", 1, Number.POSITIVE_INFINITY],
  ["[ID…]", 0, Number.POSITIVE_INFINITY],
])("operandsOf(%p) is %p to %p", (usage, min, max) => {
  expect(operandsOf(usage)).toEqual({ min, max });
});

test("typed() makes what was typed harmless and short", () => {
  expect(typed("\u001b[2J")).toBe("\\u{1b}[2J");
  expect(typed("x".repeat(1000))).toHaveLength(60);
});
