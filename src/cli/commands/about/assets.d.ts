// Files that build.ts makes; importing one gives the path it can be read from.
declare module "*.jsonl" {
  const path: string;
  export default path;
}
