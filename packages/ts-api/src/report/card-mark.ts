/** The last line of a card that finetag generated. A card without it was written by a person and is kept. */
export const CARD_MARK =
  "<!-- made by finetag push, which makes it anew; take this line away to keep changes -->";
