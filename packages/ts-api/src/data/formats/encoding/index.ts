/** From the bytes of a file to text in UTF-8: which encoding they have, and decoding with proof. */
export { detectEncoding } from "./detect.ts";
export { encodingName } from "./names.ts";
export { decodeHead, readText } from "./read.ts";
