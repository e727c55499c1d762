// What a report says, and where a domain wants it.
import { expect, test } from "bun:test";
import type { TlsResult } from "../../../src/outbound/security/tls-results.ts";
import { destinationsOf, tlsReport } from "../../../src/pipeline/tls/tls-report.ts";

const DESTINATIONS: [string, readonly string[], readonly string[]][] = [
  ["one address", ["v=TLSRPTv1; rua=mailto:tls@example.org"], ["tls@example.org"]],
  ["no blanks", ["v=TLSRPTv1;rua=mailto:tls@example.org;"], ["tls@example.org"]],
  [
    "several",
    ["v=TLSRPTv1; rua=mailto:a@example.org, https://r.example.org/v1?x=1"],
    ["a@example.org", "https://r.example.org/v1?x=1"],
  ],
  ["an encoded address", ["v=TLSRPTv1; rua=mailto:a%2Bb@example.org"], ["a+b@example.org"]],
  ["other records beside it", ["hello", "v=TLSRPTv1; rua=mailto:a@b.example"], ["a@b.example"]],
  ["two such records", ["v=TLSRPTv1; rua=mailto:a@b.c", "v=TLSRPTv1; rua=mailto:d@e.f"], []],
  ["another version", ["v=TLSRPTv2; rua=mailto:a@b.example"], []],
  ["no rua", ["v=TLSRPTv1; x=y"], []],
  ["http", ["v=TLSRPTv1; rua=http://r.example.org/"], []],
  ["a password in the URL", ["v=TLSRPTv1; rua=https://u:p@r.example.org/"], []],
  ["no address", ["v=TLSRPTv1; rua=mailto:nobody"], []],
  ["fields of a mail", ["v=TLSRPTv1; rua=mailto:a@b.example%0D%0ABcc:x@y.example"], []],
  ["a broken escape", ["v=TLSRPTv1; rua=mailto:%zz@b.example"], []],
  [
    "too many",
    [`v=TLSRPTv1; rua=${Array.from({ length: 9 }, (_, n) => `mailto:a${n}@b.example`).join(",")}`],
    ["a0@b.example", "a1@b.example", "a2@b.example", "a3@b.example"],
  ],
];

test.each(DESTINATIONS)("destinationsOf(): %s", (_, records, expected) => {
  const found = destinationsOf(records).map((one) =>
    one.kind === "mail" ? one.address : one.url.href,
  );
  expect(found).toEqual([...expected]);
});

test("tlsReport() adds up by policy, in the form of RFC 8460", () => {
  const sts = { kind: "sts", strings: ["version: STSv1"], hosts: ["*.example.org"] } as const;
  const none = { kind: "no-policy-found", strings: [], hosts: [] } as const;
  const failure = {
    ...({ kind: "certificate-expired", reason: "certificate has expired" } as const),
    ...{ host: "mx.example.org", address: "192.0.2.1", localAddress: "192.0.2.9" },
  };
  const results: TlsResult[] = [
    { domain: "example.org", policy: sts, count: 5 },
    { domain: "example.org", policy: none, count: 2 },
    { domain: "example.org", policy: sts, failure, count: 3 },
  ];
  const about = { hostname: "gw.example.net", contact: "postmaster@example.net", id: "x" };
  const text = tlsReport({ ...about, domain: "example.org", day: 20_000, results });
  expect(JSON.parse(text)).toEqual({
    "organization-name": "gw.example.net",
    "date-range": {
      "start-datetime": "2024-10-04T00:00:00Z",
      "end-datetime": "2024-10-04T23:59:59Z",
    },
    "contact-info": "postmaster@example.net",
    "report-id": "x",
    policies: [
      {
        policy: {
          "policy-type": "sts",
          "policy-string": ["version: STSv1"],
          "policy-domain": "example.org",
          "mx-host": ["*.example.org"],
        },
        summary: { "total-successful-session-count": 5, "total-failure-session-count": 3 },
        "failure-details": [
          {
            "result-type": "certificate-expired",
            "sending-mta-ip": "192.0.2.9",
            "receiving-mx-hostname": "mx.example.org",
            "receiving-ip": "192.0.2.1",
            "failed-session-count": 3,
            "failure-reason-code": "certificate has expired",
          },
        ],
      },
      {
        policy: { "policy-type": "no-policy-found", "policy-domain": "example.org" },
        summary: { "total-successful-session-count": 2, "total-failure-session-count": 0 },
      },
    ],
  });
});
