// The file that every scanner knows (eicar.org), for trying out a gw.

/** Its text, put together: whole, it would have this program itself taken for what it looks for. */
export function eicar(): string {
  const middle = ["EICAR", "STANDARD", "ANTIVIRUS", "TEST", "FILE"].join("-");
  return ["X5O!P%@AP[4", "\\PZX54(P^)7CC)7}$", middle, "!$H+H*"].join("");
}
