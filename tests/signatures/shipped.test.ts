import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { CASES } from "./cases.ts";
import { loadShipped, type Shipped } from "./shipped.ts";

let shipped: Shipped;

beforeAll(async () => {
  shipped = await loadShipped();
}, 120_000);

describe("the signatures that ship with gw", () => {
  test("all compile, and each has a case", () => {
    const named = new Set(CASES.map(({ signature }) => signature));
    const shippedNames = shipped.signatures.map(({ name }) => name);
    expect([...named].sort()).toEqual([...shippedNames].sort());
    expect(shippedNames.length).toBeGreaterThanOrEqual(40);
  });

  test("tell an administrator what was found and where to read on", () => {
    const poor = shipped.signatures.filter(
      ({ description, reference }) =>
        !/^[A-Z].{20,}\.$/.test(description) || !/^https:\/\/\S+$/.test(reference),
    );
    expect(poor.map(({ name }) => name)).toEqual([]);
  });

  test("are listed in the documentation as they are", () => {
    const path = resolve(import.meta.dir, "../../docs/signatures-shipped.md");
    const rows = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line.startsWith("| Gw."));
    const expected = shipped.signatures.map(
      ({ name, severity, description }) => `| ${name} | ${severity} | ${description} |`,
    );
    expect(rows.toSorted()).toEqual(expected.toSorted());
  });

  test.each(CASES.map((one) => [one.signature, one] as const))("%s hits", (name, { hit }) => {
    expect(shipped.scan(hit).names).toContain(name);
  });

  test.each(CASES.map((one) => [one.signature, one] as const))("%s spares", (name, { miss }) => {
    expect(shipped.scan(miss).names).not.toContain(name);
  });

  test("say nothing of a near miss that another one would have said", () => {
    const infected = CASES.flatMap(({ signature, miss }) =>
      shipped.scan(miss).infected.map((other) => `${signature}: ${other}`),
    );
    expect(infected).toEqual([]);
  });
});
