// A DNS server for tests, on UDP and TCP at one port of 127.0.0.1. It answers from a zone, or does
// what a test tells it to: nothing, garbage, lies.
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { type AddressInfo, createServer, type Server } from "node:net";
import { type Answer, decode, encode, type Packet } from "dns-packet";
import type { Endpoint } from "../../src/base/endpoint.ts";

/** Records of a name by type; a name that is there without the type asked for has none of it. */
export type Zone = Record<string, readonly Answer[]>;

/** What is asked, and how it came. */
export interface Asked {
  readonly name: string;
  readonly type: string;
  readonly transport: "udp" | "tcp";
  readonly packet: Packet;
}

/** Packets to send instead of the zone's answer; undefined: the zone's answer. */
export type Trick = (asked: Asked) => readonly (Packet | Buffer)[] | undefined;

const RECURSION_AVAILABLE = 1 << 7;
const AUTHENTIC = 1 << 5;
const TRUNCATED = 1 << 9;
/** Flags of a reply with an error code. RFC 1035 §4.1.1. */
export const RCODE = { formerr: 1, servfail: 2, nxdomain: 3, refused: 5 } as const;

/** An address record of either family. */
export function addressRecord(name: string, address: string, ttl = 300): Answer {
  return { name, type: address.includes(":") ? "AAAA" : "A", ttl, data: address };
}

/** An MX record. */
export function mxRecord(name: string, preference: number, exchange: string, ttl = 300): Answer {
  return { name, type: "MX", ttl, data: { preference, exchange } };
}

/** A listening DNS server. */
export class FakeDns {
  zone: Zone;
  trick: Trick = () => undefined;
  /** Whether the zone's answers are said to be signed (AD). RFC 6840 §5.8. */
  isSigned = false;
  readonly asked: Asked[] = [];
  readonly #udp: UdpSocket;
  readonly #tcp: Server;

  private constructor(zone: Zone) {
    this.zone = zone;
    this.#udp = createSocket("udp4");
    this.#udp.on("message", (bytes, from) => {
      for (const reply of this.#replies(bytes, "udp")) {
        this.#udp.send(reply, from.port, from.address);
      }
    });
    this.#tcp = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        for (const reply of this.#replies(chunk.subarray(2), "tcp")) {
          const prefix = Buffer.alloc(2);
          prefix.writeUInt16BE(reply.length);
          socket.write(Buffer.concat([prefix, reply]));
        }
      });
    });
  }

  static async start(zone: Zone = {}): Promise<FakeDns> {
    const server = new FakeDns(zone);
    // The TCP port is taken from the system; that the UDP port of the same number is free is
    // likely, not sure.
    for (let left = 20; ; left--) {
      await new Promise<void>((resolve) => server.#tcp.listen(0, "127.0.0.1", resolve));
      const isBound = await new Promise<boolean>((resolve) => {
        server.#udp.once("error", () => resolve(false));
        server.#udp.bind(server.endpoint.port, "127.0.0.1", () => resolve(true));
      });
      if (isBound || left === 0) return server;
      await new Promise<void>((resolve) => server.#tcp.close(() => resolve()));
    }
  }

  get endpoint(): Endpoint {
    return { address: "127.0.0.1", port: (this.#tcp.address() as AddressInfo).port };
  }

  /** What it was asked, as `TYPE name`. */
  get questions(): string[] {
    return this.asked.map(({ type, name }) => `${type} ${name}`);
  }

  async stop(): Promise<void> {
    this.#udp.close();
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
  }

  #replies(bytes: Buffer, transport: "udp" | "tcp"): Buffer[] {
    const packet = decode(bytes);
    const { name = "", type = "" } = packet.questions?.[0] ?? {};
    const asked = { name: name.toLowerCase(), type, transport, packet };
    this.asked.push(asked);
    const packets = this.trick(asked) ?? [this.answer(asked)];
    return packets.map((each) => (Buffer.isBuffer(each) ? each : encode(each)));
  }

  /** The zone's answer: with the aliases of a name, and NXDOMAIN for one that is not there. */
  answer({ name, type, packet }: Asked): Packet {
    const answers: Answer[] = [];
    let current = name;
    let records = this.zone[current];
    for (let left = 20; left > 0 && records !== undefined; left--) {
      const alias = records.find((record) => record.type === "CNAME");
      if (alias === undefined || type === "CNAME") break;
      answers.push(alias);
      current = String(alias.data);
      records = this.zone[current];
    }
    const own = records?.filter((record) => record.type === type) ?? [];
    const flags = (records === undefined ? RCODE.nxdomain : 0) | (this.isSigned ? AUTHENTIC : 0);
    return { ...reply(packet, flags), answers: [...answers, ...own] };
  }
}

/** An empty reply to a query, with an error code, or more flags. */
export function reply(query: Packet, rcode = 0): Packet {
  const { id = 0, questions = [] } = query;
  return { type: "response", id, flags: RECURSION_AVAILABLE | rcode, questions, answers: [] };
}

/** A reply that says that it was cut off. */
export function truncatedReply(query: Packet): Packet {
  return { ...reply(query), flags: RECURSION_AVAILABLE | TRUNCATED };
}
