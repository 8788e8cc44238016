export { openPytorch } from "./read.ts";
