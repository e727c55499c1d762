// Asks DNS servers one question at a time: UDP with EDNS, TCP when the answer is cut off, several
// servers in turn. The runtime's own resolver is not used: it tells "no such record" and "no such
// name" apart badly, and mail may only bounce for the latter. RFC 1035, RFC 6891, RFC 7766.
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import {
  AUTHENTIC_DATA,
  type Answer as DnsRecord,
  decode,
  encode,
  type Packet,
  RECURSION_DESIRED,
} from "dns-packet";
import type { Endpoint } from "../base/endpoint.ts";

/** Types gw asks for. */
export type QueryType = "MX" | "A" | "AAAA" | "TXT" | "PTR" | "TLSA";

/** An answer of a server that can be believed, or the lack of one. */
export type DnsReply =
  | {
      readonly kind: "answer";
      /** The name exists; the records may still be none of the type asked for. */
      readonly hasName: boolean;
      /** The server says that it has verified all of it by DNSSEC: its AD flag. */
      readonly isAuthentic: boolean;
      readonly records: readonly DnsRecord[];
      readonly authorities: readonly DnsRecord[];
    }
  | { readonly kind: "trouble"; readonly reason: string };

/** Whom to ask, and how patiently. */
export interface DnsClientOptions {
  readonly servers: readonly Endpoint[];
  /** Milliseconds for one question to one server. */
  readonly timeoutMs: number;
  /** How often all servers are asked. */
  readonly rounds: number;
}

// RFC 6891 §6.2.5 and DNS flag day 2020: what passes networks without fragments.
const UDP_PAYLOAD_SIZE = 1232;
const TCP_MESSAGE_MAX = 65_535;
// More questions than this wait; each holds a socket.
const IN_FLIGHT_MAX = 256;
// Forged or late packets for one question; a flood of them must not keep us decoding.
const PACKETS_PER_QUERY_MAX = 64;

type Exchange = { readonly packet: Packet } | { readonly trouble: string };

/** A client for a fixed list of servers. */
export class DnsClient {
  readonly #options: DnsClientOptions;
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;

  constructor(options: DnsClientOptions) {
    this.#options = options;
  }

  /** Asks until a server answers; SERVFAIL, refusals, silence and nonsense end as trouble. */
  async query(name: string, type: QueryType): Promise<DnsReply> {
    const { servers, rounds } = this.#options;
    if (servers.length === 0) return { kind: "trouble", reason: "no DNS server is configured" };
    await this.#enter();
    try {
      let reason = "";
      for (let round = 0; round < rounds; round++) {
        for (const server of servers) {
          const reply = await this.#ask(server, name, type);
          if (reply.kind === "answer") return reply;
          reason = `${server.address}: ${reply.reason}`;
        }
      }
      return { kind: "trouble", reason };
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#inFlight >= IN_FLIGHT_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#inFlight++;
  }

  #leave(): void {
    this.#inFlight--;
    this.#waiting.shift()?.();
  }

  async #ask(server: Endpoint, name: string, type: QueryType): Promise<DnsReply> {
    const { timeoutMs } = this.#options;
    let result = await exchangeUdp(server, { name, type, hasEdns: true }, timeoutMs);
    // RFC 6891 §7: servers that do not know EDNS say so in one of these ways.
    if ("packet" in result && /^(?:FORMERR|NOTIMP)$/.test(result.packet.rcode ?? "")) {
      result = await exchangeUdp(server, { name, type, hasEdns: false }, timeoutMs);
    }
    if ("packet" in result && result.packet.flag_tc === true) {
      result = await exchangeTcp(server, { name, type, hasEdns: true }, timeoutMs);
    }
    if ("trouble" in result) return { kind: "trouble", reason: result.trouble };
    const { rcode, flag_ad, answers = [], authorities = [] } = result.packet;
    if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") {
      return { kind: "trouble", reason: String(rcode) };
    }
    const hasName = rcode === "NOERROR";
    const isAuthentic = flag_ad === true;
    return { kind: "answer", hasName, isAuthentic, records: answers, authorities };
  }
}

interface Query {
  readonly name: string;
  readonly type: QueryType;
  readonly hasEdns: boolean;
}

function encodeQuery(query: Query, id: number): Buffer {
  const opt = { name: ".", type: "OPT", udpPayloadSize: UDP_PAYLOAD_SIZE, flags: 0, options: [] };
  return encode({
    type: "query",
    id,
    // RFC 6840 §5.7: AD in a question asks for the flag without all the signatures.
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ name: query.name, type: query.type }],
    additionals: query.hasEdns ? [opt] : [],
  });
}

// RFC 5452 §4: id and question must be ours; source address and port are checked by the kernel,
// since the socket is connected; its own port is a random one.
function decodeReply(bytes: Buffer, query: Query, id: number): Packet | undefined {
  try {
    const packet = decode(bytes);
    const question = packet.questions?.[0];
    if (packet.id !== id || packet.type !== "response") return undefined;
    // Some servers leave the question out when they refuse; that much may be believed.
    const isRefusal = packet.rcode !== "NOERROR" && packet.rcode !== "NXDOMAIN";
    if (question === undefined) return isRefusal ? packet : undefined;
    const isOurs =
      packet.questions?.length === 1 &&
      question.type === query.type &&
      question.name.toLowerCase() === query.name.toLowerCase();
    return isOurs ? packet : undefined;
  } catch {
    // Garbage: as if it had never come. The true answer may still follow.
    return undefined;
  }
}

function exchangeUdp(server: Endpoint, query: Query, timeoutMs: number): Promise<Exchange> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000);
    const socket = createSocket(isIPv6(server.address) ? "udp6" : "udp4");
    let packetsLeft = PACKETS_PER_QUERY_MAX;
    let isEnded = false;
    const end = (result: Exchange) => {
      if (isEnded) return;
      isEnded = true;
      clearTimeout(timer);
      socket.close();
      resolve(result);
    };
    const timer = setTimeout(() => end({ trouble: "no answer" }), timeoutMs);
    socket.on("error", (error) => end({ trouble: error.message }));
    socket.on("message", (bytes) => {
      const packet = decodeReply(bytes, query, id);
      if (packet !== undefined) end({ packet });
      else if (--packetsLeft === 0) end({ trouble: "too many wrong answers" });
    });
    socket.connect(server.port, server.address, () => {
      if (!isEnded) socket.send(encodeQuery(query, id));
    });
  });
}

function exchangeTcp(server: Endpoint, query: Query, timeoutMs: number): Promise<Exchange> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000);
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = connect({ host: server.address, port: server.port });
    const end = (result: Exchange) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end({ trouble: "no answer over TCP" }), timeoutMs);
    socket.on("connect", () => {
      const bytes = encodeQuery(query, id);
      const prefix = Buffer.alloc(2);
      prefix.writeUInt16BE(bytes.length);
      socket.write(Buffer.concat([prefix, bytes]));
    });
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size < 2) return;
      const all = Buffer.concat(chunks);
      const expected = 2 + all.readUInt16BE(0);
      if (size < expected && size <= 2 + TCP_MESSAGE_MAX) return;
      const packet = decodeReply(all.subarray(2, expected), query, id);
      end(packet === undefined ? { trouble: "wrong answer over TCP" } : { packet });
    });
    socket.on("error", (error) => end({ trouble: error.message }));
    socket.on("close", () => end({ trouble: "connection lost" }));
  });
}
