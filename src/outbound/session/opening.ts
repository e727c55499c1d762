// Opens a session with one address: TCP or unix socket, greeting, EHLO or LHLO, TLS, login. What goes
// wrong here is always temporary, save a host that says that it never takes mail.
import { connect, isIP, type NetConnectOpts, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { describeError } from "../../base/log.ts";
import type { Outcome } from "../../message.ts";
import type { Target } from "../mail-hosts.ts";
import { outcomeOf, TROUBLE, troubleOutcome } from "../response.ts";
import type { Login } from "../route.ts";
import { chainOf, matchesDane } from "../security/dane.ts";
import { flawOf, type TlsEnd, type TlsFlaw } from "../security/tls-results.ts";
import type { SessionTerms } from "../settings.ts";
import { Connection } from "./connection.ts";
import {
  describeTarget,
  lossOf,
  Session,
  type SessionContext,
  type SessionParts,
  type SmtpTrouble,
} from "./session.ts";

/** A session, or why there is none. */
export type Opening =
  | { readonly kind: "open"; readonly session: Session; readonly tls: TlsEnd }
  | {
      readonly kind: "refused";
      readonly outcome: Outcome;
      /** The failure was one of encryption: it may work in clear. */
      readonly isTlsTrouble: boolean;
      /** What was wrong with the encryption that was needed. */
      readonly flaw?: TlsFlaw;
    };

// RFC 7504, RFC 1846: said by hosts that never take mail. Any other refusal in a greeting is about
// the client or the moment.
const NEVER_TAKES_MAIL = /^(?:521|556)(?:[ -]|$)/;

const IMPOSTOR = "its certificate is none that its TLSA records name";

/** Opens a session on these terms. */
export async function openSession(
  target: Target,
  terms: SessionTerms,
  context: SessionContext,
): Promise<Opening> {
  const socket = await connectTo(target, terms, context.settings.timeouts.connectMs);
  if (socket instanceof Error) {
    const outcome = troubleOutcome(
      TROUBLE.noConnection,
      describeTarget(target),
      describeError(socket),
    );
    return { kind: "refused", outcome, isTlsTrouble: false };
  }
  const connection = newConnection(socket, { target, terms, context });
  const error = await shakeHands(connection);
  if (error !== undefined) {
    // A failure that comes while nodemailer upgrades is one of TLS, whatever it is called.
    const isTlsTrouble = error.code === "ETLS" || connection.upgrading === true;
    connection.close();
    const outcome = refusal(error, target, isTlsTrouble);
    return {
      kind: "refused",
      outcome,
      isTlsTrouble,
      ...(isTlsTrouble && { flaw: flawIn(error) }),
    };
  }
  const impostor = impostorOf(connection, target, terms);
  if (impostor !== undefined) {
    connection.close();
    const flaw = { kind: "validation-failure", reason: IMPOSTOR } as const;
    return { kind: "refused", outcome: impostor, isTlsTrouble: false, flaw };
  }
  const { login } = terms;
  const refused = login === undefined ? undefined : await logIn(connection, login, target);
  if (refused !== undefined) {
    connection.close();
    return { kind: "refused", outcome: refused, isTlsTrouble: false };
  }
  connection.rest();
  const session = new Session(connection, { target, terms, context });
  return { kind: "open", session, tls: tlsOf(connection, target) };
}

// RFC 8460 §4.3.1: of an encrypted session also what a look at the certificate would have said.
function tlsOf({ secure, _socket: socket }: Connection, { host }: Target): TlsEnd {
  const local = socket === undefined ? undefined : (socket as Socket).localAddress;
  const about = {
    isEncrypted: secure === true,
    ...(local !== undefined && { localAddress: local }),
  };
  if (!(socket instanceof TLSSocket) || isIP(host) !== 0) return about;
  const { authorizationError } = socket;
  if (authorizationError) return { ...about, flaw: flawOf(String(authorizationError)) };
  const [own] = chainOf(socket);
  if (own !== undefined && own.checkHost(host) !== undefined) return about;
  return { ...about, flaw: flawOf("the certificate's altnames do not have the host") };
}

// RFC 8460 §4.3.1: not offered, or refused, is one thing; TLS that fails is another.
function flawIn(error: SmtpTrouble): TlsFlaw {
  const { response = "" } = error;
  if (/^[45]\d\d/.test(response)) return { kind: "starttls-not-supported" };
  return flawOf(describeError(error));
}

function connectTo(
  target: Target,
  terms: SessionTerms,
  timeoutMs: number,
): Promise<Socket | Error> {
  const { address: host, port } = target;
  // An address of one family can't reach the other one.
  const localAddress = terms.localAddresses.find((each) => isIP(each) === isIP(host));
  const options: NetConnectOpts = target.isSocket
    ? { path: host }
    : { host, port, ...(localAddress !== undefined && { localAddress }) };
  return new Promise((resolve) => {
    const socket = connect(options);
    const end = (result: Socket | Error) => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      if (result instanceof Error) {
        socket.on("error", () => {});
        socket.destroy();
      }
      resolve(result);
    };
    const timer = setTimeout(() => end(new Error("connection timed out")), timeoutMs);
    socket.once("error", end);
    socket.once("connect", () => end(socket));
  });
}

