import { describe, expect, test } from "bun:test";
import { withSetting } from "../../../src/config/file/edit.ts";

const workers = { container: "scan", name: "workers" };

describe("withSetting()", () => {
  test.each([
    ["a value", "[scan]\nworkers = 1 # two\n", "[scan]\nworkers = 4 # two\n"],
    ["a value without a line end", "[scan]\nworkers=1", "[scan]\nworkers=4"],
    [
      "a value of several lines",
      "[scan]\nworkers = [ # x\n 1,\n]\nb = 1\n",
      "[scan]\nworkers = 4\nb = 1\n",
    ],
    ["a text of several lines", '[scan]\nworkers = """\n[a]\n"""\n', "[scan]\nworkers = 4\n"],
    ["a dotted key", "scan.workers = 1\nscan.b = 2\n", "scan.workers = 4\nscan.b = 2\n"],
    ["an inline table", "scan = { workers = 1, b = 2 }\n", "scan = { workers = 4, b = 2 }\n"],
    ["CRLF", "[scan]\r\nb = 1\r\n", "[scan]\r\nb = 1\r\nworkers = 4\r\n"],
    ["no such section", "[log]\na = 1\n", "[log]\na = 1\n\n[scan]\nworkers = 4\n"],
    ["no text", "", "[scan]\nworkers = 4\n"],
    ["an empty section", "[scan]\n[log]\na = 1\n", "[scan]\nworkers = 4\n[log]\na = 1\n"],
    [
      "a section that ends in comments about the next one",
      "[scan]\na = 1\n\n# the log\n[log]\nb = 1\n",
      "[scan]\na = 1\nworkers = 4\n\n# the log\n[log]\nb = 1\n",
    ],
    [
      "its default as a comment",
      "[scan]\n# Threads.\n#workers = 0\n\n# Time.\n#timeout = 1\n[log]\n",
      "[scan]\n# Threads.\n#workers = 0\nworkers = 4\n\n# Time.\n#timeout = 1\n[log]\n",
    ],
    ["a section without a line end", "[scan]\na = 1", "[scan]\na = 1\nworkers = 4\n"],
  ])("changes only that setting: %s", (_, before, after) => {
    expect(withSetting(before, workers, 4, "4")).toBe(after);
  });

  test("finds the right one of several tables", () => {
    const text = '[[group]]\nname = "a"\n[[group]]\nname = "b" # B\n[log]\nx = 1\n';
    const spot = { container: "group[1]", name: "check" };
    expect(withSetting(text, spot, false, "false")).toBe(
      '[[group]]\nname = "a"\n[[group]]\nname = "b" # B\ncheck = false\n[log]\nx = 1\n',
    );
  });

  test.each([
    ["dotted keys", "scan.b = 1\n"],
    ["an inline table", "scan = { b = 1 }\n"],
    ["no TOML", "[scan\n"],
    ["a value where the section should be", "scan = 1\n"],
  ])("says no where there is no room that is surely right: %s", (_, text) => {
    expect(withSetting(text, workers, 4, "4")).toBeUndefined();
  });
});
