// AUTH in a session (RFC 4954): who may use it when, and what is said.
import type { Log } from "../../base/log.ts";
import { REPLIES, type Reply } from "../../reply.ts";
import type { Logins } from "./logins.ts";
import { AuthExchange, type Step } from "./sasl.ts";
import type { Identity } from "./users.ts";

/** The session as AUTH sees it. */
export interface AuthSession {
  /** The client's own address. */
  readonly address: string;
  readonly isSecure: boolean;
  /** Between MAIL and the end of the message. */
  readonly isOpen: boolean;
  give(reply: Reply): void;
  /** Sends a challenge and hands the next line over. */
  challenge(text: string, next: (line: string, done: () => void) => void): void;
}

/** The login of one session. */
export class LoginDialog {
  readonly #logins: Logins;
  readonly #log: Log;
  readonly #session: () => AuthSession;
  #identity: Identity | undefined;

  constructor(parts: { logins: Logins; log: Log; session: () => AuthSession }) {
    this.#logins = parts.logins;
    this.#log = parts.log;
    this.#session = parts.session;
  }

  /** Who has logged in. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** The session is another client's from now on. */
  forget(): void {
    this.#identity = undefined;
  }

  /** The command; `done` is called when the next one may come. */
  command(line: string, done: () => void): void {
    const session = this.#session();
    const refused = this.#refusal(session);
    if (refused !== undefined) {
      session.give(refused);
      done();
      return;
    }
    const exchange = new AuthExchange(line);
    this.#follow(exchange, exchange.begin(), done);
  }

  #refusal({ isSecure, isOpen }: AuthSession): Reply | undefined {
    // RFC 4954 §4: 538; passwords do not pass in the clear.
    if (!isSecure) return REPLIES.needsTls;
    if (this.#identity !== undefined) return REPLIES.alreadyIn;
    return isOpen ? REPLIES.notNow : undefined;
  }

  #follow(exchange: AuthExchange, step: Step, done: () => void): void {
    const session = this.#session();
    switch (step.kind) {
      case "challenge":
        session.challenge(step.text, (line, next) => {
          this.#follow(exchange, exchange.next(line.trim()), next);
        });
        done();
        return;
      case "over":
        session.give(step.reply);
        done();
        return;
      case "credentials":
        void this.#logins.attempt(step.credentials, session.address).then((result) => {
          const { name: user } = step.credentials;
          const about = { client: session.address, user };
          if (result.kind === "in") {
            this.#identity = result.identity;
            this.#log.info("logged-in", about);
            session.give(REPLIES.loggedIn);
          } else {
            const reply = result.kind === "wrong" ? REPLIES.badLogin : REPLIES.loginLater;
            const cause = result.kind === "later" ? result.cause : "wrong user or password";
            this.#log.info("login-refused", { ...about, cause });
            session.give(reply);
          }
          done();
        });
        return;
      default:
        step satisfies never;
    }
  }
}
