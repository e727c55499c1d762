// A TLS certificate for one test run, made on the spot: no key is ever committed.
import { join } from "node:path";

/** Files of a certificate that signs itself. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a certificate for `name` in `folder`, with openssl. */
export function makeCertificate(folder: string, name = "gw.example.org"): TestCertificate {
  const certificate = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const names = ["-addext", `subjectAltName=DNS:${name}`];
  const subject = ["-subj", `/CN=${name}`, ...names, "-days", "30"];
  const made = Bun.spawnSync(
    [
      "openssl",
      "req",
      "-x509",
      ...curve,
      "-nodes",
      ...subject,
      "-out",
      certificate,
      "-keyout",
      key,
    ],
    { stderr: "pipe" },
  );
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
  return { certificate, key };
}
