// What gw uses of mailauth's inner modules: its main one pulls in HTTP clients and image readers.
declare module "mailauth/lib/spf/index.js" {
  import type { NodeLookup } from "./lookup.ts";
  export function spf(options: {
    readonly sender: string;
    readonly ip: string;
    readonly helo: string;
    readonly mta: string;
    readonly resolver: NodeLookup;
    readonly strict: boolean;
    readonly maxElapsedTime: number;
  }): Promise<{
    readonly domain?: string;
    readonly status: { readonly result: string; readonly comment?: string };
  }>;
}
declare module "mailauth/lib/dkim/dkim-verifier.js" {
  import type { Writable } from "node:stream";
  import type { NodeLookup } from "./lookup.ts";
  export interface ParsedHeaders {
    readonly parsed: readonly { readonly key: string; readonly line: Buffer }[];
  }
  export interface SignatureResult {
    readonly id?: string;
    readonly signingDomain?: string;
    readonly selector?: string;
    readonly status: {
      readonly result: string;
      readonly comment?: string;
      readonly aligned?: string | false;
      readonly underSized?: number;
    };
  }
  export class DkimVerifier extends Writable {
    constructor(options: {
      readonly resolver: NodeLookup;
      readonly strict: boolean;
      readonly curTime?: Date;
    });
    readonly results: readonly SignatureResult[];
    readonly headerFrom: readonly string[];
    readonly fromFields: number;
    /** "header" until the empty line has come. */
    readonly state: string;
    readonly arc: { readonly chain: unknown };
    messageHeaders(headers: ParsedHeaders): Promise<void>;
  }
}
declare module "mailauth/lib/arc/index.js" {
  import type { NodeLookup } from "./lookup.ts";
  export interface ArcResult {
    readonly status: { readonly result: string; readonly comment?: string };
    readonly signature?: { readonly signingDomain?: string };
  }
  export function arc(
    chain: unknown,
    options: { readonly resolver: NodeLookup; readonly strict: boolean; readonly ip: string },
  ): Promise<ArcResult>;
}
declare module "mailauth/lib/dmarc/index.js" {
  import type { NodeLookup } from "./lookup.ts";
  export function evaluateDmarc(options: {
    readonly headerFrom: readonly string[];
    readonly fromFields: number;
    readonly spfDomains: readonly string[];
    readonly dkimDomains: readonly {
      readonly id: string | undefined;
      readonly domain: string | undefined;
      readonly aligned: string | false | undefined;
      readonly underSized: number | undefined;
    }[];
    readonly arcResult: unknown;
    readonly resolver: NodeLookup;
    readonly strict: boolean;
  }): Promise<{
    readonly response:
      | false
      | {
          readonly status: {
            readonly result: string;
            readonly header?: { readonly from?: string };
          };
          readonly policy?: string;
        };
    readonly reason?: string;
  }>;
}
