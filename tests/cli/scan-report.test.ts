import { describe, expect, test } from "bun:test";
import { drawTree, toJson } from "../../src/cli/view/scan-report.ts";
import type { Finding, ScannedObject, Status, Verdict } from "../../src/message.ts";
import { fakeTerminal } from "./fake-terminal.ts";

const FOUND: Finding = { signature: "Test.A", severity: "infected", offset: 7, description: "bad" };

function object(id: number, parent: number | null, values: Partial<ScannedObject>): ScannedObject {
  const name = values.name ?? `o${id}`;
  return {
    id,
    parent,
    path: name,
    name,
    declaredType: "",
    type: "text",
    size: 100,
    scanned: 100,
    status: "clean",
    findings: [],
    notes: [],
    ...values,
  };
}

function verdict(status: Status, ...objects: ScannedObject[]): Verdict {
  return { status, objects, elapsedMs: 1, signatureSet: "s" };
}

describe("drawTree()", () => {
  test("shows header, objects in tree order, findings and notes", () => {
    const seen = verdict(
      "infected",
      object(0, null, { name: "a.eml", type: "mail" }),
      object(1, 0, { name: "b.zip", type: "zip", notes: ["odd"] }),
      object(2, 0, { name: "last" }),
      object(3, 1, { name: "c.com", status: "infected", findings: [FOUND] }),
    );
    expect(drawTree(fakeTerminal(), "a.eml", seen, [["From", "me"]])).toBe(
      [
        "a.eml: infected",
        "  From:    me",
        "  a.eml  mail, 100 B  clean",
        "  ├─ b.zip  zip, 100 B  clean",
        "  │  │    odd",
        "  │  └─ c.com  text, 100 B  infected",
        "  │          infected Test.A at byte 7: bad",
        "  └─ last  text, 100 B  clean",
        "",
      ].join("\n"),
    );
  });

  test("lets no hostile name act on the terminal", () => {
    const hostile = "\u001b]0;x\u0007\u202egnp.exe\n";
    const finding = { ...FOUND, signature: hostile, description: hostile };
    const values = { name: hostile, type: hostile, notes: [hostile], findings: [finding] };
    const text = drawTree(
      fakeTerminal(),
      hostile,
      verdict("infected", object(0, null, values)),
      [],
    );
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(text.split("\n")).toHaveLength(5);
  });

  test("cuts long trees and is not stopped by deep ones", () => {
    const chain = Array.from({ length: 5000 }, (_, n) => object(n, n === 0 ? null : n - 1, {}));
    const lines = drawTree(fakeTerminal(), "deep", verdict("clean", ...chain), []).split("\n");
    expect(lines).toHaveLength(503);
    expect(lines.at(-2)).toContain("4500 more objects");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(120);
  });

  test("of a verdict without objects is its first line", () => {
    expect(drawTree(fakeTerminal(), "x", verdict("unscanned"), [])).toBe("x: unscanned\n");
  });
});

test("toJson() gives exactly the promised fields", () => {
  const seen = verdict("infected", object(0, null, { status: "infected", findings: [FOUND] }));
  expect(toJson("a.eml", seen)).toEqual({
    file: "a.eml",
    verdict: "infected",
    objects: [
      {
        path: "o0",
        type: "text",
        size: 100,
        status: "infected",
        findings: [{ signature: "Test.A", offset: 7 }],
      },
    ],
  });
});
