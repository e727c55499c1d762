import { expect, test } from "bun:test";
import { parseForwarded } from "../../../src/inbound/proxy/forwarded.ts";

test.each([
  ["XFORWARD ADDR=192.0.2.1", { address: "192.0.2.1" }],
  ["XFORWARD addr=IPv6:2001:db8::1 PORT=25", { address: "2001:db8::1", port: 25 }],
  ["XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.1 HELO=a+2Bb", { address: "192.0.2.1", helo: "a+b" }],
  ["XFORWARD PROTO=ESMTP SOURCE=REMOTE IDENT=1", {}],
  ["XFORWARD ADDR=[UNAVAILABLE]", {}],
  ["XFORWARD", undefined],
  ["XFORWARD ADDR=nonsense", undefined],
  ["XFORWARD LOGIN=x", undefined],
  ["XFORWARD ADDR", undefined],
  ["XFORWARD PORT=70000", undefined],
  ["XFORWARD HELO=a+0D+0Ab", undefined],
  [`XFORWARD HELO=${"a".repeat(256)}`, undefined],
] as const)("parseForwarded(%j)", (line, expected) => {
  expect<unknown>(parseForwarded(line)).toEqual(expected);
});
