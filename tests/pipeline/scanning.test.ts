import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../src/base/log.ts";
import { loadConfig } from "../../src/config/load.ts";
import { openSignatures, startInspector } from "../../src/pipeline/scanning.ts";
import { policySamples } from "../harness/policy-samples.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-scanning-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("signatures of the site are used beside those that gw ships with, not instead", async () => {
  writeFileSync(
    join(folder, "site.gws"),
    'signature Site.Word\n  severity suspicious\n  text $a "a word of the site"\n  condition $a\nend\n',
  );
  const config = loadConfig(undefined, {
    "scan.signatures_dir": folder,
    "server.data_dir": folder,
    "scan.workers": 1,
  });
  const signatures = await openSignatures(config);
  const inspector = startInspector(config, { signatures, log: silentLog });
  const found = async (bytes: Uint8Array) => {
    const body = { kind: "bytes", bytes } as const;
    const { verdict } = await inspector.inspect({ body, name: "file", isMessage: false });
    return verdict.objects.flatMap((one) => one.findings.map(({ signature }) => signature));
  };
  const { eicar = Buffer.alloc(0) } = policySamples();
  expect(await found(eicar)).toContain("Gw.Test.EICAR");
  expect(await found(Buffer.from("this is a word of the site\n"))).toEqual(["Site.Word"]);
  inspector.stop();
});
