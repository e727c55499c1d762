import { describe, expect, test } from "bun:test";
import { PROXY_HEADER_MAX, parseProxyHeader } from "../../../src/inbound/proxy/header.ts";
import { proxyV2 } from "../../harness/proxy-v2.ts";

const whole = (length: number, address?: string, port?: number) =>
  address === undefined
    ? { kind: "whole", length }
    : { kind: "whole", length, client: { address, port } };

describe("version 1", () => {
  test.each([
    ["PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n", whole(44, "192.0.2.1", 56324)],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO x\r\n", whole(44, "192.0.2.1", 56324)],
    ["PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n", whole(41, "2001:db8::1", 1)],
    ["PROXY UNKNOWN\r\n", whole(15)],
    ["PROXY UNKNOWN ffff:: ::1 1 2\r\n", whole(30)],
    ["", { kind: "partial" }],
    ["P", { kind: "partial" }],
    ["PROXY TCP4 192.0.2.1", { kind: "partial" }],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\n", { kind: "partial" }],
    ["EHLO client\r\n", { kind: "wrong", reason: "no PROXY header" }],
    ["PROXX", { kind: "wrong", reason: "no PROXY header" }],
    ["PROXY TCP4 192.0.2.300 198.51.100.1 1 25\r\n", { kind: "wrong", reason: "bad address" }],
    ["PROXY TCP4 ::1 ::1 1 25\r\n", { kind: "wrong", reason: "bad address" }],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 70000 25\r\n", { kind: "wrong", reason: "bad port" }],
    ["PROXY TCP4 192.0.2.1 198.51.100.1 1 25 x\r\n", { kind: "wrong", reason: "too many fields" }],
    ["PROXY TCP4  192.0.2.1 198.51.100.1 1 25\r\n", { kind: "wrong", reason: "bad address" }],
    ["PROXY UDP4 192.0.2.1 198.51.100.1 1 25\r\n", { kind: "wrong", reason: "unknown family" }],
    [`PROXY TCP4 ${"1".repeat(100)}`, { kind: "wrong", reason: "line too long" }],
  ] as const)("parseProxyHeader(%j)", (text, expected) => {
    expect<unknown>(parseProxyHeader(Buffer.from(text, "latin1"))).toEqual(expected);
  });
});

describe("version 2", () => {
  test("names a client over IPv4 and over IPv6", () => {
    const four = proxyV2({ address: "192.0.2.1", port: 4711 });
    expect<unknown>(parseProxyHeader(four)).toEqual(whole(28, "192.0.2.1", 4711));
    const six = parseProxyHeader(proxyV2({ address: "2001:db8:0:0:0:0:0:1", port: 25 }));
    expect<unknown>(six).toEqual(whole(52, "2001:db8:0:0:0:0:0:1", 25));
  });

  test("passes over fields behind the addresses and bytes behind the header", () => {
    const more = Buffer.alloc(300, 7);
    const bytes = proxyV2({ address: "192.0.2.1", port: 4711, more });
    const behind = Buffer.concat([bytes, Buffer.from("EHLO x\r\n")]);
    expect<unknown>(parseProxyHeader(behind)).toEqual(whole(328, "192.0.2.1", 4711));
  });

  test("LOCAL and unspecified families name nobody", () => {
    const local = proxyV2({ address: "192.0.2.1", port: 1, command: 0 });
    expect<unknown>(parseProxyHeader(local)).toEqual(whole(28));
    const unspecified = proxyV2({ address: "192.0.2.1", port: 1, family: 0 });
    expect<unknown>(parseProxyHeader(unspecified)).toEqual(whole(28));
  });

  test.each([
    ["another version", { version: 3 }, "unknown version"],
    ["another command", { command: 2 }, "unknown command"],
    ["a block that is too short", { family: 0x21 }, "too short for its family"],
  ])("refuses %s", (_, change, reason) => {
    const bytes = proxyV2({ address: "192.0.2.1", port: 1, ...change });
    expect<unknown>(parseProxyHeader(bytes)).toEqual({ kind: "wrong", reason });
  });

  test("waits for every byte, and not for more than is allowed", () => {
    const bytes = proxyV2({ address: "2001:db8::1", port: 1 });
    for (let length = 0; length < bytes.length; length++) {
      expect(parseProxyHeader(bytes.subarray(0, length)).kind).toBe("partial");
    }
    const long = proxyV2({ address: "192.0.2.1", port: 1, more: Buffer.alloc(PROXY_HEADER_MAX) });
    expect<unknown>(parseProxyHeader(long)).toEqual({ kind: "wrong", reason: "header too long" });
  });
});
