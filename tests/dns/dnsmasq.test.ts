// The resolver and what asks it, against a real DNS server where one is installed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { parseDnsList } from "../../src/config/access/dns-list.ts";
import { Resolver } from "../../src/dns/resolver.ts";
import { DnsLists } from "../../src/inbound/access/dns-lists.ts";
import { MemoryLog } from "../harness/inbound.ts";
import { freePort, until } from "../harness/process.ts";

const DNSMASQ = "/usr/sbin/dnsmasq";
const START_MS = 10_000;

describe.if(existsSync(DNSMASQ))("dnsmasq", () => {
  let server: Bun.Subprocess | undefined;
  let resolver: Resolver;

  beforeAll(async () => {
    const port = freePort();
    const records = [
      "--host-record=mx.example,192.0.2.1,2001:db8::1",
      "--mx-host=example,mx.example,10",
      "--txt-record=example,v=spf1 -all",
      "--txt-record=long.example,part one ,part two",
      "--ptr-record=9.2.0.192.in-addr.arpa,mail.example",
      "--cname=alias.example,mx.example",
      "--address=/4.2.0.192.bl.example/127.0.0.2",
      "--address=/4.2.0.192.odd.example/127.255.255.254",
      "--local=/example/",
    ];
    server = Bun.spawn(
      [
        ...[DNSMASQ, "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null"],
        ...[`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file="],
        ...["--log-facility=/dev/null", "--user=", ...records],
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
    const servers = [{ address: "127.0.0.1", port }];
    const make = () => new Resolver({ servers, timeoutMs: 500, rounds: 1, clock: systemClock });
    await until(async () => (await make().texts("example")).kind === "found", START_MS);
    resolver = make();
  });
  afterAll(async () => {
    server?.kill();
    await server?.exited;
  });

  test("is understood in all that mail asks for", async () => {
    expect(await resolver.exchanges("example")).toMatchObject({
      values: [{ preference: 10, host: "mx.example" }],
    });
    const both = { values: ["192.0.2.1", "2001:db8::1"] };
    expect(await resolver.addresses("alias.example")).toMatchObject(both);
    expect(await resolver.texts("example")).toMatchObject({ values: ["v=spf1 -all"] });
    expect(await resolver.texts("long.example")).toMatchObject({ values: ["part one part two"] });
    expect(await resolver.names("192.0.2.9")).toMatchObject({ values: ["mail.example"] });
  });

  test("no such name, no such record and no answer are told apart", async () => {
    expect((await resolver.exchanges("nowhere.example")).kind).toBe("noName");
    expect((await resolver.exchanges("mx.example")).kind).toBe("empty");
    // It has nobody to ask about other domains.
    expect((await resolver.exchanges("elsewhere.test")).kind).toBe("trouble");
  });

  test("is asked for lists, and answers that mean nothing are none", async () => {
    const lists = ["bl.example*2", "odd.example*5", "none.example", "unknown.test"];
    const parsed = lists.flatMap((text) => parseDnsList(text) ?? []);
    const one = new DnsLists(parsed, { resolver, log: new MemoryLog() });
    expect(await one.score("192.0.2.4")).toEqual({ score: 2, hits: ["bl.example (127.0.0.2)"] });
    expect(await one.score("192.0.2.5")).toEqual({ score: 0, hits: [] });
  });
});
