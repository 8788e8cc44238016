/** A message of a library, a server or the system, to be used within a message: without line breaks and control characters. */
export function oneLine(said: string): string {
  return said.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

/** Maximum length of a message: names in files may have any length. The middle is cut out, between the problem and the remedy. */
const MESSAGE_LIMIT = 2000;
const MESSAGE_START = 1400;

/**
 * Makes a text from a file, such as a name, safe to print on a terminal: line breaks and other control characters are
 * escaped (`\\u001b`).
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
