// A door's plan in the words of smtp-server.
import type { SecureContext } from "node:tls";
import type { SMTPServerOptions } from "smtp-server";
import type { DoorPlan, InboundSettings } from "../settings.ts";
import type { Certificates } from "../tls/certificates.ts";

// RFC 5321 §4.5.3.1.4 asks for 512; the extensions that are offered add less than 1100 to RCPT.
const COMMAND_LENGTH_MAX = 4096;
// Jokes that smtp-server brings along.
const DISABLED_COMMANDS = ["WIZ", "SHELL", "KILL"];
const RELAY_COMMANDS = ["XCLIENT", "XFORWARD"];

interface Keyring {
  readonly certificates: Certificates | undefined;
  /** Those in force at the moment of a handshake. */
  readonly latest: () => Certificates | undefined;
}

/** The options of a server. */
export function serverOptions(
  { hostname, messageSizeMax, idleTimeoutMs, sessionsMax }: InboundSettings,
  plan: DoorPlan,
  { certificates, latest }: Keyring,
): SMTPServerOptions {
  const main = certificates?.main;
  const isTls = main !== undefined && plan.tls !== "none";
  return {
    name: hostname,
    heloResponse: "%s",
    size: messageSizeMax,
    socketTimeout: idleTimeoutMs,
    // Connections that have not come to a session: they wait for TLS or for a PROXY header.
    maxClients: sessionsMax,
    maxCommandLength: COMMAND_LENGTH_MAX,
    // RFC 3463 and RFC 3461; off by default in smtp-server.
    hideENHANCEDSTATUSCODES: false,
    hideDSN: false,
    disableReverseLookup: true,
    // Who must log in is asked where mail begins.
    authOptional: true,
    lmtp: plan.protocol === "lmtp",
    disabledCommands: [
      ...DISABLED_COMMANDS,
      ...(isTls ? [] : ["STARTTLS"]),
      ...(plan.auth === "off" ? ["AUTH"] : []),
      ...(plan.xclientNetworks.length > 0 ? [] : RELAY_COMMANDS),
    ],
    // RFC 8996: TLS 1.0 and 1.1 are gone.
    minVersion: "TLSv1.2",
    ...(isTls && {
      secure: plan.tls === "implicit",
      cert: main.cert,
      key: main.key,
      SNICallback: (name: string, done: (error: null, context?: SecureContext) => void) =>
        done(null, (latest() ?? certificates)?.contextFor(name)),
    }),
  };
}
