// Calls of groups, as of subroutines: (?1), (?-1), (?R), (?&name), \g<name> and their like.
import type { Node } from "../syntax.ts";
import type { Reading } from "./reading.ts";

/** Reads what is called, and `end` behind it. */
export function readCall(reading: Reading, end: string): Node {
  const number = reading.eatMatch(/[+-]?\d{1,9}/y);
  if (number === "") return callByName(reading, reading.takeName(end));
  if (!reading.eat(end)) reading.fail("the call of a group is malformed");
  const value = Number.parseInt(number, 10);
  let group = value;
  if (number.startsWith("-")) group = reading.groupCount + 1 + value;
  if (number.startsWith("+")) group = reading.groupCount + value;
  // A sign needs a number behind it that leads to a group.
  if (group < 0 || (value === 0 && number !== "0")) reading.fail("the call leads to no group");
  reading.expectGroup(group);
  return { kind: "call", group };
}

/** A call of the first group of that name, which may stand further on. */
export function callByName(reading: Reading, name: string): Node {
  const call = { kind: "call" as const, group: 0 };
  reading.whenNamed(name, (groups) => {
    call.group = groups[0] ?? 0;
  });
  return call;
}
