// YARA rules as signatures: names, what is searched for, and when a judgement is asked.
import { describe, expect, test } from "bun:test";
import { type Expression, type Signature, SourceError } from "../../../src/signature/source.ts";
import { importYara } from "../../../src/signature/yara/import.ts";

function compiled(text: string): Signature {
  const { signatures, diagnostics } = importYara([{ path: "test.yar", text }]);
  expect(diagnostics).toEqual([]);
  const signature = signatures.at(-1);
  if (signature === undefined) throw new SourceError("no signature", { line: 0, column: 0 });
  return signature;
}

/** An expression in short: `p0 and 2 of p1 p2`. */
function short(expression: Expression): string {
  switch (expression.kind) {
    case "pattern":
      return `p${expression.pattern}`;
    case "of":
      return `${expression.needed} of ${expression.patterns.map((p) => `p${p}`).join(" ")}`;
    case "and":
    case "or":
      return `(${short(expression.left)} ${expression.kind} ${short(expression.right)})`;
    case "not":
      return `not ${short(expression.operand)}`;
    case "compare": {
      const { left, operator, right } = expression;
      return `${typeof left === "object" ? `#${left.count}` : left} ${operator} ${right}`;
    }
    case "type":
    case "container":
      return expression.type;
    case "always":
      return "always";
    default:
      return expression satisfies never;
  }
}

const AB = 'strings: $a = "first text" $b = "second text" $c = "third" wide ascii $m = "MZ"';

