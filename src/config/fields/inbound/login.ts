// Settings of users who log in, at listeners that offer it.
import type { Schema } from "../../field.ts";
import { duration, flag, integer, ldapUrl, oneOf, path, phrase, secret } from "../../types.ts";

/** Section login. */
export const LOGIN_FIELDS = {
  "login.users_file": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "File of the users who may log in, kept with gw user: name:hash on each line, with the user's addresses behind another colon. It is read again when it changes. Empty: no such users.",
    example: "/etc/gw/users",
    knownAs: ["smtpd_sasl_path"],
  },
  "login.sender": {
    type: oneOf(["any", "own"]),
    default: "any",
    doc: "Whom a user may send as. own: only as the user's own addresses, or as the user's name if that is an address; any: as anyone.",
    example: "own",
    knownAs: ["smtpd_sender_login_maps", "reject_sender_login_mismatch"],
  },
  "login.failures_max": {
    type: integer({ min: 1, max: 1000 }),
    default: 10,
    doc: "Wrong passwords of one address within login.failures_within before it is told to come back later; for one user, from wherever, it is ten times as many.",
    example: 5,
  },
  "login.failures_within": {
    type: duration({ min: "1m", max: "24h" }),
    default: "15m",
    doc: "How long wrong passwords are remembered.",
    example: "1h",
  },
  "login.ldap_url": {
    type: ldapUrl(),
    default: "",
    doc: "LDAP directory whose users may log in as well. Empty: none.",
    example: "ldaps://ldap.example.org",
  },
  "login.ldap_starttls": {
    type: flag(),
    default: false,
    doc: "Begins TLS on an ldap:// connection; without TLS only a directory on this host is asked, as passwords would pass in the clear.",
    example: true,
  },
  "login.ldap_ca": {
    type: path({ orEmpty: true }),
    default: "",
    doc: "File of the certificates (PEM) that the directory is trusted by. Empty: the well-known ones, which gw has with it.",
    example: "/etc/gw/internal-ca.pem",
  },
  "login.ldap_bind_dn": {
    type: phrase(500),
    default: "",
    doc: "The entry that gw searches for users as. Empty: it searches without a name.",
    example: "cn=gw,dc=example,dc=org",
  },
  "login.ldap_bind_password": {
    type: secret(),
    default: "",
    doc: "The password of login.ldap_bind_dn.",
    example: "very secret",
  },
  "login.ldap_base": {
    type: phrase(500),
    default: "",
    doc: "The entry below which users are.",
    example: "ou=people,dc=example,dc=org",
  },
  "login.ldap_filter": {
    type: phrase(1000),
    default: "(uid={user})",
    doc: "How a user's entry is found; {user} stands for the name that was given.",
    example: "(mail={user})",
  },
  "login.ldap_addresses": {
    type: phrase(100),
    default: "mail",
    doc: "The attribute with the addresses of a user, for login.sender.",
    example: "mailLocalAddress",
  },
  "login.ldap_timeout": {
    type: duration({ min: "1s", max: "1m" }),
    default: "5s",
    doc: "How long gw waits for the directory; then the client is told to try again later.",
    example: "10s",
  },
} as const satisfies Schema;
