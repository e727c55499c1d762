import { expect, test } from "bun:test";
import type { ScannedObject, Status, Verdict } from "../../src/message.ts";
import { STATUSES, worseStatus } from "../../src/message.ts";
import { decide, type Policy } from "../../src/policy/decide.ts";

const POLICY: Policy = {
  infected: "reject",
  suspicious: "quarantine",
  protected: "quarantine",
  damaged: "deliver",
  unscanned: "defer",
};

function object(status: Status, signature?: string): ScannedObject {
  return {
    id: 0,
    parent: null,
    path: "message",
    name: "message",
    declaredType: "",
    type: "mail",
    size: 1,
    scanned: 1,
    status,
    findings: signature ? [{ signature, severity: "infected", offset: 0 }] : [],
    notes: [],
  };
}

function verdict(...objects: ScannedObject[]): Verdict {
  let status: Status = "clean";
  for (const one of objects) status = worseStatus(status, one.status);
  return { status, objects, elapsedMs: 1, signatureSet: "test" };
}

test.each([
  ["clean", "deliver"],
  ["disinfected", "deliver"],
  ["filtered", "deliver"],
  ["infected", "reject"],
  ["suspicious", "quarantine"],
  ["protected", "quarantine"],
  ["damaged", "deliver"],
  ["unscanned", "defer"],
] as const)("decide() treats %s as the rule says: %s", (status, kind) => {
  expect(decide(verdict(object("clean"), object(status)), POLICY).kind).toBe(kind);
});

test("decide() lets the strictest rule win over the worst status", () => {
  const lenient: Policy = { ...POLICY, infected: "deliver" };
  const seen = verdict(object("infected", "A"), object("protected"));
  expect(decide(seen, lenient)).toEqual({ kind: "quarantine", reason: "protected" });
});

test("decide() gives the names of what was found as the reason", () => {
  const seen = verdict(object("infected", "Gw.A"), object("infected", "Gw.B"));
  expect(decide(seen, POLICY)).toEqual({ kind: "reject", reason: "infected: Gw.A, Gw.B" });
});

test("decide() gives the note as the reason where nothing was found by name", () => {
  const seen = verdict({ ...object("unscanned"), notes: ["nested deeper than 20"] });
  expect(decide(seen, POLICY)).toEqual({
    kind: "defer",
    reason: "unscanned: nested deeper than 20",
  });
});

test("decide() never delivers by the shipped rules what was not wholly scanned", () => {
  for (const status of STATUSES.slice(STATUSES.indexOf("protected"))) {
    const strict: Policy = { ...POLICY, damaged: "quarantine" };
    expect(decide(verdict(object(status)), strict).kind).not.toBe("deliver");
  }
});
