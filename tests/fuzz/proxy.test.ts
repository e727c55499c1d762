// Broken PROXY headers from a fixed seed: reading them must not throw, and what is told must not
// depend on how the bytes arrive.
import { expect, test } from "bun:test";
import { isIP } from "node:net";
import { PROXY_HEADER_MAX, parseProxyHeader } from "../../src/inbound/proxy/header.ts";
import { proxyV2 } from "../harness/proxy-v2.ts";
import { mutated, random } from "./mutate.ts";

const SEED = 20_261_123;
// A long run is started by hand: GW_FUZZ_ROUNDS=1000000 bun test tests/fuzz/proxy.test.ts
const ROUNDS = Number(process.env["GW_FUZZ_ROUNDS"] ?? 5000);
const SAMPLES = [
  Buffer.from("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n"),
  Buffer.from("PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n"),
  Buffer.from("PROXY UNKNOWN\r\n"),
  proxyV2({ address: "192.0.2.1", port: 4711 }),
  proxyV2({ address: "2001:db8::1", port: 4711, more: Buffer.alloc(40, 3) }),
  proxyV2({ address: "192.0.2.1", port: 1, command: 0 }),
];
const WORDS = ["PROXY ", "TCP4 ", " ", "\r\n", "::", "255.255.255.255", "99999", "\0", "\x21\x11"];

test("parseProxyHeader() takes nothing but addresses from broken headers", () => {
  const next = random(SEED);
  const kinds = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const sample = SAMPLES[round % SAMPLES.length] ?? Buffer.alloc(0);
    const bytes = mutated(sample, WORDS, next);
    const header = parseProxyHeader(bytes);
    kinds.add(header.kind);
    if (header.kind === "partial") {
      expect(bytes.length).toBeLessThan(PROXY_HEADER_MAX);
      continue;
    }
    if (header.kind === "wrong") continue;
    expect(header.length).toBeLessThanOrEqual(bytes.length);
    if (header.client !== undefined) {
      expect(isIP(header.client.address)).not.toBe(0);
      expect(header.client.port).toBeLessThanOrEqual(65_535);
    }
    // Any shorter piece waits, and any longer one tells the same.
    const piece = bytes.subarray(0, next(header.length));
    expect(parseProxyHeader(piece).kind).toBe("partial");
    const longer = Buffer.concat([bytes, Buffer.from("EHLO x\r\n")]);
    expect(parseProxyHeader(longer)).toEqual(header);
  }
  expect([...kinds].sort()).toEqual(["partial", "whole", "wrong"]);
});
