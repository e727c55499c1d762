// Mails that different programs read differently, one for each way of hiding a part and each way of
// writing its content: every class that is known to fool scanners.
import { base64Lines, quotedPrintable, uuencode, yencode } from "../harness/encode.ts";

export interface Evasion {
  readonly group: string;
  readonly name: string;
  readonly bytes: Buffer;
}

/** A content's lines with the fields that go above them. */
interface Written {
  readonly name: string;
  readonly fields: readonly string[];
  readonly body: string;
}

const CTE = "Content-Transfer-Encoding";
const digits = (content: string) => Buffer.from(content, "latin1").toString("base64");

/** The content in every encoding that a part may have, plain and crooked. */
function writings(content: string): Written[] {
  const base64 = base64Lines(content);
  const one = (name: string, fields: readonly string[], body: string) => ({ name, fields, body });
  const declared = [`${CTE}: base64`];
  const half = Math.floor(content.length / 6) * 3;
  const [left, right] = [digits(content.slice(0, half)), digits(content.slice(half))];
  return [
    one("as it is", [], content),
    one("base64", declared, base64),
    one("base64 with junk", declared, base64.replace(/(.{7})/g, "$1*")),
    one("base64 with high bytes", declared, base64.replace(/(.{9})/g, "$1\xa0\xff")),
    one("base64, one digit a line", declared, base64.replace(/(.)/g, "$1\r\n")),
    one("base64 padded early", declared, `${digits("x")}\r\n${base64}`),
    one(
      "base64 in two runs",
      declared,
      `${digits(content.slice(0, half + 1))}${digits(content.slice(half + 1))}`,
    ),
    one("base64 with much padding", declared, `${left}====${right}====`),
    one("base64 with bare CRs", declared, base64.replace(/(.{20})/g, "$1\r")),
    one("base64 without padding", declared, base64.replace(/=+$/, "")),
    one("base64 in odd case", [`${CTE}: BaSe64`], base64),
    one("base64 with a comment", [`${CTE}: (x) base64 (y)`], base64),
    one("base64 in quotes", [`${CTE}: "base64"`], base64),
    one("base64 folded", [`${CTE}:`, "\tbase64"], base64),
    one("base64 with a space before the colon", [`${CTE} : base64`], base64),
    one("base64 declared last", [`${CTE}: 7bit`, ...declared], base64),
    one("base64 declared first", [...declared, `${CTE}: 8bit`], base64),
    one("base64 called quoted-printable", [`${CTE}: quoted-printable`], base64),
    one("base64 called 7bit", [`${CTE}: 7bit`], base64),
    one("quoted-printable", [`${CTE}: quoted-printable`], quotedPrintable(content)),
    one(
      "quoted-printable with spaces behind soft breaks",
      [`${CTE}: quoted-printable`],
      quotedPrintable(content).replaceAll("=\r\n", "= \t\r\n"),
    ),
    one(
      "quoted-printable in lower case",
      [`${CTE}: quoted-printable`],
      quotedPrintable(content).toLowerCase().replaceAll("=0d", "=0D"),
    ),
    one("uuencode", [`${CTE}: x-uuencode`], uuencode("e.com", content)),
    one("uuencode in text", [], `see below\r\n\r\n${uuencode("e.com", content)}`),
    one("yEnc", [`${CTE}: x-yenc`], yencode("e.com", content)),
    one("yEnc in text", [], yencode("e.com", content)),
  ];
}

