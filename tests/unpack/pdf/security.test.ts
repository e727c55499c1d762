import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { rc4 } from "../../../src/codec/rc4.ts";
import { aesDecrypt } from "../../../src/unpack/pdf/cipher.ts";
import { explodePdf } from "../../../src/unpack/pdf/explode.ts";
import { budgetOf, budgetWith, drain, EICAR, textOf } from "../../harness/extracts.ts";
import { buildPdf, type Part } from "./build-pdf.ts";
import { type Lock, lockOf, type Scheme } from "./encrypt-pdf.ts";

const CATALOG = "<< /Type /Catalog >>";
const { GW_CORPUS = join("..", "shared", "corpus") } = process.env;
const FOLDER = join(GW_CORPUS, "containers", "qpdf", "qpdf", "qtest", "qpdf");

function open(lock: Lock, ...parts: readonly Part[]) {
  const bytes = buildPdf([CATALOG, ...parts], `/Encrypt ${lock.dict} /ID ${lock.id}`);
  const { status, note, extracts } = drain(explodePdf(bytes, budgetOf()));
  const contents = extracts.map(({ name, bytes: content }) => [name, textOf(content)]);
  return { status, note, contents };
}

/** A script in a string, and a deflated attachment; objects 2 to 4. */
function secrets(lock: Lock): Part[] {
  const script = lock.encrypt(2, "app.alert(1)").toString("hex");
  return [
    `<< /S /JavaScript /JS <${script}> >>`,
    "<< /EF << /F 4 0 R >> >>",
    { dict: "/Filter /FlateDecode", data: lock.encrypt(4, deflateSync(EICAR)) },
  ];
}

const SCHEMES: [string, Scheme][] = [
  ["RC4 with 40 bits", { revision: 2 }],
  ["RC4 with 128 bits", { revision: 3 }],
  ["RC4 by crypt filter", { revision: 4 }],
  ["AES with 128 bits", { revision: 4, isAes: true }],
  ["AES with 256 bits, draft", { revision: 5 }],
  ["AES with 256 bits", { revision: 6 }],
];

test("rc4() gives the keystream of RFC 6229", () => {
  const made = rc4(Buffer.from("0102030405", "hex"), Buffer.alloc(16));
  expect(made.toString("hex")).toBe("b2396305f03dc027ccc3524a0a1118a8");
});

test("aesDecrypt() of less than two blocks is nothing", () => {
  expect(aesDecrypt(Buffer.alloc(16), Buffer.alloc(31))).toHaveLength(0);
});

test.each(SCHEMES)("a document under %s opens without a password", (_, scheme) => {
  const lock = lockOf({ ...scheme, owner: "master" });
  const { status, contents } = open(lock, ...secrets(lock));
  expect(status).toBe("clean");
  expect(contents).toContainEqual(["javascript 1", "app.alert(1)"]);
  expect(contents).toContainEqual(["embedded file 1", EICAR]);
});

test.each(SCHEMES)("a document under %s opens with an empty owner's password", (_, scheme) => {
  const lock = lockOf({ ...scheme, user: "kept back", owner: "" });
  const { status, contents } = open(lock, ...secrets(lock));
  expect(status).toBe("clean");
  expect(contents).toContainEqual(["javascript 1", "app.alert(1)"]);
});

test.each(SCHEMES)("a document under %s with a password is protected", (_, scheme) => {
  const lock = lockOf({ ...scheme, user: "kept back", owner: "master" });
  const { status, note, contents } = open(lock, ...secrets(lock));
  expect(status).toBe("protected");
  expect(note).toStartWith("encrypted");
  expect(JSON.stringify(contents)).not.toContain("alert");
});

test.each(SCHEMES)("a document under %s opens with a word of the message", (_, scheme) => {
  for (const [user, owner] of [
    ["kept-back", "master"],
    ["other", "kept-back"],
  ] as const) {
    const lock = lockOf({ ...scheme, user, owner });
    const bytes = buildPdf([CATALOG, ...secrets(lock)], `/Encrypt ${lock.dict} /ID ${lock.id}`);
    const found = drain(explodePdf(bytes, budgetWith("le mot de passe est : kept-back")));
    expect(found).toMatchObject({ status: "clean", note: 'opened with the password "kept-back"' });
    expect(found.extracts.map(({ name }) => name)).toContain("javascript 1");
  }
});

