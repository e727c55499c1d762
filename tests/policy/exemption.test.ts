import { describe, expect, test } from "bun:test";
import { exempt, exemptionsFor } from "../../src/policy/exemption.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { Exemption } from "../../src/store/rows/exemption-rows.ts";
import { config, maskParts, object, verdict } from "./samples.ts";

const HASH = "ab".repeat(32);

function exemption(about: Partial<Exemption>): Exemption {
  return { number: 1, expiresAt: 1, owner: "eve", reason: "false alarm", createdAt: 0, ...about };
}

const infected = object("infected", { signature: "Gw.A", hash: HASH, plainStatus: "clean" });

describe("exempt()", () => {
  test("by content passes the object and all that is inside", () => {
    const seen = verdict(
      object("clean"),
      object("protected", { hash: HASH }),
      object("infected", { signature: "Gw.A", parent: 1 }),
    );
    const { verdict: left, uses, passed } = exempt(seen, [exemption({ hash: HASH })]);
    expect(left.status).toBe("clean");
    expect([...passed]).toEqual([1, 2]);
    expect(uses.map((use) => use.object)).toEqual([1]);
  });

  test("by content passes nothing beside it", () => {
    const seen = verdict(object("clean"), infected, object("infected", { signature: "Gw.A" }));
    expect(exempt(seen, [exemption({ hash: HASH })]).verdict.status).toBe("infected");
  });

  test("by signature leaves other findings and other statuses as they are", () => {
    const findings = ["Gw.A", "Gw.B"].map((signature) => {
      return { signature, severity: "suspicious" as const, offset: 0 };
    });
    const both = object("suspicious", { findings, plainStatus: "clean" });
    const mine = [exemption({ signature: "Gw.A" })];
    expect(exempt(verdict(both), mine).verdict.objects[0]?.findings).toHaveLength(1);
    expect(exempt(verdict(both), mine).verdict.status).toBe("suspicious");
    const broken = { ...infected, plainStatus: "damaged" as const };
    expect(exempt(verdict(broken), mine).verdict.status).toBe("damaged");
    expect(exempt(verdict(infected), mine).verdict.status).toBe("clean");
  });

  test("by content and signature passes that signature in that content only", () => {
    const mine = [exemption({ hash: HASH, signature: "Gw.A" })];
    expect(exempt(verdict(infected), mine).verdict.status).toBe("clean");
    const other = { ...infected, hash: "cd".repeat(32) };
    expect(exempt(verdict(other), mine).verdict.status).toBe("infected");
  });

  test("without exemptions gives the very verdict back", () => {
    const seen = verdict(infected);
    expect(exempt(seen, []).verdict).toBe(seen);
  });
});

test.each([
  [{ sender: "*@example.org" }, { sender: "A@Example.org", group: "default" }, true],
  [{ sender: "*@example.org" }, { sender: "a@example.net", group: "default" }, false],
  [{ sender: "<>" }, { sender: "", group: "default" }, true],
  [{ sender: "<>" }, { sender: "a@b", group: "default" }, false],
  [{ group: "sales" }, { sender: "a@b", group: "sales" }, true],
  [{ group: "sales" }, { sender: "a@b", group: "default" }, false],
  [{ group: "sales", sender: "x@b" }, { sender: "a@b", group: "sales" }, false],
] as const)("exemptionsFor() of %j for %j: %p", (about, place, isFor) => {
  const all = [exemption({ signature: "Gw.A", ...about })];
  expect(exemptionsFor(all, place)).toHaveLength(isFor ? 1 : 0);
});

describe("Policy", () => {
  const policy = new Policy(
    config(
      [
        { name: "free", to: ["free@example.org"], check: false },
        { name: "sales", to: ["sales@example.org"], infected: "block" },
      ],
      [{ name: "programs", names: ["*.exe"], action: "reject" }],
    ),
    maskParts(),
  );
  const shares = policy.split({
    sender: "a@b",
    recipients: ["free@example.org", "sales@example.org", "x@y"].map((address) => ({ address })),
  });
  const decided = (seen: ReturnType<typeof verdict>, exemptions: readonly Exemption[] = []) =>
    policy
      .decide({ verdict: seen, sender: "a@b", shares, exemptions: () => exemptions })
      .map(({ disposition }) => disposition.kind);

  test("decides for each group by its own rules", () => {
    expect(decided(verdict(infected))).toEqual(["deliver", "block", "quarantine"]);
  });

  test("bypasses a group without a scan, filters included", () => {
    const seen = verdict(object("clean"), object("clean", { name: "a.exe" }));
    expect(decided(seen)).toEqual(["deliver", "reject", "reject"]);
  });

  test("lets an exemption by content past filters as well, for its group only", () => {
    const seen = verdict(object("clean"), object("clean", { name: "a.exe", hash: HASH }));
    expect(decided(seen, [exemption({ hash: HASH })])).toEqual(["deliver", "deliver", "deliver"]);
    const mine = exemption({ hash: HASH, group: "sales" });
    expect(decided(seen, [mine])).toEqual(["deliver", "deliver", "reject"]);
  });

  test("does not ask for exemptions while nothing was seen", () => {
    const exemptions = () => {
      throw new Error("asked");
    };
    const seen = verdict(object("clean"));
    expect(policy.decide({ verdict: seen, sender: "", shares, exemptions })).toHaveLength(3);
  });
});
