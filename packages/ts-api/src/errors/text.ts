/** What a library, a server or the system said, to stand within a message: without line breaks and control characters. */
export function oneLine(said: string): string {
  return said.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

/** Characters of a message: a file may name things at any length. What is cut out lies between what is wrong and the remedy. */
const MESSAGE_LIMIT = 2000;
const MESSAGE_START = 1400;

/**
 * A text from a file, such as a name, in the form in which it is safe to print on a terminal: line breaks and other
 * control characters are written out (`\\u001b`).
 */
export function visible(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A message of any length and content as one line of at most 2,000 characters. */
export function asLine(message: string): string {
  return shortened(visible(shortened(message)));
}

function shortened(text: string): string {
  if (text.length <= MESSAGE_LIMIT) return text;
  return `${text.slice(0, MESSAGE_START)} … ${text.slice(MESSAGE_START + 3 - MESSAGE_LIMIT)}`;
}
