// What a wrapper is: a container or an encoding that can be written here.

export interface Wrapper {
  readonly name: string;
  /** The most that it can hold. */
  readonly sizeMax?: number;
  /** Whether it is a place that anyone would look for `content` in; any content if absent. */
  takes?(content: Buffer): boolean;
  wrap(content: Buffer): Buffer;
}

/** What the file in a wrapper is called. */
export const NAME = "FILE.BIN";

/** The file, as writers of archives take it. */
export const files = (content: Buffer) => [{ name: NAME, content: content as unknown as string }];

/** Bytes as text, one character each. */
export const text = (content: Buffer) => content.toString("latin1");

/** In one piece with the file, so that packing makes the whole shorter. */
export const ZEROS = { name: "ZEROS", content: "\0".repeat(9000) };
