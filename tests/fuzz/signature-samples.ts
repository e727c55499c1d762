// Signature files of all kinds, whole and small, for rounds that damage them.

const LOGICAL = [
  "A;Engine:81-255,Target:0;0&1|2;616c706861;627261766f::iwf;63(68|61)??6c{2-5}69{-3}65",
  "B;Target:1,FileSize:1-4096,Container:CL_TYPE_ZIP;(0|1)>2,2;EP+0:4d5a*5045;S0+4:!(41|42)43(B)",
  "C;Target:0;0&1&2;616263;0/a(b+)c\\1(?=d)[[:alpha:]]{2,3}/sig;1(>>4#hl4#>10,<99)",
  "D;Target:0,Intermediates:CL_TYPE_ZIP>CL_TYPE_ANY;0;4142[2-4]434445;",
].join("\n");
const BODIES = [
  "A:0:*:616263{-10}646566*6768:51:255",
  "B:1:EP+4,8:4d5a90(00|01|0203)??a?",
  "C:0:EOF-20:(L)68656c6c6f(W)",
  "D:3:$5$:6162636465",
].join("\n");
const HASHES = [
  "44d88612fea8a8f36de82e1278abb02f:68:Name",
  `${"ab".repeat(32)}:*:Other:73`,
  `100:${"cd".repeat(20)}:Third`,
].join("\n");
const HASHED = `${"ab".repeat(32)}`;
const PASSWORDS = "A;Engine:81-255,Container:CL_TYPE_ZIP;0;secret\nB;Target:0;1;7061737320776f7264";
const POSED = "H:example.org\nR:.+\\.example\\.(org|com)([/?].*)?:17-\nH:paypal.com:17-255";
const ALLOWED = "M:www.example.org:example.com\nX:.+a\\.de/.*:.+b\\.de([/?].*)?:17-\nY:.+c\\.de";
const ADDRESSES = `S:P:abababab\nS:F:${HASHED}\nS1:F:${HASHED}\nS2:W:${HASHED}:17-`;
const EXECUTABLES = [
  "V;Target:1;0&1;VI:4f0072006900670069006e00;VI:41::w",
  "S;Target:1,EntryPoint:1-400,NumberOfSections:1-9;0>2,1;SL+4,10:616263",
].join("\n");
const HASH_LIST = `sha256,name,size\n${HASHED},Listed,100\n${"cd".repeat(16)}\n`;
const ENTRIES = "A:CL_TYPE_ZIP:1-5:(?i)\\.(exe|scr)$:*:10-20:0:1:*:*\nB:*:*:a+b:*:*:*:*:*:*";
/** YARA rules. */
export const RULES = `import "pe"
import "math"
private rule Base : tag { meta: a = "b" strings: $a = "abc" nocase wide ascii fullword condition: $a }
rule Simple { strings: $a = "bravo" condition: $a }
rule Other {
  strings:
    $t = { 4D 5A [2-4] ( 50 45 | ?1 ~00 ) ?? }
    $r = /ab+[^c]{2,5}(d|e)?/is
    $x = "secret" xor(1-255)
    $b = "payload" base64
  condition:
    Base and (any of ($t, $x) or #r > 2) and for all i in (1..#r) : (@r[i] < 100)
    and filesize < 1MB and uint16(0) == 0x5A4D and pe.number_of_sections > 1
    and math.entropy(0, filesize) > 4.5
}`;
/** A source of gw's own. */
export const OWN = `signature Own.One
  severity     suspicious
  description  "A text"
  target       pe, text
  text $a  "hello" nocase
  text $b  "bravo" wide
  condition    (type is pe and any of them) or (container is lnk and $b)
  cure         remove
end

signature Own.Two
  description  "Another"
  text $a  "alpha" fullword
  condition    $a and size > 10
end
`;
/** Words of all these languages. */
export const DICTIONARY = [
  ...[
    ";",
    ":",
    "|",
    "&",
    "(",
    ")",
    "{",
    "}",
    "{-4}",
    "{4-}",
    "*",
    "??",
    "?a",
    "!(",
    "(B)",
    "[1-32]",
  ],
  ...[
    "\n",
    "\r\n",
    "#",
    "0",
    "=0",
    ">1,2",
    "/",
    "\\",
    "::iwaf",
    "EP+",
    "SE1",
    "SL-1",
    "EOF-9",
    "$g$",
  ],
  ...[
    "CL_TYPE_ANY",
    "Target:",
    "Engine:1-",
    "rule ",
    "condition:",
    "strings:",
    "$a",
    "for any of them",
  ],
  ...[
    "import ",
    "/*",
    '"',
    "wide",
    "xor",
    "base64",
    "and not",
    "uint32be(",
    "0x",
    "4294967295",
    "-1",
  ],
  ...["9".repeat(30), "(".repeat(300), "a".repeat(5000), "6161".repeat(2000), 'include "x"'],
];

/** A file of each kind that ClamAV has. */
export const CLAMAV: readonly (readonly [path: string, text: string])[] = [
  ["x.ldb", LOGICAL],
  ["x.ndb", BODIES],
  ["x.hdb", HASHES],
  ["x.mdb", HASHES],
  ["x.cdb", ENTRIES],
  ["x.db", "Name=616263646566\nOther (Clam)=41??42"],
  ["x.sdb", BODIES],
  ["x.ndu", BODIES],
  ["x.ldu", EXECUTABLES],
  ["x.msb", HASHES],
  ["x.imp", HASHES],
  ["x.fp", HASHES],
  ["x.pwdb", PASSWORDS],
  ["x.pdb", POSED],
  ["x.wdb", ALLOWED],
  ["x.gdb", ADDRESSES],
  ["x.ftm", "0:0:504b0304:ZIP:CL_TYPE_ANY:CL_TYPE_ZIP"],
  ["x.ign", "db:1:A\nB"],
  ["x.ign2", "A\nB:0123456789abcdef0123456789abcdef"],
  ["x.cvd", `ClamAV-VDB:01 Jan 2026 00-00 +0000:1:2:90:${"0".repeat(32)}:sig:me:1`.padEnd(1024)],
];

/** Lists of hashes in other people's forms. */
export const HASH_LISTS: readonly (readonly [path: string, text: string])[] = [
  ["x.csv", HASH_LIST],
  ["x.txt", `${HASHED}\n# remark\n${"ef".repeat(20)}  name.exe\n`],
  [
    "x.json",
    JSON.stringify({ Event: { Attribute: [{ type: "sha256", value: HASHED }] }, response: [] }),
  ],
];
