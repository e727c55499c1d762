// OpenLDAP's own server with a few people in it, where it is installed.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestCertificate } from "./certificate.ts";
import { freePort, until } from "./process.ts";

const SLAPD = "/usr/sbin/slapd";
const SCHEMAS = "/etc/ldap/schema";
const START_MS = 10_000;

/** Whether there is such a server on this machine. */
export const HAS_SLAPD = existsSync(SLAPD) && existsSync(`${SCHEMAS}/core.schema`);

/** Name and password that may search. */
export const SEARCHER = { dn: "cn=gw,dc=example,dc=org", password: "searcher" } as const;

/** One person below dc=example,dc=org. */
export interface Person {
  readonly uid: string;
  readonly mails: readonly string[];
  readonly password: string;
}

/** A running server. */
export interface Slapd {
  readonly url: string;
  /** With TLS from the first byte on; "" without a certificate. */
  readonly secureUrl: string;
  stop(): Promise<void>;
}

function entryOf({ uid, mails, password }: Person): string {
  const lines = mails.map((mail) => `mail: ${mail}\n`).join("");
  return (
    `dn: uid=${uid},dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: ${uid}\n` +
    `cn: ${uid}\nsn: ${uid}\n${lines}userPassword: ${password}\n`
  );
}

/** Starts a server and waits until it answers. */
export async function startSlapd(
  people: readonly Person[],
  certificate?: TestCertificate,
): Promise<Slapd> {
  const folder = mkdtempSync(join(tmpdir(), "gw-slapd-"));
  const config = join(folder, "slapd.conf");
  mkdirSync(join(folder, "data"));
  const lines = [
    ...["core", "cosine", "inetorgperson"].map((each) => `include ${SCHEMAS}/${each}.schema`),
    "modulepath /usr/lib/ldap",
    "moduleload back_mdb",
    `pidfile ${folder}/pid`,
    ...(certificate === undefined
      ? []
      : [
          `TLSCertificateFile ${certificate.certificate}`,
          `TLSCertificateKeyFile ${certificate.key}`,
        ]),
    "database mdb",
    "suffix dc=example,dc=org",
    `rootdn ${SEARCHER.dn}`,
    `rootpw ${SEARCHER.password}`,
    `directory ${folder}/data`,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const root = "dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n";
  writeFileSync(join(folder, "entries.ldif"), [root, ...people.map(entryOf)].join("\n"));
  const command = ["/usr/sbin/slapadd", "-f", config, "-l", join(folder, "entries.ldif")];
  const added = Bun.spawnSync(command, { stderr: "pipe" });
  if (added.exitCode !== 0) throw new Error(added.stderr.toString());
  const port = freePort();
  const url = `ldap://127.0.0.1:${port}`;
  const secureUrl = certificate === undefined ? "" : `ldaps://localhost:${freePort()}`;
  const places = secureUrl === "" ? `${url}/` : `${url}/ ${secureUrl}/`;
  const server = Bun.spawn([SLAPD, "-d", "0", "-f", config, "-h", places], {
    stderr: "ignore",
    stdout: "ignore",
  });
  await until(() => isOpen(port), START_MS);
  return {
    url,
    secureUrl,
    async stop() {
      server.kill();
      await server.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function isOpen(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    // Nobody listens yet.
    return false;
  }
}
