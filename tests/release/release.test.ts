// What is published beside an executable: the list of its parts, and the Debian package.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type DebianControl, debianPackage, tar } from "../../release/debian.ts";
import { licenseTexts, partsOf, sbomOf } from "../../release/sbom.ts";

const PARTS = partsOf(JSON.parse(readFileSync("package-lock.json", "utf8")));
const PRODUCT = { name: "gw", version: "1.2.3", license: "Apache-2.0", sha256: "ab".repeat(32) };

describe("the list of parts", () => {
  const sbom = sbomOf(PRODUCT, PARTS);

  test("names what gw is made of, with the runtime, and no tools of development", () => {
    const names = PARTS.map(({ name }) => name);
    for (const name of ["bun", "smtp-server", "nodemailer", "mailauth"])
      expect(names).toContain(name);
    for (const name of ["typescript", "@biomejs/biome"]) expect(names).not.toContain(name);
  });

  test("gives each part a version, a licence and a reference of its own", () => {
    for (const { version, license } of PARTS) expect([version, license]).not.toContain("");
    const references = sbom.components.map((component) => component["bom-ref"]);
    expect(new Set(references).size).toBe(PARTS.length);
    expect(sbom.dependencies[0]?.dependsOn).toEqual(references);
  });

  test("has the fields that CycloneDX 1.6 asks for, in its spelling", () => {
    expect(sbom).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 });
    for (const { type, name, hashes, purl, licenses } of sbom.components) {
      expect(["library", "platform"]).toContain(type);
      expect(purl).toMatch(/^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@\d/);
      expect(name).not.toBe("");
      for (const { content } of hashes || []) expect(content).toMatch(/^[0-9a-f]{128}$/);
      for (const each of licenses) {
        const text = "license" in each ? each.license.id : each.expression;
        expect(text).toMatch("license" in each ? /^[\w.+-]+$/ : /[ (]/);
      }
    }
  });

  test("is the same every time", () => {
    expect(JSON.stringify(sbomOf(PRODUCT, PARTS))).toBe(JSON.stringify(sbom));
  });

  test("goes with the licence texts", () => {
    const texts = licenseTexts(PARTS);
    for (const { name } of PARTS) expect(texts).toContain(`==== ${name} `);
    expect(texts).toContain("Permission is hereby granted, free of charge");
  });
});

describe("the Debian package", () => {
  const control: DebianControl = {
    name: "gw",
    version: "1.2.3",
    architecture: "amd64",
    maintainer: "a <a@example.org>",
    summary: "short",
    description: "long\n\nlonger",
    scripts: { postinst: "#!/bin/sh\n" },
  };
  const files = [
    { path: "/usr/bin/gw", mode: 0o755, content: "odd" },
    { path: "/etc/gw.conf", mode: 0o644, content: "x".repeat(512) },
  ];
  const made = debianPackage(control, files);

  // Members of an ar archive, by name.
  function members(bytes: Buffer) {
    const found = new Map<string, Buffer>();
    for (let at = 8; at < bytes.length; ) {
      const header = bytes.toString("latin1", at, at + 60);
      const size = Number(header.slice(48, 58));
      found.set(header.slice(0, 16).trim(), bytes.subarray(at + 60, at + 60 + size));
      at += 60 + size + (size % 2);
    }
    return found;
  }

  test("has its three members in their order", () => {
    const names = [...members(made).keys()];
    expect(names).toEqual(["debian-binary", "control.tar.gz", "data.tar.gz"]);
    expect(members(made).get("debian-binary")?.toString()).toBe("2.0\n");
  });

  test("says what it is, and which files are configuration", () => {
    const about = gunzipSync(members(made).get("control.tar.gz") ?? "").toString("latin1");
    expect(about).toContain("Package: gw\nVersion: 1.2.3\nArchitecture: amd64\n");
    expect(about).toContain("Description: short\n long\n .\n longer\n");
    expect(about).toContain("/etc/gw.conf\n");
  });

  test("is the same every time", () => {
    expect(debianPackage(control, files).equals(made)).toBe(true);
  });

  test("tar() pads to blocks, and makes the folders above a file once", () => {
    const archive = tar(files);
    expect(archive.length % 512).toBe(0);
    const names = ["./", "./usr/", "./usr/bin/", "./usr/bin/gw", "./etc/", "./etc/gw.conf"];
    const found = [...Array(archive.length / 512).keys()]
      .filter(
        (block) => archive.toString("latin1", block * 512 + 257, block * 512 + 262) === "ustar",
      )
      .map((block) =>
        archive.toString("latin1", block * 512, block * 512 + 100).replace(/\0+$/, ""),
      );
    expect(found).toEqual(names);
  });

  test("tar() refuses names that the format has no room for", () => {
    const long = { path: `/${"x".repeat(120)}`, mode: 0o644, content: "" };
    expect(() => tar([long])).toThrow("too long a name");
  });
});
