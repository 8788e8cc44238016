/** A text, or a pair of texts, to be classified. */
export interface ForwardText {
  text: string;
  textPair?: string;
}

/** Texts of a window: tokenized together, sorted by length together. */
export const WINDOW_TEXTS = 1024;
/** A longer text takes the place of several in a window, so that long ones do not fill the memory. */
const TEXT_CHARACTERS = 4096;

/** How much of {@link WINDOW_TEXTS} a text of so many characters takes. */
export function windowShare(characters: number): number {
  return Math.max(1, characters / TEXT_CHARACTERS);
}

/** Characters of a text and of its pair. */
export function charactersOf({ text, textPair }: ForwardText): number {
  return text.length + (textPair?.length ?? 0);
}
