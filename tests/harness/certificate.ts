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

/** A certificate for `name` that an authority of its own issued: the chain, and the authority's. */
export interface IssuedCertificate extends TestCertificate {
  readonly authority: string;
}

/** Makes an authority and a certificate for `name` by it in `folder`, with openssl. */
export function issueCertificate(folder: string, name: string): IssuedCertificate {
  const file = (end: string) => join(folder, `${name}-issued.${end}`);
  const ec = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
  const script = [
    `openssl req -x509 ${ec} -subj /CN=authority -days 30 -out "$A" -keyout "$A.key"`,
    `openssl req ${ec} -subj "/CN=$N" -addext "subjectAltName=DNS:$N" -out "$C.csr" -keyout "$K"`,
    'openssl x509 -req -in "$C.csr" -CA "$A" -CAkey "$A.key" -days 30 -copy_extensions copy -out "$C"',
    'cat "$A" >> "$C"',
  ].join(" && ");
  const [certificate, key, authority] = [file("pem"), file("key"), file("ca")];
  const env = { ...process.env, A: authority, C: certificate, K: key, N: name };
  const made = Bun.spawnSync(["sh", "-c", script], { env, stderr: "pipe" });
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
  return { certificate, key, authority };
}
