// What all executable formats have in common, as signatures speak of it.

/** A stretch of an executable: in the file and in memory. */
export interface Section {
  /** Latin-1, without the NUL bytes behind it. */
  readonly name: string;
  /** Bytes from the file's start. */
  readonly offset: number;
  /** Bytes in the file; not cut to what is really there. */
  readonly size: number;
  /** Where it is loaded: relative to the image in PE, absolute elsewhere. */
  readonly address: number;
  readonly virtualSize: number;
  /** The format's own flags. */
  readonly flags: number;
}

/** A stretch of the file. */
export interface Stretch {
  readonly offset: number;
  readonly size: number;
}

/** What every parsed executable tells. */
export interface ExecutableShape {
  /** File offset of the first instruction, -1 if it lies nowhere in the file. */
  readonly entryPoint: number;
  readonly sections: readonly Section[];
  /** What stands behind all that the headers speak of; size 0 if nothing does. */
  readonly overlay: Stretch;
}
