import { expect, test } from "bun:test";
import { updateApart } from "../../../src/pipeline/update/apart.ts";

/** A program that prints what it is given, and ends with a code. */
function program(out: string, err: string, code: number): readonly string[] {
  const script = `printf %s '${out}'; printf %s '${err}' >&2; exit ${code}; #`;
  return ["/bin/sh", "-c", script];
}

const ORDER = { configFile: "/nowhere/gw.toml", feeds: ["a"] };
const signal = new AbortController().signal;
const report = { at: 1, outcomes: [{ feed: "a", kind: "current" }] };

test.each([
  ["its report", program(JSON.stringify(report), "", 0), { kind: "done", report }],
  [
    "that another one is under way",
    program('{"error":{"kind":"refused","message":"later"}}', "gw: later\n", 10),
    { kind: "busy", cause: "gw: later" },
  ],
  [
    "what stops it",
    program('{"error":{"kind":"invalid","message":"no"}}', "gw: no\n", 75),
    { kind: "failed", cause: "gw: no" },
  ],
  [
    "a complaint alone",
    program("", "gw.toml:3: no\n", 75),
    { kind: "failed", cause: "gw.toml:3: no" },
  ],
  ["nothing", program("", "", 3), { kind: "failed", cause: "gw update ended with 3" }],
  ["something else", program("[1]", "", 0), { kind: "failed", cause: "gw update ended with 0" }],
  ["null", program("null", "", 0), { kind: "failed", cause: "gw update ended with 0" }],
])("updateApart() takes %s for an answer", async (_what, command, end) => {
  expect(await updateApart({ ...ORDER, signal }, command)).toEqual(end as never);
});

test("updateApart() says that there is no process to be had", async () => {
  const end = await updateApart({ ...ORDER, signal }, ["/nowhere/gw"]);
  expect(end.kind).toBe("no process");
});

test("updateApart() ends the process when it is told to", async () => {
  const stopping = new AbortController();
  const end = updateApart({ ...ORDER, signal: stopping.signal }, [
    "/bin/sh",
    "-c",
    "exec sleep 600; #",
  ]);
  stopping.abort();
  expect((await end).kind).toBe("failed");
});
