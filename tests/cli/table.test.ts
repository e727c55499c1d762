import { expect, test } from "bun:test";
import { drawTable, showRecipients, showSender, showTime } from "../../src/cli/view/table.ts";
import { fakeTerminal } from "./fake-terminal.ts";

test("drawTable() aligns columns, cuts long cells and makes hostile text harmless", () => {
  const columns = [{ title: "ID" }, { title: "WHO", max: 6 }, { title: "SUBJECT" }];
  const rows = [
    ["1", "someone@example.org", "hi\u001b[31m"],
    ["1234", "me", ""],
  ];
  expect(drawTable(fakeTerminal(), columns, rows)).toBe(
    "ID    WHO     SUBJECT\n1     someo…  hi\\u{1b}[31m\n1234  me\n",
  );
});

test.each([
  [["a@x"], 1, "a@x"],
  [["a@x", "b@x"], 12, "a@x +11"],
  [[], 0, ""],
])("showRecipients(%p, %p) is %p", (addresses, total, text) => {
  expect(showRecipients(addresses, total)).toBe(text);
});

test("the null sender is shown as such", () => {
  expect(showSender("")).toBe("<>");
});

test("showTime() is a sortable time, and no error for nonsense", () => {
  expect(showTime(Date.UTC(2026, 10, 22, 12))).toMatch(/^2026-11-2\d \d\d:00:00$/);
  expect(showTime(Number.NaN)).toBe("?");
});
