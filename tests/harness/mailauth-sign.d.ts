// mailauth's signing side, with which tests make their samples.
declare module "mailauth/lib/dkim/sign.js" {
  export function dkimSign(
    message: string,
    options: {
      readonly signatureData: readonly {
        readonly signingDomain: string;
        readonly selector: string;
        readonly privateKey: string;
      }[];
    },
  ): Promise<{ readonly signatures: string }>;
}
