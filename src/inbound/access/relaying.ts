// Whether gw relays at all: what the relay rules say, else the site's networks and domains.
import type { Client } from "../../message.ts";
import { REPLIES, SmtpError } from "../../reply.ts";
import type { Mailbox } from "../address.ts";
import type { RelayRules } from "../relay.ts";
import type { Access } from "./access.ts";

/** Throws an `SmtpError` if the client may not send to this recipient. */
export function checkRelay(
  { relay, access }: { readonly relay: RelayRules; readonly access?: Access | undefined },
  client: Client,
  mailbox: Mailbox,
): void {
  const rule = access?.relayRule(client, mailbox.address);
  const cause = rule && `access.relay_rules "${rule.text}"`;
  if (rule?.action === "defer") throw new SmtpError(REPLIES.accessDeferred, cause);
  const peer = (client.via ?? client).address;
  const isUser = client.user !== undefined;
  const isPlain = isUser || !relay.asksForMore(peer, mailbox);
  const isAllowed =
    rule === undefined
      ? isUser || relay.accepts(peer, mailbox)
      : rule.action === "allow" && isPlain;
  if (!isAllowed) throw new SmtpError(REPLIES.relayDenied, cause);
}