describe("importYara()", () => {
  test.each([
    ["$a", "p0", false],
    ["$a and not $b", "(p0 and not p1)", false],
    ["any of ($a, $b)", "(p0 or p1)", false],
    ["#a > 3 and filesize < 10KB", "(#0 > 3 and size < 10240)", false],
    ["$a and $c", "(p0 and 1 of p1 p2)", false],
    ["2 of ($a, $b, $c)", "2 of p0 p1 p2 p3", true],
    ["$a at 0", "p0", true],
    ["$a and @a[1] < 100", "(p0 and p0)", true],
    ["uint16(0) == 0x5A4D and $a", "p0", true],
    ["uint16(0) == 0x5A4D and $m", "p1", true],
    ["not $a", "(always and not p0)", true],
    ["$m", "always", true],
    ["$m and $a", "p0", true],
    ["for any i in (1..#a) : ( @a[i] < 10 and $b )", "(p0 and p1)", true],
    ["for any of ($a, $b) : ( @ < 10 )", "(p0 or p1)", true],
    ["for all of ($a, $b) : ( $ at 0 )", "(p0 and p1)", true],
    ["none of ($a, $b)", "(always and not (p0 or p1))", true],
    ["all of them", "", true],
  ])("triggers %s by %s", (condition, expected, isJudged) => {
    const signature = compiled(`rule r { ${AB} condition: ${condition} }`);
    if (expected !== "") expect(short(signature.condition)).toBe(expected);
    expect(signature.judgement !== undefined).toBe(isJudged);
  });

  test.each([
    ['pe.signatures[0].serial == "01:23:45:67:89:ab"', "(pe and p0)"],
    ['dotnet.guids[0] == "a253a3d9-f7e6-484e-b392-685b0b7a9c5d"', "(pe and p0)"],
    ['pe.exports("DllMain")', "(pe and p0)"],
    ["pe.number_of_sections > 3", "(always and pe)"],
    ["not pe.number_of_sections == 3", "(always and pe)"],
    ["pe.machine == pe.MACHINE_I386 or pe.is_pe == 0", "always"],
    ["math.entropy(0, filesize) > 7.9", "always"],
  ])("looks for what %s needs", (condition, expected) => {
    const text = `import "pe" import "dotnet" import "math" rule r { condition: ${condition} }`;
    expect(short(compiled(text).condition)).toBe(expected);
  });

  test("limits rules about executables to executables", () => {
    const { targets } = compiled('import "pe" rule r { condition: pe.number_of_sections > 3 }');
    expect(targets).toEqual(["pe"]);
  });

  test("xor and base64 are looked for in all their forms", () => {
    const xor = compiled('rule r { strings: $a = "secret text" xor(1-3) condition: $a }');
    expect(xor.patterns).toHaveLength(3);
    const base64 = compiled('rule r { strings: $a = "some secret text" base64 condition: $a }');
    const texts = base64.patterns.map((pattern) => {
      const [op] = pattern.kind === "bytes" ? pattern.ops : [];
      return op?.kind === "literal" ? Buffer.from(op.bytes).toString("latin1") : "";
    });
    for (const before of ["", "x", "xy", "xyz"]) {
      const encoded = Buffer.from(`${before}some secret text!?`).toString("base64");
      expect(texts.some((text) => text.length > 15 && encoded.includes(text))).toBe(true);
    }
  });

  test("strings that no condition speaks of cost nothing", () => {
    const text = 'rule r { strings: $a = "used text" $_b = "unused text" condition: $a }';
    expect(compiled(text).patterns).toHaveLength(1);
  });

  test("names stay, severity and description are told from name and meta", () => {
    const { info } = compiled(
      'rule SUSP_Thing { meta: description = "A thing" reference = "https://x" condition: true }',
    );
    expect(info).toMatchObject({ name: "SUSP_Thing", severity: "suspicious" });
    expect(info).toMatchObject({ description: "A thing", reference: "https://x" });
  });

  test("a name that another file has taken gets its file's name before it", () => {
    const text = "rule r { condition: filesize > 3 }";
    const paths = ["a/one.yar", "b/two.yar", "c/two.yar"];
    const { signatures } = importYara(paths.map((path) => ({ path, text })));
    expect(signatures.map(({ info }) => info.name)).toEqual(["r", "two.r", "c/two.yar.r"]);
  });

  test("private rules are no signatures; the report counts rules and mistakes", () => {
    const { signatures, reports } = importYara([
      {
        path: "t.yar",
        text: "private rule p { condition: true } rule r { condition: p }\nrule x { condition: y }",
      },
    ]);
    expect(signatures.map(({ info }) => info.name)).toEqual(["r"]);
    expect(reports).toMatchObject([{ file: "t.yar", loaded: 2, malformed: 1 }]);
    expect(reports[0]?.diagnostics[0]).toMatchObject({ line: 2, message: "y is not known" });
  });

  test("files that others include are read as parts of those", () => {
    const { signatures, reports } = importYara([
      { path: "set/parts/one.yar", text: "rule one { condition: filesize > 1 }" },
      {
        path: "set/index.yar",
        text: 'include "parts/one.yar"\ninclude "../outside.yar"\nrule two { condition: one }',
      },
    ]);
    expect(signatures.map(({ info }) => info.name)).toEqual(["one", "two"]);
    expect(reports).toMatchObject([{ file: "set/index.yar", loaded: 2, malformed: 1 }]);
    expect(reports[0]?.diagnostics[0]?.message).toBe("../outside.yar can't be included");
  });

  test("files that include each other are read once", () => {
    const { signatures } = importYara([
      { path: "a.yar", text: 'include "b.yar" rule a { condition: filesize > 1 }' },
      { path: "b.yar", text: 'include "a.yar" rule b { condition: filesize > 1 }' },
    ]);
    expect(signatures.map(({ info }) => info.name).sort()).toEqual(["a", "b"]);
  });

  test("rules for other systems are skipped, not wrong", () => {
    const text = `import "cuckoo"
      rule r { condition: cuckoo.sync.mutex(/x/) }
      rule s { condition: new_file and filesize > 1 }
      rule t { condition: filesize > 1 }`;
    const { reports } = importYara([{ path: "t.yar", text }]);
    expect(reports).toMatchObject([
      {
        ...{ loaded: 1, malformed: 0 },
        skipped: {
          "needs the module cuckoo": 1,
          "needs the variable new_file of VirusTotal": 1,
        },
      },
    ]);
  });
});

test.each([
  ["uint16(0) == 0x5a4d and $a", true],
  ["$a and uint16be(0) == 0x4d5a", true],
  ["0x5a4d == uint16(0) and filesize < 9MB and $a", true],
  ["(uint16(0) == 0x5a4d and $a) or (uint16(0) == 0x5a4d and filesize > 1)", true],
  ["(uint16(0) == 0x5a4d and $a) or $a at 9", false],
  ["uint16(0) != 0x5a4d and $a", false],
  ["uint16(0) == 0x4d5a and $a", false],
  ["uint16(2) == 0x5a4d and $a", false],
  ["not uint16(0) == 0x5a4d and $a", false],
  ["$a", false],
])("a rule of the condition %s is for programs only: %p", (condition, needsProgram) => {
  const rule = `rule r { strings: $a = "something" condition: ${condition} }`;
  expect(compiled(rule).needsProgram).toBe(needsProgram);
});
