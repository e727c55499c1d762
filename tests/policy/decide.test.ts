import { expect, test } from "bun:test";
import { decide, stricter } from "../../src/policy/decide.ts";
import { filter, group, object, statusesFrom, verdict } from "./samples.ts";

const RULES = group({ infected: "reject", damaged: "deliver", filtered: "block" });

test.each([
  ["clean", "deliver", ""],
  ["disinfected", "deliver", 'disinfected = "deliver"'],
  ["filtered", "block", 'filtered = "block"'],
  ["infected", "reject", 'infected = "reject"'],
  ["suspicious", "quarantine", 'suspicious = "quarantine"'],
  ["protected", "quarantine", 'protected = "quarantine"'],
  ["damaged", "deliver", 'damaged = "deliver"'],
  ["unscanned", "defer", 'unscanned = "defer"'],
] as const)("decide() treats %s as the rule says: %s", (status, kind, rule) => {
  const decision = decide(verdict(object("clean"), object(status)), RULES, []);
  expect(decision).toMatchObject({ disposition: { kind }, rule, status });
});

test("decide() lets the strictest rule win over the worst status", () => {
  const lenient = group({ infected: "deliver" });
  const seen = verdict(object("infected", { signature: "A" }), object("protected"));
  const { disposition, rule, status } = decide(seen, lenient, []);
  expect(disposition).toEqual({ kind: "quarantine", reason: "protected" });
  expect([rule, status]).toEqual(['protected = "quarantine"', "infected"]);
});

test("decide() gives the names of what was found as the reason", () => {
  const seen = verdict(
    object("infected", { signature: "Gw.A" }),
    object("infected", { signature: "Gw.B" }),
  );
  const { disposition } = decide(seen, RULES, []);
  expect(disposition).toEqual({ kind: "reject", reason: "infected: Gw.A, Gw.B" });
});

test("decide() gives the note as the reason where nothing was found by name", () => {
  const seen = verdict(object("unscanned", { notes: ["nested deeper than 20"] }));
  const { disposition } = decide(seen, RULES, []);
  expect(disposition).toEqual({ kind: "defer", reason: "unscanned: nested deeper than 20" });
});

test("decide() never delivers by the shipped rules what was not wholly scanned", () => {
  for (const status of statusesFrom("filtered")) {
    expect(decide(verdict(object(status)), group(), []).disposition.kind).not.toBe("deliver");
  }
});

test("decide() takes a filter's own action, and the group's where the filter has none", () => {
  const seen = verdict(object("clean"), object("clean", { name: "a.exe" }));
  const hit = { object: 1, path: "message › a.exe" };
  const own = decide(seen, RULES, [{ ...hit, filter: filter({ name: "x", action: "defer" }) }]);
  expect(own).toMatchObject({
    disposition: { kind: "defer", reason: "filtered by x: a.exe" },
    rule: 'filter "x" action = "defer"',
    status: "filtered",
  });
  const inherited = decide(seen, RULES, [{ ...hit, filter: filter({ name: "x" }) }]);
  expect(inherited.rule).toBe('filtered = "block"');
});

test("decide() reports a filtered object that is infected as infected", () => {
  const seen = verdict(object("clean"), object("infected", { signature: "A" }));
  const hits = [{ object: 1, path: "", filter: filter({ action: "deliver" }) }];
  expect(decide(seen, RULES, hits)).toMatchObject({
    status: "infected",
    disposition: { kind: "reject" },
  });
});

test("decide() backs up what is blocked, if its status is listed, and nothing else", () => {
  const rules = { infected: "block", backup: ["infected"] } as const;
  const infected = verdict(object("infected", { signature: "A" }));
  expect(decide(infected, group(rules), []).isBackedUp).toBe(true);
  expect(decide(infected, group({ ...rules, backup: ["damaged"] }), []).isBackedUp).toBe(false);
  expect(decide(infected, group({ backup: ["infected"] }), []).isBackedUp).toBe(false);
});

test("stricter() never lets what one rule keeps be dropped by another", () => {
  expect(stricter("block", "quarantine")).toBe("quarantine");
  expect(stricter("quarantine", "block")).toBe("quarantine");
  expect(stricter("reject", "deliver")).toBe("reject");
});
