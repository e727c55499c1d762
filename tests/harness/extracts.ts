// Runs exploders in tests: all their extracts at once, and the whole tree as inspection would walk
// it.
import { Budget, type Limits } from "../../src/base/budget.ts";
import { Passwords } from "../../src/base/password/passwords.ts";
import type { Explosion, Extract } from "../../src/message.ts";
import { explodeMail } from "../../src/mime/explode.ts";
import { fileType } from "../../src/scan/file-type.ts";
import { unpackerFor } from "../../src/unpack/registry.ts";

export const LIMITS: Limits = {
  objectSizeMax: 64 << 20,
  expandedSizeMax: 256 << 20,
  objectCountMax: 5000,
  depthMax: 20,
  timeMaxMs: 20_000,
};

/** EICAR's test file, put together here so that no file of ours is one. */
export const EICAR = [
  "X5O!P%@AP[4\\PZX54(P^)7CC)7}$",
  "EICAR-STANDARD-ANTIVIRUS",
  "-TEST-FILE!$H+H*",
].join("");

export interface Exploded extends Explosion {
  readonly extracts: readonly Extract[];
}

export function budgetOf(limits: Partial<Limits> = {}): Budget {
  return new Budget({ ...LIMITS, ...limits }, () => performance.now());
}

/** A budget whose candidate passwords are the usual ones and those in `texts`. */
export function budgetWith(...texts: readonly string[]): Budget {
  const steady = () => performance.now();
  const passwords = new Passwords({ listed: [], texts: () => texts }, LIMITS, steady);
  return new Budget(LIMITS, steady, passwords);
}

/** Everything an exploder yields. */
export function drain(steps: Generator<Extract, Explosion>): Exploded {
  const extracts: Extract[] = [];
  for (;;) {
    const step = steps.next();
    if (step.done === true) return { ...step.value, extracts };
    extracts.push(step.value);
  }
}

export function mailOf(...lines: readonly string[]): Buffer {
  return Buffer.from(lines.join("\r\n"), "latin1");
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** Paths of all objects in a message that hold `content`, however deep. */
export function pathsWith(message: Uint8Array, content: string): string[] {
  const budget = budgetOf();
  const found: string[] = [];
  const open = [{ path: "", depth: 0, bytes: message, type: "mail" }];
  for (let object = open.pop(); object !== undefined; object = open.pop()) {
    const explode = object.type === "mail" ? explodeMail : unpackerFor(object.type);
    if (explode === undefined || object.depth > LIMITS.depthMax) continue;
    for (const { name, bytes, declaredType } of drain(explode(object.bytes, budget)).extracts) {
      const path = `${object.path}/${name}`;
      if (Buffer.from(bytes).includes(content)) found.push(path);
      const type = declaredType === "message/rfc822" ? "mail" : fileType(bytes);
      open.push({ path, depth: object.depth + 1, bytes, type });
    }
  }
  return found;
}
