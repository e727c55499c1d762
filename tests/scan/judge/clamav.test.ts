// What ClamAV's signatures say beyond their patterns, on samples made here.
import { expect, test } from "bun:test";
import { buildPe } from "../../harness/pe-builder.ts";
import { scanningWith } from "../../signature/clamav/scanning.ts";

const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");

/** Whether a logical signature with these subsignatures hits the sample. */
async function hits(expression: string, subsignatures: readonly string[], sample: string) {
  const line = ["x", "Engine:81-255,Target:0", expression, ...subsignatures].join(";");
  const scanning = await scanningWith([{ path: "x.ldb", bytes: Buffer.from(line, "latin1") }]);
  expect(scanning.diagnostics).toEqual([]);
  expect(scanning.loaded).toBe(1);
  const { names, isWhole } = scanning.scan(Buffer.from(sample, "latin1"));
  expect(isWhole).toBe(true);
  return names.length > 0;
}

const ALPHA = hex("alpha");

test.each([
  // The trigger is needed, and earlier matches are no part of the count.
  ["1", [ALPHA, "0/br.vo/"], "\0..alpha..bravo", true],
  ["1", [ALPHA, "0/br.vo/"], "\0..bravo", false],
  ["1=1", [ALPHA, "0/xy/"], "\0alpha xy xy", true],
  ["1=2", [ALPHA, "0/xy/g"], "\0alpha xy xy", true],
  ["1>2", [ALPHA, "0/xy/g"], "\0alpha xy xy", false],
  // Places: exact, rolling, within a shift, wholly inside of it.
  ["1", [ALPHA, "7:0/bravo/"], "\0alpha.bravo", true],
  ["1", [ALPHA, "6:0/bravo/"], "\0alpha.bravo", false],
  ["1", [ALPHA, "2:0/bravo/r"], "\0alpha...bravo", true],
  ["1", [ALPHA, "6,3:0/bravo/"], "\0alpha...bravo", true],
  ["1", [ALPHA, "6,2:0/bravo/"], "\0alpha...bravo", false],
  ["1", [ALPHA, "6,8:0/bravo/e"], "\0alpha...bravo", true],
  ["1", [ALPHA, "6,7:0/bravo/e"], "\0alpha...bravo", false],
  ["1", [ALPHA, "EOF-5:0/bravo/"], "\0alpha...bravo", true],
  ["1", [ALPHA, "0/(\\w+)-\\1/"], "\0alpha one-two two-two", true],
  ["1", [ALPHA, "0/a;b/"], "\0alpha a;b", true],
  // Numbers near the last match.
  ["1", [ALPHA, "0(>>5#il2#=513)"], "\0alpha\x01\x02", true],
  ["1", [ALPHA, "0(>>5#ib2#=258)"], "\0alpha\x01\x02", true],
  ["1", [ALPHA, "0(>>5#il1#=2)"], "\0alpha\x01alpha\x02", true],
  ["1", [ALPHA, "0(<<1#il1#=7)"], "\x07alpha", true],
  ["1", [ALPHA, "0(>>5#dbe3#>122,<124)"], "\0alpha123", true],
  ["1", [ALPHA, "0(>>5#dbe3#=12)"], "\0alpha12x", false],
  ["1", [ALPHA, "0(>>5#db3#=12)"], "\0alpha 12x", true],
  ["1", [ALPHA, "0(>>5#hb4#=0xbeef)"], "\0alphabeef", true],
  ["1", [ALPHA, "0(>>5#ab6#=0xbeef)"], "\0alpha0xbeef", true],
  ["1", [ALPHA, "0(>>5#il4#=1)"], "\0alpha\x01", false],
  ["1", [ALPHA, "0(<<9#il4#=1)"], "\0alpha\x01", false],
  // Sums and who takes part in them.
  ["(0|1|2)>2,2", [ALPHA, hex("bravo"), hex("charl")], "\0alpha alpha bravo", true],
  ["(0|1|2)>2,2", [ALPHA, hex("bravo"), hex("charl")], "\0alpha alpha alpha", false],
  ["(0&1)=2&2", [ALPHA, hex("bravo"), hex("charl")], "\0alpha bravo charl", true],
  // Two bytes are looked for only where the rest holds.
  ["0&1>2", [ALPHA, hex("zz")], "\0alpha zzzz", true],
  ["0&1>2", [ALPHA, hex("zz")], "\0alpha zz zz", false],
  ["0", [`${ALPHA}::wa`], "\0a\0l\0p\0h\0a\0", true],
  ["0=2", [`${ALPHA}::iwa`], "\0A\0l\0p\0h\0a\0 AlPhA", true],
] as const)("%s of %p", async (expression, subsignatures, sample, isHit) => {
  expect(await hits(expression, subsignatures, sample)).toBe(isHit);
});

