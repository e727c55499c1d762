// The lines of SMTP sessions for whoever watches them now: what passes over the wire, without what
// must not be seen. Message bodies never come here; what a client says to log in is left out.
import type { SMTPServerOptions } from "smtp-server";

/** One line of a session. */
export interface DialogLine {
  readonly client: string;
  readonly port: number;
  /** "C" for the client's, "S" for gw's. */
  readonly side: "C" | "S";
  readonly text: string;
}

/** Who listens to sessions. */
export interface Dialog {
  /** Asked for each line; nothing is made of it otherwise. */
  readonly isHeard: boolean;
  said(line: DialogLine): void;
}

/** The far side of a session, by the number that smtp-server gave the session. */
export type PeerOf = (id: string) => { readonly client: string; readonly port: number } | undefined;

const VERBS =
  /^(?:HELO|EHLO|LHLO|MAIL|RCPT|DATA|BDAT|RSET|NOOP|QUIT|HELP|VRFY|EXPN|STARTTLS|XCLIENT|XFORWARD)\b/i;

/**
 * A client's line as it may be shown. smtp-server hides what belongs to AUTH as far as it takes part
 * in it; a client that goes on talking after AUTH was refused says its password as a command. So
 * only the commands of SMTP are shown.
 */
export function shownCommand(line: string): string {
  const [, auth] = /^\s*(AUTH\s+[\w-]{1,20})\b/i.exec(line) ?? [];
  if (auth !== undefined) return `${auth} (not shown)`;
  return VERBS.test(line) ? line : `(${line.length} characters that are no command, not shown)`;
}

/** smtp-server logs in the manner of bunyan: data, then `C:` or `S:` and the line. */
export function dialogLogger(
  dialog: Dialog,
  peerOf: PeerOf,
): Exclude<SMTPServerOptions["logger"], boolean | undefined> {
  const silent = () => {};
  const debug = (data: { cid?: string } | undefined, side?: unknown, said?: unknown) => {
    if (!dialog.isHeard || (side !== "C:" && side !== "S:")) return;
    const { client, port } = peerOf(data?.cid ?? "") ?? { client: "", port: 0 };
    const text = String(said).replace(/\r?\n$/, "");
    if (side === "C:") dialog.said({ client, port, side: "C", text: shownCommand(text) });
    else
      for (const line of text.split("\r\n")) dialog.said({ client, port, side: "S", text: line });
  };
  return { trace: silent, debug, info: silent, warn: silent, error: silent, fatal: silent };
}
