import { expect, test } from "bun:test";
import { explodeShellLink } from "../../../src/unpack/script/shell-link.ts";
import { explodeShortcutText } from "../../../src/unpack/script/shortcut-text.ts";
import { budgetOf, drain, textOf } from "../../harness/extracts.ts";
import {
  address,
  drive,
  environment,
  file,
  type LinkParts,
  localInfo,
  networkInfo,
  shellLink,
} from "./build-link.ts";

function open(bytes: Uint8Array) {
  const { status, extracts } = drain(explodeShellLink(bytes, budgetOf()));
  return { status, files: extracts.map((one) => [one.name, Buffer.from(one.bytes).toString()]) };
}
const linesOf = (parts: LinkParts) => open(shellLink(parts)).files[0]?.[1]?.split("\n");

test.each<[string, LinkParts, string]>([
  [
    "the target in its items",
    { items: [drive("C"), file("WINDOWS"), file("cmd.exe")] },
    "target: C:\\WINDOWS\\cmd.exe",
  ],
  [
    "long names",
    { items: [drive("C"), file("INVOIC~1.EXE", "Invoice für Sie.exe")] },
    "target: C:\\Invoice für Sie.exe",
  ],
  [
    "an address",
    { items: [address("https://x.example/a.hta")] },
    "target: https://x.example/a.hta",
  ],
  ["a path on a disk", { info: localInfo("C:\\a.exe") }, "local path: C:\\a.exe"],
  [
    "a path on a share",
    { info: networkInfo("\\\\x@SSL\\d", "a.exe") },
    "network path: \\\\x@SSL\\d\\a.exe",
  ],
  ["a name", { name: "Invoice" }, "name: Invoice"],
  ["a relative path", { relativePath: "..\\a.exe" }, "relative path: ..\\a.exe"],
  ["a working directory", { workingDirectory: "%TEMP%" }, "working directory: %TEMP%"],
  ["arguments", { args: "/c  calc\t& exit" }, "arguments: /c calc & exit"],
  ["arguments without carets", { args: '/c p^o"we"rshell' }, "command: /c powershell"],
  ["an icon", { icon: "\\\\x\\a.ico" }, "icon: \\\\x\\a.ico"],
  ["ANSI strings", { args: "/k é", isAnsi: true }, "arguments: /k é"],
  [
    "a target from the environment",
    { blocks: [environment("%comspec%")] },
    "target from environment: %comspec%",
  ],
  ["a window that does not show", { show: 7, args: "x" }, "window: minimised"],
  [
    "white space that hides a command",
    { args: `a${" ".repeat(300)}b` },
    "padding: the arguments hold 300 blanks in a row, which hides the rest",
  ],
])("explodeShellLink() tells %s", (_, parts, line) => {
  expect(linesOf(parts)).toContain(line);
});

test("explodeShellLink() gives what stands behind the shortcut, but not padding", () => {
  const link = shellLink({ args: "x", blocks: [environment("a")] });
  expect(open(link)).toMatchObject({ status: "clean", files: [["shortcut", expect.any(String)]] });
  expect(open(Buffer.concat([link, Buffer.alloc(50)])).files.length).toBe(1);
  const overlay = open(Buffer.concat([link, Buffer.from("MZ program")]));
  expect(overlay.files[1]).toEqual(["data behind the shortcut", "MZ program"]);
});

test("explodeShellLink() calls a cut shortcut damaged and tells what is there", () => {
  const link = shellLink({ items: [drive("C"), file("a.exe")], args: "/c something long" });
  const cut = open(link.subarray(0, -20));
  expect(cut.status).toBe("damaged");
  expect(cut.files[0]?.[1]).toContain("C:\\a.exe");
  expect(open(link.subarray(0, 40)).status).toBe("damaged");
});

const textLines = (text: string) =>
  drain(explodeShortcutText(Buffer.from(text, "latin1"), budgetOf())).extracts.map(({ bytes }) =>
    textOf(bytes),
  );

test.each<[string, string, string]>([
  [
    "Internet shortcuts",
    "[InternetShortcut]\r\nURL=file://x/a.%65xe\r\nIconFile=\\\\x\\a.ico\r\nIconIndex=1\r\n",
    "url: file://x/a.exe\nicon: \\\\x\\a.ico\n",
  ],
  ["sections in any case", "junk\n [INTERNETSHORTCUT]\n url = http://x/ \n", "url: http://x/\n"],
  [
    "Explorer commands",
    "[Shell]\nCommand=2\nIconFile=\\\\x\\i.ico\n[Taskbar]\nCommand=ToggleDesktop",
    "command: 2\nicon: \\\\x\\i.ico\ncommand: ToggleDesktop\n",
  ],
  [
    "libraries",
    '<?xml version="1.0"?><libraryDescription xmlns="x"><url>\\\\x\\a&amp;b</url></libraryDescription>',
    "url: \\\\x\\a&b\n",
  ],
])("explodeShortcutText() tells where %s lead", (_, text, lines) => {
  expect(textLines(text)).toEqual([lines]);
});

test("explodeShortcutText() says nothing about other text", () => {
  expect(textLines("URL=http://x/\n[Section]\n")).toEqual([]);
  expect(textLines("the [InternetShortcut] section")).toEqual([]);
});