/** A multipart with one part, as its header and its lines have it. */
interface Frame {
  readonly name: string;
  /** Of the message, above the empty line. */
  readonly header: readonly string[];
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const TYPE = "Content-Type: multipart/mixed;";
const frame = (name: string, header: readonly string[], boundary = "b"): Frame => ({
  name,
  header,
  before: [`--${boundary}`],
  after: [`--${boundary}--`],
});

function frames(): Frame[] {
  const plain = frame("", [`${TYPE} boundary=b`]);
  const as = (name: string, changed: Partial<Frame>): Frame => ({ ...plain, ...changed, name });
  return [
    as("a plain boundary", {}),
    frame("RFC 2231 pieces", [`${TYPE} boundary*0=a; boundary*1=b`], "ab"),
    frame("RFC 2231 with a charset", [`${TYPE} boundary*=us-ascii'en'a%62`], "ab"),
    frame("RFC 2231 coded pieces", [`${TYPE} boundary*0*=''a%62; boundary*1=c`], "abc"),
    frame("RFC 2231 in UTF-16", [`${TYPE} boundary*=utf-16le''a%00b%00`], "ab"),
    frame("an encoded word", [`${TYPE} boundary="=?us-ascii?q?ab?="`], "ab"),
    frame("spaces around", [`${TYPE} boundary = " b "`], " b"),
    frame("a space inside", [`${TYPE} boundary="a b"`], "a b"),
    frame("a space inside, cut", [`${TYPE} boundary=a b`], "a"),
    frame("a comment before", [`${TYPE} (x) boundary(y)=(z)b`]),
    frame("a comment with a boundary", [`${TYPE} (boundary=x;) boundary=b`]),
    frame("two, first counts", [`${TYPE} boundary=b; boundary=x`]),
    frame("two, last counts", [`${TYPE} boundary=x; boundary=b`]),
    frame("a missing semicolon", [`${TYPE.slice(0, -1)} boundary=b`]),
    frame("no quote at the end", [`${TYPE} boundary="b`]),
    frame("escapes", [`${TYPE} boundary="\\b"`]),
    frame("odd case", ["cOnTeNt-TyPe: MULTIPART/Mixed; BOUNDARY=b"]),
    frame("a space before the colon", ["Content-Type : multipart/mixed; boundary=b"]),
    frame("folded often", ["Content-Type:", " multipart/mixed", "\t;", " boundary", " =b"]),
    frame("a type without slash", ["Content-Type: multipart; boundary=b"]),
    frame("an unknown type", ["Content-Type: multipart/x-unheard-of; boundary=b"]),
    frame("two types, last counts", ["Content-Type: text/plain", `${TYPE} boundary=b`]),
    frame("two types, first counts", [`${TYPE} boundary=b`, "Content-Type: text/plain"]),
    frame("two multiparts", [`${TYPE} boundary=x`, `${TYPE} boundary=b`]),
    frame("a junk line above", ["this is no field", `${TYPE} boundary=b`]),
    frame("a name with a space above", ["Odd Name: x", `${TYPE} boundary=b`]),
    frame("8-bit junk above", ["X\xe4\xf6: \xff", `${TYPE} boundary=b`]),
    frame("an empty boundary", [`${TYPE} boundary=""`], ""),
    frame("no boundary", ["Content-Type: multipart/mixed"]),
    frame("another boundary", [`${TYPE} boundary=x`]),
    as("delimiters that are indented", { before: [" --b"], after: ["\t--b--"] }),
    as("text behind delimiters", { before: ["--b and more"], after: ["--b-- and more"] }),
    as("no closing delimiter", { after: [] }),
    as("a part in the epilogue", { before: ["--b", "", "x", "--b--", "", "--b"] }),
    as("a part behind the closing one", { before: ["--b", "", "x", "--b--", ""], after: [] }),
    as("a part in the prologue", { before: ["", ""], after: ["--b", "", "x", "--b--"] }),
    as("a blank line with a space above", { header: [`${TYPE} boundary=b`, " "] }),
    as("an inner multipart with the same boundary", {
      before: ["--b", `${TYPE} boundary=b`, "", "--b"],
    }),
    as("a message in the part", {
      before: ["--b", "Content-Type: message/rfc822", "", "A: b", "X: y"],
    }),
  ];
}

function mailOf(outer: Frame, { fields, body }: Written, lineEnd: string): Buffer {
  const part = ["Content-Type: application/octet-stream; name=e.com", ...fields, "", body];
  const lines = [
    "From: a@example.org",
    "Subject: x",
    "MIME-Version: 1.0",
    ...outer.header,
    "",
    ...outer.before,
    ...part,
    ...outer.after,
    "",
  ];
  const text = lines.join("\r\n");
  return Buffer.from(lineEnd === "\r\n" ? text : text.replaceAll("\r\n", lineEnd), "latin1");
}

/** All evasive mails that hide `content`. */
export function evasions(content: string): Evasion[] {
  const found: Evasion[] = [];
  const [plain = frame("", [])] = frames();
  const all = writings(content);
  for (const outer of frames()) {
    for (const written of all.slice(0, 12)) {
      const name = `${outer.name}, ${written.name}`;
      found.push({ group: outer.name, name, bytes: mailOf(outer, written, "\r\n") });
    }
  }
  for (const written of all) {
    for (const [name, end] of [
      ["CRLF", "\r\n"],
      ["bare LF", "\n"],
    ] as const) {
      const bytes = mailOf(plain, written, end);
      found.push({ group: `content: ${written.name}`, name: `${written.name}, ${name}`, bytes });
    }
    const alone = ["Subject: x", ...written.fields, "", written.body, ""].join("\r\n");
    const bytes = Buffer.from(alone, "latin1");
    found.push({ group: "a message without parts", name: written.name, bytes });
  }
  for (const outer of frames()) {
    const bytes = mailOf(outer, all[1] as Written, "\r");
    found.push({ group: "bare CRs", name: `bare CRs, ${outer.name}`, bytes });
  }
  return found;
}

/** Mails that programs disagree on although all of them find the content. */
export function ambiguousMails(): readonly (readonly [
  reason: string,
  name: string,
  mail: Buffer,
])[] {
  const mail = (...lines: readonly string[]) =>
    Buffer.from([...lines, "--b--", ""].join("\r\n"), "latin1");
  const type = `${TYPE} boundary=b`;
  const part = (...fields: readonly string[]) => mail(type, "", "--b", ...fields, "", "eHg=");
  const octets = "Content-Type: application/octet-stream";
  const whole = base64Lines("--b\r\n\r\nx\r\n--b--\r\n");
  const encoded = Buffer.from([type, `${CTE}: base64`, "", whole, ""].join("\r\n"));
  const long = digits("a long text that goes on and on. ".repeat(9));
  return [
    ["Type", "two types", part("Content-Type: text/plain", octets)],
    ["Type", "two boundaries in two fields", mail(`${TYPE} boundary=a`, type, "", "--b", "", "x")],
    ["Encoding", "two encodings", part(`${CTE}: base64`, `${CTE}: 7bit`)],
    [
      "Disposition",
      "two names in two fields",
      part("Content-Disposition: inline; filename=a", "Content-Disposition: inline; filename=b"),
    ],
    [
      "Name",
      "a document that is a program",
      part(`${octets}; name="a.pdf"`, 'Content-Disposition: attachment; filename="a.exe"'),
    ],
    [
      "Name",
      "two forms of one name",
      part(`Content-Disposition: attachment; filename="a.txt"; filename*=us-ascii''a.js`),
    ],
    [
      "Boundary",
      "two boundaries in one field",
      mail(`${TYPE} boundary=a; boundary=b`, "", "--a", "", "x", "--a--", "--b", "", "y"),
    ],
    [
      "Delimiter",
      "text behind a delimiter",
      mail(type, "", "--b", "", "x", "--b and so on", "", "y"),
    ],
    ["Delimiter", "a delimiter that is indented", mail(type, "", "--b", "", "x", " --b", "", "y")],
    [
      "HiddenPart",
      "a part in the prologue",
      mail(type, "", octets, `${CTE}: base64`, "", "eHg=", "", "--b", "", "x"),
    ],
    [
      "Multipart",
      "no boundary that occurs",
      mail(`${TYPE} boundary=x`, "", "--b", octets, "", "x"),
    ],
    ["Multipart", "a multipart that is encoded", encoded],
    [
      "Base64",
      "padding in the middle",
      part(octets, `${CTE}: base64`, "", `${long.slice(0, 80)}==\r\n${long}`),
    ],
    [
      "Header",
      "a line that is no field",
      mail("Subject: x", "not a field", type, "", "--b", "", "x"),
    ],
    ["LineEnd", "a field behind a bare CR", mail(`Subject: x\rContent-Type: text/html`, "", "x")],
  ];
}
