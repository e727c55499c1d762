// The version of gw; the package file is the one place where it is written.
import manifest from "../../package.json" with { type: "json" };

/** Version of gw, `MAJOR.MINOR.PATCH`. */
export const VERSION: string = manifest.version;
