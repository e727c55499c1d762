// Asks the next hop whether it would take a recipient: a session as far as RCPT, with the null
// sender, and no message. Only a refusal of the recipient itself is an answer; all else is trouble.
import { connect } from "node:net";
import type { MailHosts, Target } from "../../../outbound/mail-hosts.ts";
import type { NextHop } from "../../../outbound/route.ts";
import type { Finding, RecipientSource } from "./directory.ts";

/** What a callout works with. */
export interface CalloutParts {
  readonly nextHop: (address: string) => NextHop;
  readonly hosts: MailHosts;
  /** Name given in EHLO. */
  readonly hostname: string;
  /** Milliseconds for one session. */
  readonly timeoutMs: number;
}

// At one time; a flood of invented recipients must not become a flood for the next hop.
const CALLOUTS_MAX = 20;
const WAITING_MAX = 500;
const REPLY_SIZE_MAX = 16_384;
const TARGETS_MAX = 3;
const QUIT_MS = 1000;
// RFC 5321 §4.2: the last line of a reply has a blank, or nothing, behind its code.
const LAST_LINE = /^(\d{3})(?: ([^\r\n]*))?\r?\n/m;
// RFC 3463 §3.8: about policy, not about whether there is such a mailbox.
const POLICY = /^5\.7\.\d+/;

/** Asks next hops. */
export class Callout implements RecipientSource {
  readonly name = "next hop";
  readonly isQuick = false;
  readonly #parts: CalloutParts;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(parts: CalloutParts) {
    this.#parts = parts;
  }

  async find(address: string): Promise<Finding> {
    if (this.#underWay >= CALLOUTS_MAX) {
      if (this.#waiting.length >= WAITING_MAX) return trouble("too many questions at one time");
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#underWay++;
    try {
      return await this.#find(address);
    } finally {
      this.#underWay--;
      this.#waiting.shift()?.();
    }
  }

  async #find(address: string): Promise<Finding> {
    const hop = this.#parts.nextHop(address);
    const located = await this.#parts.hosts.locate(hop);
    if (located.kind === "none") return trouble(located.outcome.reply);
    const isLmtp = hop.kind === "relay" && hop.terms.protocol === "lmtp";
    const hello = `${isLmtp ? "LHLO" : "EHLO"} ${this.#parts.hostname}`;
    const commands = [hello, "MAIL FROM:<>", `RCPT TO:<${address}>`];
    let last = trouble("it has no address");
    for (const target of located.targets.slice(0, TARGETS_MAX)) {
      last = await ask(target, commands, this.#parts.timeoutMs);
      if (last.kind !== "trouble") break;
    }
    return last;
  }
}

// One session: each command follows the good reply to the one before; the last reply is the answer.
function ask(
  { address: host, port, isSocket }: Target,
  commands: readonly string[],
  timeoutMs: number,
): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = connect(isSocket === true ? { path: host } : { host, port });
    let isEnded = false;
    const end = (finding: Finding) => {
      if (isEnded) return;
      isEnded = true;
      clearTimeout(timer);
      // A polite end, for which nobody waits.
      socket.end("QUIT\r\n");
      setTimeout(() => socket.destroy(), QUIT_MS).unref();
      resolve(finding);
    };
    const timer = setTimeout(() => end(trouble("no answer in time")), timeoutMs);
    let text = "";
    let step = 0;
    socket.on("error", (error) => end(trouble(error.message)));
    socket.on("close", () => end(trouble("the connection was lost")));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const found = LAST_LINE.exec(text);
      if (found === null) {
        if (text.length > REPLY_SIZE_MAX) end(trouble("an endless reply"));
        return;
      }
      const reply = `${found[1]} ${found[2] ?? ""}`.trim();
      text = "";
      const command = commands[step];
      const isGood = reply.startsWith("2");
      if (command === undefined) end(verdictOf(reply));
      else if (!isGood) end(trouble(`${commands[step - 1] ?? "greeting"}: ${reply}`));
      else socket.write(`${command}\r\n`);
      step++;
    });
  });
}

function trouble(reason: string): Finding {
  return { kind: "trouble", why: `the next hop can't be asked: ${reason.slice(0, 300)}` };
}

function verdictOf(reply: string): Finding {
  const why = `the next hop says: ${reply.slice(0, 300)}`;
  if (reply.startsWith("2")) return { kind: "known", why };
  const isAboutPolicy = POLICY.test(reply.slice(4));
  return { kind: reply.startsWith("5") && !isAboutPolicy ? "unknown" : "trouble", why };
}