test("a macro matches where a member of its group follows", async () => {
  const files = [
    ["a.ldb", `m;Engine:81-255,Target:0;0&1;${ALPHA};$\{6-8}7$`],
    ["b.ndb", `x:0:$7$:${hex("bravo")}\ny:0:$7$:${hex("charl")}`],
  ].map(([path = "", text = ""]) => ({ path, bytes: Buffer.from(text) }));
  const scanning = await scanningWith(files);
  const names = (text: string) => scanning.scan(Buffer.from(text)).names;
  expect(names("\0alpha.bravo")).toEqual(["m"]);
  expect(names("\0alpha...charl")).toEqual(["m"]);
  expect(names("\0alpha....charl")).toEqual([]);
  expect(names("\0alphabravo")).toEqual([]);
  expect(names("\0bravo")).toEqual([]);
});

test("a regular expression that takes for ever leaves the object unscanned", async () => {
  const line = `x;Engine:81-255,Target:0;1;${ALPHA};0/(a|aa)+\\1{9}c/`;
  const scanning = await scanningWith([{ path: "x.ldb", bytes: Buffer.from(line) }]);
  const sample = Buffer.from(`\0alpha ${"a".repeat(5000)} c`);
  expect(scanning.scan(sample)).toEqual({ names: [], isWhole: false });
});

test("places in executables are those of the program", async () => {
  const text = (value: string) => ({ name: ".a", make: () => Buffer.from(value, "latin1") });
  const program = buildPe({ parts: [text("alpha.bravo"), text("charl")] });
  const lines = [
    ["section", "0", `S0+6:${hex("bravo")}`],
    ["shifted", "0", `S0+0,6:${hex("bravo")}`],
    ["not", "0", `S0+5:${hex("bravo")}`],
    ["inside", "0", `SE1:${hex("charl")}`],
    ["elsewhere", "0", `SE0:${hex("charl")}`],
    ["last", "0", `SL+0:${hex("charl")}`],
    ["beyond", "0", `S7+0:${hex("charl")}`],
  ].map(([name, ...rest]) => [name, "Engine:81-255,Target:1", ...rest].join(";"));
  const two = `two;Engine:81-255,Target:1,NumberOfSections:2-2;0;${hex("charl")}`;
  const three = `three;Engine:81-255,Target:1,NumberOfSections:3-9;0;${hex("charl")}`;
  const bytes = Buffer.from([...lines, two, three].join("\n"));
  const scanning = await scanningWith([{ path: "x.ldb", bytes }]);
  expect(scanning.diagnostics).toEqual([]);
  expect(scanning.scan(program).names).toEqual(["inside", "last", "section", "shifted", "two"]);
});

test.each([
  // Two bytes x before one word are one match; places and comparisons are from the word on.
  ["0=1", ["78[0-3]616c706861"], "\0x.x.alpha", true],
  ["0=2", ["78[0-3]616c706861"], "\0x.x.alpha", false],
  ["0", ["3:78[0-1]616c706861"], "\0x.alpha", true],
  ["0", ["1:78[0-1]616c706861"], "\0x.alpha", false],
  ["1", ["78[0-1]616c706861", "0(>>5#il1#=7)"], "\0x.alpha\x07", true],
] as const)(
  "%s of %p, whose lead is not counted",
  async (expression, subsignatures, sample, is) => {
    expect(await hits(expression, subsignatures, sample)).toBe(is);
  },
);
