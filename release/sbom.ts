// The parts of an executable, from package-lock.json: as a CycloneDX list, and with their licences.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One package inside gw. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** As SPDX has it. */
  readonly license: string;
  /** SHA-512 of the package as the registry gives it, in hex; "" if there is none. */
  readonly sha512: string;
  /** Its folder below node_modules. */
  readonly folder: string;
}

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
}

interface Lock {
  readonly packages: Readonly<Record<string, Locked>>;
}

const MODULES = "node_modules/";
/** Development tools of which something ends in the executable. */
const RUNTIME = "bun";
const RUNTIME_TEXTS = "release/runtime";

/** All packages that an executable may hold, by name. Those for development only are left out. */
export function partsOf(lock: Lock): readonly Part[] {
  const parts: Part[] = [];
  for (const [folder, locked] of Object.entries(lock.packages)) {
    const name = folder.slice(folder.lastIndexOf(MODULES) + MODULES.length);
    if (folder === "" || (locked.dev === true && name !== RUNTIME)) continue;
    const { version = "", license = "", integrity = "" } = locked;
    const sha512 = integrity.startsWith("sha512-")
      ? Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex")
      : "";
    parts.push({ name, version, license, sha512, folder });
  }
  // The same version may lie in several folders.
  const unique = new Map(parts.map((part) => [`${part.name}@${part.version}`, part]));
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => part);
}

// Package URL: the scope's "@" is escaped, its slash is not.
const purl = ({ name, version }: Part) => `pkg:npm/${name.replace("@", "%40")}@${version}`;

// An expression such as "(MIT OR EUPL-1.1+)" is no identifier.
function licenses(license: string) {
  if (license === "") return [];
  return /[ ()]/.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
}

/** What is described: an executable with its hash. */
export interface Product {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly sha256: string;
}

/** CycloneDX 1.6 without a date or a serial number: the same sources give the same list. */
export function sbomOf(product: Product, parts: readonly Part[]) {
  const reference = `pkg:generic/${product.name}@${product.version}`;
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": reference,
        name: product.name,
        version: product.version,
        hashes: [{ alg: "SHA-256", content: product.sha256 }],
        licenses: licenses(product.license),
        purl: reference,
      },
    },
    components: parts.map((part) => ({
      type: part.name === RUNTIME ? "platform" : "library",
      "bom-ref": purl(part),
      name: part.name,
      version: part.version,
      ...(part.sha512 !== "" && { hashes: [{ alg: "SHA-512", content: part.sha512 }] }),
      licenses: licenses(part.license),
      purl: purl(part),
    })),
    dependencies: [{ ref: reference, dependsOn: parts.map(purl) }],
  };
}

/** The licence texts of all parts, each under its name; a part without a file has its SPDX name. */
export function licenseTexts(parts: readonly Part[], root = "."): string {
  return parts.map((part) => `${heading(part)}\n\n${textOfPart(part, root)}\n`).join("\n");
}

/** What `gw licenses` has of each part: a JSON value on a line of its own, gw first. */
export function licenseLines(product: Omit<Product, "sha256">, parts: readonly Part[]): string {
  const { name, version, license } = product;
  const own = { name, version, license, text: textOf(".") };
  const others = parts.map((part) => {
    return {
      name: part.name,
      version: part.version,
      license: part.license,
      text: textOfPart(part, "."),
    };
  });
  return [own, ...others].map((each) => `${JSON.stringify(each)}\n`).join("");
}

const heading = ({ name, version, license }: Part) => `==== ${name} ${version} (${license})`;

// The runtime's package holds no text, but libraries whose licences ask for theirs to go along.
function textOfPart({ name, folder }: Part, root: string): string {
  return name === RUNTIME
    ? textOf(join(root, RUNTIME_TEXTS), /\.txt$/)
    : textOf(join(root, folder));
}

function textOf(folder: string, wanted = /^(licen[cs]e|copying|notice)/i): string {
  if (!existsSync(folder)) return "";
  const files = readdirSync(folder).filter((name) => wanted.test(name));
  const texts = files.sort().map((name) => readFileSync(join(folder, name), "utf8").trim());
  return texts.join("\n\n");
}
