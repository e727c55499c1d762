// Files imported with { type: "file" } are paths.
declare module "*.gwdb" {
  const path: string;
  export default path;
}
declare module "*.gws" {
  const path: string;
  export default path;
}
declare module "*.wasm" {
  const path: string;
  export default path;
}
