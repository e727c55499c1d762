import { expect, test } from "bun:test";
import { explodeAr } from "../../../src/unpack/archive/ar.ts";
import { explodeRpm } from "../../../src/unpack/archive/rpm.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import { arMember as member, rpmHeader } from "./build-unix.ts";

function unar(...members: readonly string[]) {
  const bytes = Buffer.from(`!<arch>\n${members.join("")}`, "latin1");
  const found = drain(explodeAr(bytes, budgetOf()));
  const files = found.extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status: found.status, note: found.note, files };
}

test("explodeAr() reads a Debian package", () => {
  const found = unar(
    member("debian-binary", "2.0\n"),
    member("control.tar", "odd"),
    member("x/", "y"),
  );
  const files = [
    ["debian-binary", "2.0\n"],
    ["control.tar", "odd"],
    ["x", "y"],
  ];
  expect(found).toEqual({ status: "clean", note: "", files });
});

test("explodeAr() reads the long names of GNU and of BSD", () => {
  const names = "a-name-that-is-rather-long.o/\nanother-long-name.exe/\n";
  const bsd = "a-name-in-the-data.o\0\0content";
  const found = unar(
    member("//", names),
    member("/30", "two"),
    member("/0", "one"),
    member("#1/22", bsd),
    member("/", "symbol table"),
  );
  expect(found.files).toEqual([
    ["another-long-name.exe", "two"],
    ["a-name-that-is-rather-long.o", "one"],
    ["a-name-in-the-data.o", "content"],
    ["symbols", "symbol table"],
  ]);
  expect(found.status).toBe("clean");
});

test.each<[string, string[]]>([
  ["a member that is cut short", [member("a", "content", 99)]],
  ["a header that is broken", [member("a", "bb"), "no header at all"]],
  ["a size that is none", [member("a", "b").replace("1         `", "-1        `")]],
])("explodeAr() of %s is damaged", (_, members) => {
  expect(unar(...members).status).toBe("damaged");
});

function unrpm(bytes: Buffer) {
  const { status, extracts } = drain(explodeRpm(bytes, budgetOf()));
  return [status, ...extracts.map(({ name, bytes: content }) => `${name}: ${textOf(content)}`)];
}

test("explodeRpm() gives the payload, wherever the headers end", () => {
  const lead = Buffer.alloc(96);
  const signature = rpmHeader(2, "odd");
  const padding = Buffer.alloc(5);
  const main = rpmHeader(3, "seven..");
  const whole = Buffer.concat([lead, signature, padding, main, Buffer.from("the payload")]);
  expect(unrpm(whole)).toEqual(["clean", "payload: the payload"]);
  expect(unrpm(Buffer.concat([lead, signature, padding, main]))).toEqual(["damaged"]);
  expect(unrpm(Buffer.concat([lead, signature, main, Buffer.from("x")]))).toEqual(["damaged"]);
  const endless = Buffer.from(signature);
  endless.writeUInt32BE(0xffffffff, 8);
  expect(unrpm(Buffer.concat([lead, endless, main]))).toEqual(["damaged"]);
});
