// A Debian package, written without Debian's tools: deb(5). Times and owners are fixed, so that the
// same content gives the same bytes.
import { gzipSync } from "node:zlib";

/** A file of a package; `path` begins with a slash. */
export interface PackedFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array | string;
}

/** What a package says of itself. */
export interface DebianControl {
  readonly name: string;
  readonly version: string;
  readonly architecture: "amd64" | "arm64";
  readonly maintainer: string;
  /** One line. */
  readonly summary: string;
  readonly description: string;
  /** Scripts by name: postinst, prerm, … */
  readonly scripts: Readonly<Record<string, string>>;
}

const BLOCK = 512;
const LONGEST_NAME = 100;
const FILE_MODE = 0o644;
const SCRIPT_MODE = 0o755;

const bytesOf = (content: Uint8Array | string) =>
  typeof content === "string" ? Buffer.from(content) : content;

const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, "0")}\0`;

interface TarEntry {
  readonly name: string;
  readonly mode: number;
  readonly content: Uint8Array;
  readonly isFolder: boolean;
}

function tarHeader({ name, mode, content, isFolder }: TarEntry): Buffer {
  if (name.length > LONGEST_NAME) throw new Error(`${name}: too long a name for a package`);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(content.length, 12), 124);
  header.write(octal(0, 12), 136);
  header.write("        ", 148);
  header.write(isFolder ? "5" : "0", 156);
  header.write("ustar\x0000", 257, "latin1");
  header.write("root", 265);
  header.write("root", 297);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** A tar archive (ustar) of files, with the folders above them. */
export function tar(files: readonly PackedFile[]): Buffer {
  const entries: TarEntry[] = [folder("./")];
  const known = new Set<string>(["./"]);
  for (const { path, mode, content } of files) {
    const names = path.split("/").slice(1, -1);
    for (let depth = 1; depth <= names.length; depth++) {
      const name = `./${names.slice(0, depth).join("/")}/`;
      if (!known.has(name)) entries.push(folder(name));
      known.add(name);
    }
    entries.push({ name: `.${path}`, mode, content: bytesOf(content), isFolder: false });
  }
  const blocks = entries.flatMap((entry) => {
    const padding = Buffer.alloc((BLOCK - (entry.content.length % BLOCK)) % BLOCK);
    return [tarHeader(entry), entry.content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

const folder = (name: string): TarEntry => ({
  ...{ name, mode: 0o755 },
  ...{ content: new Uint8Array(0), isFolder: true },
});

function arMember(name: string, content: Uint8Array): Buffer {
  const fields = [
    name.padEnd(16),
    "0".padEnd(12),
    "0".padEnd(6),
    "0".padEnd(6),
    "100644".padEnd(8),
  ];
  const header = `${fields.join("")}${String(content.length).padEnd(10)}\`\n`;
  const padding = content.length % 2 === 0 ? "" : "\n";
  return Buffer.concat([Buffer.from(header), content, Buffer.from(padding)]);
}

function controlText(control: DebianControl, files: readonly PackedFile[]): string {
  const size = files.reduce((total, { content }) => total + bytesOf(content).length, 0);
  const lines = control.description.split("\n").map((line) => ` ${line === "" ? "." : line}`);
  return `${[
    `Package: ${control.name}`,
    `Version: ${control.version}`,
    `Architecture: ${control.architecture}`,
    `Maintainer: ${control.maintainer}`,
    `Installed-Size: ${Math.ceil(size / 1024)}`,
    "Depends: libc6 (>= 2.17)",
    "Section: mail",
    "Priority: optional",
    `Description: ${control.summary}`,
    ...lines,
  ].join("\n")}\n`;
}

/** The package. Files under /etc are configuration: an upgrade asks before it replaces them. */
export function debianPackage(control: DebianControl, files: readonly PackedFile[]): Buffer {
  const settings = files.filter(({ path }) => path.startsWith("/etc/")).map(({ path }) => path);
  const about: PackedFile[] = [
    { path: "/control", mode: FILE_MODE, content: controlText(control, files) },
    ...(settings.length === 0
      ? []
      : [{ path: "/conffiles", mode: FILE_MODE, content: `${settings.join("\n")}\n` }]),
    ...Object.entries(control.scripts).map(([name, content]) => ({
      ...{ path: `/${name}`, mode: SCRIPT_MODE },
      content,
    })),
  ];
  return Buffer.concat([
    Buffer.from("!<arch>\n"),
    arMember("debian-binary", Buffer.from("2.0\n")),
    arMember("control.tar.gz", gzipSync(tar(about))),
    arMember("data.tar.gz", gzipSync(tar(files))),
  ]);
}
