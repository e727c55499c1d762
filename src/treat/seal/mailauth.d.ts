// What gw uses of mailauth's modules for signing.
declare module "mailauth/lib/dkim/sign.js" {
  export function dkimSign(
    input: Buffer,
    options: {
      readonly strict: boolean;
      readonly signTime: Date;
      readonly signatureData: readonly {
        readonly signingDomain: string;
        readonly selector: string;
        readonly privateKey: string;
        readonly canonicalization: string;
      }[];
    },
  ): Promise<{ readonly signatures: string; readonly errors: readonly { readonly err: Error }[] }>;
}
declare module "mailauth/lib/arc/index.js" {
  export function createSeal(
    input: Buffer,
    options: {
      readonly seal: {
        readonly strict: boolean;
        readonly signTime: Date;
        readonly signingDomain: string;
        readonly selector: string;
        readonly privateKey: string;
        readonly authResults: string;
        readonly cv: string;
      };
    },
  ): Promise<{
    readonly headers: readonly string[];
    readonly errors: readonly { readonly err: Error }[];
  }>;
}
