// Mail with a DKIM signature, and the records of its domain.
import { generateKeyPairSync } from "node:crypto";
import type { Answer } from "dns-packet";
import { dkimSign } from "mailauth/lib/dkim/sign.js";
import type { Zone } from "./fake-dns.ts";

/** A TXT record, in strings of at most 255 bytes. */
export function textRecord(name: string, text: string | readonly string[]): Answer {
  const strings = typeof text === "string" ? (text.match(/.{1,255}/gs) ?? [""]) : text;
  return { name, type: "TXT", ttl: 300, data: strings.map((each) => Buffer.from(each)) };
}

/** Signs mail; one key for all domains. */
export class Signer {
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

  /** The mail with a signature of a domain in front. */
  async sign(mail: string, domain: string): Promise<string> {
    const privateKey = this.#keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const signatureData = [{ signingDomain: domain, selector: "s", privateKey }];
    const { signatures } = await dkimSign(mail, { signatureData });
    return signatures + mail;
  }

  /** Publishes the key, a DMARC policy and an SPF record of a domain. */
  publish(zone: Zone, domain: string, { policy = "reject", spf = "v=spf1 -all" } = {}): void {
    const bytes = this.#keys.publicKey.export({ type: "spki", format: "der" });
    const add = (name: string, text: string) => {
      zone[name] = [textRecord(name, text)];
    };
    add(domain, spf);
    add(`s._domainkey.${domain}`, `v=DKIM1; k=rsa; p=${bytes.toString("base64")}`);
    add(`_dmarc.${domain}`, `v=DMARC1; p=${policy}`);
  }
}
