// Writes headers of the PROXY protocol, version 2, right ones and wrong ones.
import { isIPv4 } from "node:net";

/** What a header says. */
export interface ProxyV2 {
  readonly address: string;
  readonly port: number;
  readonly version?: number;
  /** 0: LOCAL, 1: PROXY. */
  readonly command?: number;
  /** 0x11 and 0x21 are TCP over IPv4 and IPv6. */
  readonly family?: number;
  /** Fields behind the addresses. */
  readonly more?: Uint8Array;
}

function bytesOfAddress(address: string): number[] {
  if (isIPv4(address)) return address.split(".").map(Number);
  const [head = "", tail = ""] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((g) => parseInt(g, 16)));
  const zeros = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...new Array<number>(zeros).fill(0), ...groups(tail)];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

/** The header as bytes. */
export function proxyV2(header: ProxyV2): Buffer {
  const { address, port, version = 2, command = 1, more = new Uint8Array() } = header;
  const source = bytesOfAddress(address);
  const target = source.map(() => 1);
  const ports = [port >> 8, port & 0xff, 0, 25];
  const block = [...source, ...target, ...ports, ...more];
  const family = header.family ?? (isIPv4(address) ? 0x11 : 0x21);
  const head = [(version << 4) | command, family, block.length >> 8, block.length & 0xff];
  return Buffer.concat([
    Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"),
    Buffer.from([...head, ...block]),
  ]);
}
