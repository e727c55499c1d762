// The part of mailparser that gw uses; the package comes without types.
declare module "mailparser" {
  /** A parsed mail; every field may be missing or, of hostile mail, of another shape. */
  interface ParsedMail {
    readonly from?: unknown;
    readonly to?: unknown;
    readonly subject?: unknown;
    readonly date?: unknown;
  }

  export function simpleParser(source: Uint8Array): Promise<ParsedMail>;
}
