import { describe, expect, test } from "bun:test";
import { allCommands, CATALOGUE, isGroup } from "../../src/cli/catalogue.ts";
import { CliError } from "../../src/cli/command.ts";
import { explain, run } from "../../src/cli/program.ts";
import { ConfigError } from "../../src/config/file/text-file.ts";
import { fakeTerminal } from "./fake-terminal.ts";

async function tell(...args: string[]) {
  const terminal = fakeTerminal();
  const code = await run(args, terminal);
  return { code, ...terminal.printed };
}

const ENTRIES = Object.entries(allCommands()).flatMap(([name, item]) =>
  isGroup(item)
    ? Object.entries(item.verbs).map(([verb, entry]) => [`${name} ${verb}`, entry] as const)
    : [[name, item] as const],
);

describe("help", () => {
  test("of the program names every command, its example, and exits 0", async () => {
    const { code, out } = await tell("--help");
    expect(code).toBe(0);
    for (const name of Object.keys(allCommands())) expect(out).toContain(`\n  ${name} `);
    for (const heading of Object.keys(CATALOGUE)) expect(out).toContain(`\n${heading}\n`);
    expect(out).toContain("Example: gw ");
  });

  test("without a command goes to standard error and exits 2", async () => {
    expect(await tell()).toMatchObject({ code: 2, out: "" });
    expect(await tell("queue")).toMatchObject({ code: 2, out: "" });
  });

  test.each(ENTRIES)("of gw %s has a line, its options and an example", async (name, entry) => {
    const { code, out } = await tell(...name.split(" "), "--help");
    expect(code).toBe(0);
    expect(out).toStartWith(`gw ${name}: ${entry.summary}.\n`);
    const options = Object.keys((await entry.load()).args);
    for (const option of options) expect(out).toMatch(new RegExp(`\n  --${option}( \\S+)? +\\S`));
    expect(out).toEndWith(`\nExample: ${entry.example}\n`);
    expect(entry.example).toStartWith(`gw ${name}`);
  });

  test("keeps lines within 100 columns", async () => {
    const texts = await Promise.all(ENTRIES.map(([name]) => tell(...name.split(" "), "--help")));
    const lines = [...texts, await tell("--help")].flatMap(({ out }) => out.split("\n"));
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
  });
});

describe("what is not known", () => {
  test.each([
    [["scna"], "unknown command: gw scna; did you mean gw scan?"],
    [["queue", "lst"], "unknown command: gw queue lst; did you mean gw queue list?"],
    [["frobnicate"], "unknown command: gw frobnicate; see `gw --help`"],
    [["toString"], "unknown command: gw toString"],
    [["--verbose"], "unknown option --verbose"],
    [["config", "check", "--fiel", "x"], "unknown option --fiel (see `gw config check --help`)"],
    [["queue", "list", "--recipent", "x"], "unknown option --recipent; did you mean --recipient?"],
    [["\u001b[31m"], "unknown command: gw \\u{1b}[31m"],
  ])("%p is an error that helps", async (args, message) => {
    await expect(tell(...args)).rejects.toThrow(message);
    await expect(tell(...args)).rejects.toBeInstanceOf(CliError);
  });
});

describe("explain()", () => {
  test("gives an error of ours in one line, a configuration's problems as they are", () => {
    expect(explain(new CliError("no file"))).toBe("gw: no file\n");
    expect(explain(new ConfigError("a.toml:1:1: bad\na.toml:2:1: bad"))).toBe(
      "a.toml:1:1: bad\na.toml:2:1: bad\n",
    );
  });

  test("gives an error of the system in one line without control characters", () => {
    const error = Object.assign(new Error("EACCES: '/tmp/\u001b[31m'"), { syscall: "open" });
    expect(explain(error)).toBe("gw: EACCES: '/tmp/\\u{1b}[31m'\n");
  });

  test("shows a bug with its stack", () => {
    expect(explain(new TypeError("x is undefined"))).toMatch(/^gw: unexpected error.*\n +at /s);
    expect(explain("thrown text")).toBe("gw: thrown text\n");
  });
});