function newConnection(socket: Socket, { target, terms, context }: SessionParts): Connection {
  const { hostname, timeouts } = context.settings;
  const { tls, protocol, tlsCa = context.settings.tlsCa, tlsName } = terms;
  const isVerified = tls === "required";
  const connection = new Connection(
    {
      connection: socket,
      host: target.isSocket ? "localhost" : target.host,
      name: hostname,
      lmtp: protocol === "lmtp",
      secure: protocol === "smtps",
      ignoreTLS: tls === "off",
      requireTLS: isVerified || tls === "encrypted",
      opportunisticTLS: tls === "opportunistic",
      tls: {
        // RFC 7435: encryption without proof of identity is still better than none.
        rejectUnauthorized: isVerified,
        minVersion: "TLSv1.2",
        ...(tlsCa === undefined ? {} : { ca: tlsCa }),
        ...(tlsName === undefined ? {} : { servername: tlsName }),
      },
    },
    timeouts,
    context.steady,
  );
  const { connections } = context;
  connections.add(connection);
  connection.on("end", () => connections.delete(connection));
  // Without a listener an "error" event would end the thread. Whoever waits is told by other ways.
  connection.on("error", () => {});
  return connection;
}

function shakeHands(connection: Connection): Promise<SmtpTrouble | undefined> {
  return new Promise((resolve) => {
    connection.once("error", resolve);
    connection.once("end", () => resolve(new Error("connection closed")));
    connection.connect((error) => resolve(error));
  });
}

function refusal(error: SmtpTrouble, target: Target, isTlsTrouble: boolean): Outcome {
  const host = describeTarget(target);
  const { response = "" } = error;
  if (isTlsTrouble) return troubleOutcome(TROUBLE.tls, host, describeError(error));
  if (NEVER_TAKES_MAIL.test(response)) return outcomeOf(response, host);
  if (response !== "") return troubleOutcome(TROUBLE.refusedSession, host, response);
  return lossOf(error, host);
}

// RFC 7672 §2.2: before anything of the mail is said.
function impostorOf(connection: Connection, target: Target, terms: SessionTerms) {
  const { tlsa } = terms;
  const socket = connection._socket;
  if (tlsa === undefined) return undefined;
  const names = target.domain === undefined ? [target.host] : [target.host, target.domain];
  const isRight =
    socket instanceof TLSSocket && matchesDane(tlsa, chainOf(socket), names, Date.now());
  return isRight ? undefined : troubleOutcome(TROUBLE.tls, describeTarget(target), IMPOSTOR);
}

// RFC 4954 §4. A password that is wrong is the administrator's slip: it must not fail all mail, so
// whatever is refused here is temporary.
function logIn(
  connection: Connection,
  { user, password }: Login,
  target: Target,
): Promise<Outcome | undefined> {
  const host = describeTarget(target);
  if (!connection.secure && target.isSocket !== true) {
    return Promise.resolve(troubleOutcome(TROUBLE.loginInClear, host));
  }
  const method = ["PLAIN", "LOGIN"].find((each) => connection.knowsLogin(each));
  if (method === undefined) return Promise.resolve(troubleOutcome(TROUBLE.noLogin, host));
  return new Promise((resolve) => {
    connection.once("end", () => {
      resolve(troubleOutcome(TROUBLE.lostConnection, host, "in the middle of the login"));
    });
    connection.login({ user, pass: password, method } as never, (error) => {
      const { response = "" } = (error ?? {}) as SmtpTrouble;
      resolve(error ? troubleOutcome(TROUBLE.loginRefused, host, response) : undefined);
    });
  });
}