test("what is not encrypted in a protected document is given", () => {
  const secret = { user: "kept back", owner: "master" } as const;
  const identity = lockOf({ ...secret, revision: 4, rest: "/StmF /StdCF /StrF /Identity" });
  const found = open(identity, "<< /JS (plain) >>", {
    dict: "/Filter [/Crypt /FlateDecode] /DecodeParms [<< /Name /Identity >> null]",
    data: deflateSync("in the open"),
  });
  expect(found.status).toBe("protected");
  expect(found.contents).toEqual([
    ["javascript 1", "plain"],
    ["streams", "in the open"],
  ]);
  const rest = "/EFF /StdCF";
  const attached = lockOf({ ...secret, revision: 4, isAes: true, rest });
  const only = open(attached, ...secrets(attached), { data: "a page", isFlate: true });
  expect(only.status).toBe("protected");
  expect(only.contents).toContainEqual(["streams", "a page"]);
});

test("metadata may be left as it is", () => {
  const rest = "/StmF /StdCF /StrF /StdCF /EncryptMetadata false";
  const lock = lockOf({ revision: 4, isAes: true, rest });
  const part = { dict: "/Type /Metadata", data: "<x:xmpmeta/>" };
  expect(open(lock, part).contents).toEqual([["streams", "<x:xmpmeta/>"]]);
});

test("an /Encrypt that does not apply hides nothing", () => {
  for (const user of ["", "kept back"]) {
    const lock = lockOf({ revision: 4, isAes: true, user, owner: "master" });
    const { contents } = open(lock, "<< /JS (app.alert\\(1\\)) >>", { data: EICAR, isFlate: true });
    expect(JSON.stringify(contents)).toContain("app.alert(1)");
    expect(contents).toContainEqual(["streams", EICAR]);
  }
});

test.each([
  "<< /Filter /Adobe.PubSec /V 4 /SubFilter /adbe.pkcs7.s5 >>",
  "<< /Filter /Standard /V 9 /R 9 >>",
  "<< /Filter /Standard /V 4 /R 4 /O (x) /U (y) /CF << /A << /CFM /AESV2 >> >> /StmF /A /StrF /A >>",
  "<< /V 1 >>",
])("a document under %s is protected", (dict) => {
  const lock = { ...lockOf({ revision: 3 }), dict };
  expect(open(lock, { data: "\x01\x02", isFlate: false }).status).toBe("protected");
});

test("samples of another writer open or are told to be protected", () => {
  const names = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  const statuses: Record<string, string> = {};
  for (const name of names) {
    if (!/^enc-|^V4-aes|^c-r\d|^encrypted-40/.test(name)) continue;
    const bytes = readFileSync(join(FOLDER, name));
    statuses[name] = drain(explodePdf(bytes, budgetOf())).status;
  }
  for (const [name, status] of Object.entries(statuses)) {
    // The names tell the passwords; those of c-r* and encrypted-40* are set for reading.
    const isLocked = /U=|^c-r|^encrypted-40/.test(name);
    expect([name, status]).toEqual([name, isLocked ? "protected" : "clean"]);
  }
  expect(Object.keys(statuses).length).toBeGreaterThanOrEqual(names.length > 0 ? 10 : 0);
});

test("samples that are named good end clean, and none throws or hangs", () => {
  const names = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  const statuses = names.map((name) => {
    const { status } = drain(explodePdf(readFileSync(join(FOLDER, name)), budgetOf()));
    return [name, status] as const;
  });
  const poor = statuses.filter(([name, status]) => name.startsWith("good") && status !== "clean");
  expect(poor).toEqual([]);
  const clean = statuses.filter(([, status]) => status === "clean");
  expect(clean.length).toBeGreaterThanOrEqual(names.length * 0.8);
});
