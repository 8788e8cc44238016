import { charactersOf, type ForwardText, ReadAhead, WINDOW_TEXTS, windowShare } from "../engine/index.ts";
import { FinetagError } from "../errors/index.ts";
import type { TextInput } from "./types.ts";

/** @throws FinetagError `ERR_FINETAG_ARGUMENT` for anything that is not a text, with its index. */
export function asInput(given: string | TextInput, index: number): TextInput {
  const input = typeof given === "string" ? { text: given } : given;
  const pairIsText = input?.textPair === undefined || typeof input.textPair === "string";
  if (typeof input?.text === "string" && pairIsText) return input;
  throw new FinetagError(
    "ERR_FINETAG_ARGUMENT",
    `texts[${index}] is neither a string nor an object with a string as its text`,
  );
}

/** Cuts texts into windows, as {@link collected} cuts a stream where `full`. */
export function* windowsOf(inputs: readonly TextInput[]): Generator<TextInput[], void> {
  let window: TextInput[] = [];
  let weight = 0;
  for (const input of inputs) {
    window.push(input);
    weight += windowShare(charactersOf(input));
    if (weight < WINDOW_TEXTS) continue;
    yield window;
    window = [];
    weight = 0;
  }
  if (window.length > 0) yield window;
}

/** Collects up to a window of texts from a stream while earlier windows are computed. */
export function collectTexts<T extends string | ForwardText>(
  source: AsyncIterable<T> | Iterable<T>,
): ReadAhead<T> {
  return new ReadAhead(source, WINDOW_TEXTS, (given) => windowShare(characters(given)));
}

/** Anything that is not a text is refused later, with its index. */
function characters(given: string | ForwardText): number {
  if (typeof given === "string") return given.length;
  return (given?.text?.length ?? 0) + (given?.textPair?.length ?? 0);
}

/**
 * Windows of what {@link collectTexts} has, to its end.
 *
 * @param full Only the last window is smaller. Otherwise each window has what arrived while earlier ones were computed: a
 *   text that arrives alone goes at once, and many texts go together.
 */
export async function* collected<T>(texts: ReadAhead<T>, full: boolean): AsyncGenerator<T[], void> {
  for (let window = await texts.take(full); window.length > 0; window = await texts.take(full)) yield window;
}

/** The windows of a stream; texts are checked as they arrive. */
export async function* checkedWindows(
  texts: ReadAhead<string | TextInput>,
  full: boolean,
): AsyncGenerator<TextInput[], void> {
  let index = 0;
  for await (const window of collected(texts, full)) yield window.map((given) => asInput(given, index++));
}
