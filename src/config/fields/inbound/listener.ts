// Settings of a [[listener]], a door with rules of its own, and of a [[certificate]] for it.
import { ROLES } from "../../../message.ts";
import type { Schema } from "../../field.ts";
import { fileMode, list, listenPlace, network, oneOf, path } from "../../types.ts";

/** What every [[listener]] has. */
export const LISTENER_FIELDS = {
  listen: {
    type: list(listenPlace()),
    default: [],
    doc: "Where it waits for clients: addresses and ports, sockets in the file system (unix:/path), and sockets that systemd opens and hands over (systemd:NAME, where NAME is the FileDescriptorName of the socket unit).",
    example: ["0.0.0.0:587", "[::]:587"],
    knownAs: ["ListenOn", "ListenStream"],
  },
  role: {
    type: oneOf(ROLES),
    default: "mx",
    doc: "Whom it is for. mx: anyone, and mail only for inbound.relay_domains, or from inbound.relay_networks to anywhere. submission: users, who log in and may then send anywhere. internal: clients in inbound.relay_networks only; others are turned away.",
    example: "submission",
  },
  tls: {
    type: oneOf(["none", "starttls", "implicit"]),
    default: "starttls",
    doc: "When TLS begins. starttls: the client may ask for it, if there is a certificate. implicit: from the first byte on, as on port 465. none: never.",
    example: "implicit",
    knownAs: ["smtpd_tls_wrappermode", "smtpd_tls_security_level"],
  },
  protocol: {
    type: oneOf(["smtp", "lmtp"]),
    default: "smtp",
    doc: "What is spoken: SMTP, or LMTP (RFC 2033), which has a reply for each recipient. LMTP must not be spoken on port 25.",
    example: "lmtp",
  },
  proxy_networks: {
    type: list(network()),
    default: [],
    doc: "Load balancers that speak the PROXY protocol, version 1 or 2: who connects from these networks must begin with its header, and is taken for the client that it names.",
    example: ["192.0.2.10/32"],
    knownAs: ["smtpd_upstream_proxy_protocol", "postscreen_upstream_proxy_protocol"],
  },
  xclient_networks: {
    type: list(network()),
    default: [],
    doc: "Relays that may say with XCLIENT who their client is (the session then has that client's rights) or with XFORWARD (it keeps its own).",
    example: ["192.0.2.20/32"],
    knownAs: ["smtpd_authorized_xclient_hosts", "smtpd_authorized_xforward_hosts"],
  },
  socket_mode: {
    type: fileMode(),
    default: "0660",
    doc: "Permissions of a socket in the file system. Whoever may open it counts as a client on this host, 127.0.0.1.",
    example: "0666",
  },
} as const satisfies Schema;

/** What a [[listener]] may have. */
export const LISTENER_RULE_FIELDS = {
  auth: {
    type: oneOf(["off", "offered", "required"]),
    default: "off",
    doc: "Whether clients log in with AUTH, over TLS only. required: mail is taken from nobody else. It is required where the role is submission, and off elsewhere, unless something else stands here.",
    example: "offered",
    knownAs: ["smtpd_sasl_auth_enable"],
  },
} as const satisfies Schema;

/** What every [[certificate]] has. */
export const CERTIFICATE_FIELDS = {
  certificate: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Another certificate chain in PEM. Clients that ask for one of its names (SNI) get it; all others get inbound.tls_certificate.",
    example: "/etc/gw/mail.example.net.pem",
    knownAs: ["tls_server_sni_maps"],
  },
  key: {
    type: path({ orEmpty: true }),
    default: "",
    doc: "Its private key in PEM.",
    example: "/etc/gw/mail.example.net.key",
  },
} as const satisfies Schema;
