import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Groups } from "../../src/policy/groups.ts";
import { config, maskParts } from "./samples.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-groups-"));
afterAll(() => rmSync(folder, { recursive: true }));

function groupsOf(groups: Groups, sender: string, ...addresses: string[]) {
  const recipients = addresses.map((address) => ({ address }));
  return groups
    .split({ sender, recipients })
    .map((share) => [share.group.name, ...share.recipients.map(({ address }) => address)]);
}

describe("split()", () => {
  const groups = new Groups(
    config([
      { name: "boss", to: ["boss@example.org"] },
      { name: "partner", from: ["*@partner.example", "<>"], to: ["*@example.org"] },
      { name: "team", to: ["*@example.org", "t??@*.example.net", "*@bücher.example"] },
    ]),
    maskParts(),
  );

  test.each([
    ["boss@example.org", "boss"],
    ["BOSS@Example.ORG", "boss"],
    ["a@example.org", "team"],
    ["tim@mail.example.net", "team"],
    ["tina@mail.example.net", "default"],
    ["a@xn--bcher-kva.example", "team"],
    ["a@BÜCHER.example", "team"],
    ["a@sub.example.org", "default"],
    ["a@example.org.evil", "default"],
  ])("puts %s into %s", (address, name) => {
    expect(groupsOf(groups, "x@other.example", address)).toEqual([[name, address]]);
  });

  test("lets the first group win whose sender and recipient both match", () => {
    expect(groupsOf(groups, "x@partner.example", "a@example.org")[0]?.[0]).toBe("partner");
    expect(groupsOf(groups, "", "a@example.org")[0]?.[0]).toBe("partner");
    expect(groupsOf(groups, "x@partner.example", "boss@example.org")[0]?.[0]).toBe("boss");
  });

  test("gives each group its recipients once, in the envelope's order", () => {
    const shares = groupsOf(
      groups,
      "x@y.example",
      "a@example.org",
      "z@z",
      "boss@example.org",
      "b@z",
    );
    expect(shares).toEqual([
      ["team", "a@example.org"],
      ["default", "z@z", "b@z"],
      ["boss", "boss@example.org"],
    ]);
  });

  test("a group inherits from the default group what it does not say", () => {
    const own = new Groups(config([{ name: "a", to: ["*"], infected: "block" }]), maskParts());
    const [share] = own.split({ sender: "", recipients: [{ address: "x@y" }] });
    expect(share?.group.rules).toMatchObject({ infected: "block", damaged: "quarantine" });
  });
});

describe("list files", () => {
  const file = join(folder, "list");
  const isIn = (groups: Groups, address: string) => groupsOf(groups, "", address)[0]?.[0] === "g";

  test("are read again when they change, and hold on when they go bad", () => {
    writeFileSync(file, "# ours\na@example.org\r\n*@b.example\n");
    const parts = maskParts();
    const groups = new Groups(config([{ name: "g", to: [`file:${file}`] }]), parts);
    expect(["a@example.org", "x@b.example", "x@c.example"].map((one) => isIn(groups, one))).toEqual(
      [true, true, false],
    );
    writeFileSync(file, "*@c.example\n*@d.example\n");
    expect(isIn(groups, "x@c.example")).toBe(false);
    parts.clock.at += 1000;
    expect(isIn(groups, "x@c.example")).toBe(true);
    expect(isIn(groups, "x@b.example")).toBe(false);
    writeFileSync(file, "this is no mask of addresses at all\n");
    parts.clock.at += 1000;
    expect(isIn(groups, "x@c.example")).toBe(true);
    rmSync(file);
    parts.clock.at += 1000;
    expect(isIn(groups, "x@c.example")).toBe(true);
  });

  test("that are missing are an error at the start", () => {
    const missing = config([{ name: "g", to: [`file:${folder}/none`] }]);
    expect(() => new Groups(missing, maskParts())).toThrow("none");
  });
});
