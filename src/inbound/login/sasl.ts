// The exchange of AUTH, PLAIN (RFC 4616) and LOGIN, as far as it is talk: which line is a challenge,
// a name, a password. Knows neither users nor sockets.
import { REPLIES, type Reply } from "../../reply.ts";

/** What a client says it is. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

/** What a line of the exchange leads to. */
export type Step =
  /** Text to send behind 334, in base64. */
  | { readonly kind: "challenge"; readonly text: string }
  | { readonly kind: "credentials"; readonly credentials: Credentials }
  | { readonly kind: "over"; readonly reply: Reply };

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const NAME_MAX = 255;
const PASSWORD_MAX = 1024;
const ASK_NAME = "VXNlcm5hbWU6";
const ASK_PASSWORD = "UGFzc3dvcmQ6";

const over = (reply: Reply): Step => ({ kind: "over", reply });
const ask = (text: string): Step => ({ kind: "challenge", text });

// RFC 4954 §4: base64 that is none is 501; a single "=" is an empty initial response.
function decode(text: string): string | undefined {
  if (text === "=") return "";
  if (!BASE64.test(text)) return undefined;
  const decoded = Buffer.from(text, "base64").toString();
  return decoded.includes("\ufffd") ? undefined : decoded;
}

function credentials(name: string, password: string): Step {
  const isSound = name !== "" && name.length <= NAME_MAX && !/[\p{Cc}]/u.test(name);
  // An empty password is "no password" to many directories, which then let anyone in.
  const isGiven = password !== "" && password.length <= PASSWORD_MAX && !password.includes("\0");
  if (!isSound || !isGiven) return over(REPLIES.badLogin);
  return { kind: "credentials", credentials: { name, password } };
}

/** One AUTH command and the lines that follow it. */
export class AuthExchange {
  readonly #mechanism: string;
  readonly #initial: string | undefined;
  #name: string | undefined;
  #isWrong = false;

  /** `line` is the whole command. */
  constructor(line: string) {
    const [, mechanism = "", initial, ...more] = line.trim().split(/\s+/);
    this.#mechanism = mechanism.toUpperCase();
    this.#initial = initial;
    this.#isWrong = mechanism === "" || more.length > 0;
  }

  /** What the command itself leads to. */
  begin(): Step {
    if (this.#isWrong) return over(REPLIES.authSyntax);
    if (this.#mechanism === "PLAIN") {
      return this.#initial === undefined ? ask("") : this.next(this.#initial);
    }
    if (this.#mechanism !== "LOGIN") return over(REPLIES.unknownMechanism);
    return this.#initial === undefined ? ask(ASK_NAME) : this.next(this.#initial);
  }

  /** What a line of the client leads to. */
  next(line: string): Step {
    // RFC 4954 §4: the client gives up.
    if (line === "*") return over(REPLIES.authCancelled);
    const text = decode(line);
    if (text === undefined) return over(REPLIES.badBase64);
    if (this.#mechanism === "PLAIN") return this.#plain(text);
    if (this.#name !== undefined) return credentials(this.#name, text);
    this.#name = text;
    return ask(ASK_PASSWORD);
  }

  // authorisation NUL authentication NUL password; to act for another is not offered.
  #plain(text: string): Step {
    const [identity = "", name = "", password = "", ...more] = text.split("\0");
    if (more.length > 0 || !text.includes("\0")) return over(REPLIES.authSyntax);
    if (identity !== "" && identity !== name) return over(REPLIES.badLogin);
    return credentials(name, password);
  }
}
