// What EHLO and LHLO answer. RFC 5321 §4.1.1.1: what is offered in this very session, and no more.

/** The session as far as its offers depend on it. */
export interface Offers {
  readonly sizeMax: number;
  readonly canLogIn: boolean;
  /** RFC 3207 §4.2: only once. */
  readonly canStartTls: boolean;
  readonly hasXclient: boolean;
  readonly hasXforward: boolean;
}

/** The extensions, one for each line of the answer. */
export function extensionsOf(offers: Offers): readonly string[] {
  return [
    "PIPELINING",
    "8BITMIME",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    "DSN",
    "CHUNKING",
    ...(offers.canLogIn ? ["AUTH PLAIN LOGIN"] : []),
    ...(offers.canStartTls ? ["STARTTLS"] : []),
    `SIZE ${offers.sizeMax}`,
    ...(offers.hasXclient ? ["XCLIENT NAME ADDR PORT PROTO HELO LOGIN"] : []),
    ...(offers.hasXforward ? ["XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"] : []),
  ];
}
