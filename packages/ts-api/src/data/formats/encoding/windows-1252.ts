/** Windows-1252 from 0x80 to 0x9f. */
const C1 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

/** Some releases of Node.js decode Windows-1252 as Latin-1, whose control characters no text has. */
export function withoutC1(encoding: string, text: string): string {
  if (encoding !== "windows-1252") return text;
  return text.replace(/[\x80-\x9f]/g, (char) => C1[char.charCodeAt(0) - 0x80]!);
}
