// Encoders for tests, for what no library here writes.

/** A uuencoded file with its frame; content is latin1 text. */
export function uuencode(name: string, content: string): string {
  const bytes = Buffer.from(content, "latin1");
  const digit = (value: number) => (value === 0 ? "`" : String.fromCharCode(32 + value));
  const lines = [`begin 644 ${name}`];
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45);
    let text = digit(line.length);
    for (let i = 0; i < line.length; i += 3) {
      const group = ((line[i] ?? 0) << 16) | ((line[i + 1] ?? 0) << 8) | (line[i + 2] ?? 0);
      for (const shift of [18, 12, 6, 0]) text += digit((group >> shift) & 63);
    }
    lines.push(text);
  }
  return `${[...lines, "`", "end"].join("\r\n")}\r\n`;
}

/** A yEnc file with its frame; content and result are latin1 text. */
export function yencode(name: string, content: string): string {
  const bytes = Buffer.from(content, "latin1");
  let data = "";
  for (const byte of bytes) {
    const coded = (byte + 42) & 255;
    data += [0, 10, 13, 0x3d].includes(coded)
      ? `=${String.fromCharCode((coded + 64) & 255)}`
      : String.fromCharCode(coded);
  }
  const lines = data.match(/(?:=?[^=]){1,128}/gs) ?? [];
  const frame = `=ybegin line=128 size=${bytes.length} name=${name}`;
  return `${[frame, ...lines, `=yend size=${bytes.length}`].join("\r\n")}\r\n`;
}

export function base64Lines(content: string | Uint8Array): string {
  const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
  return Buffer.from(bytes).toString("base64").replace(/.{76}/g, "$&\r\n");
}

/** Quoted-printable with every byte escaped and a soft break after every 20. */
export function quotedPrintable(content: string): string {
  const codes = [...Buffer.from(content, "latin1")].map(
    (byte) => `=${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  );
  return codes.join("").replace(/(?:=..){20}/g, "$&=\r\n");
}
