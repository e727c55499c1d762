// Templates imported with { type: "text" } are their text.
declare module "*.tmpl" {
  const text: string;
  export default text;
}
