import { SourceUnavailable } from "../../third_party/lib/download.mjs";
import { SetupError } from "../lib/errors.mjs";
import { begin, clearStatus, done, note } from "../lib/terminal.mjs";
import { prepareDebtags } from "./debtags.mjs";
import { prepareGoEmotions } from "./goemotions.mjs";

/**
 * The data sets of the demo, in the order in which they are tried. `read`: finetag's options for these files; `train`:
 * options that suit the texts and keep the run short on two cores; `texts`: examples to predict after training.
 */
export const DATA_SETS = [
  {
    name: "debtags",
    title: "Debian's package descriptions and their debtags",
    prepare: prepareDebtags,
    file: (split) => `${split}.csv`,
    read: ["--text-column", "text", "--labels-column", "labels", "--id-column", "id"],
    train: [
      "--max-length",
      "48",
      "--epochs",
      "1",
      "--batch-size",
      "16",
      "--learning-rate",
      "3e-4",
      "--head-bias",
      "frequency",
      "--threshold",
      "0.3",
    ],
    texts: [
      "Music player for the desktop, written in Qt. Plays MP3, Ogg Vorbis and FLAC files and internet radio, with " +
        "playlists and an equalizer.",
      "Puzzle game with falling gems. Swap neighbouring stones to make rows of three; with music, high scores and " +
        "a hundred levels, drawn with SDL.",
      "Perl module to read and write spreadsheets. It offers an object-oriented interface to the cells of a table.",
      "Graphical mail reader for the GNOME desktop, with IMAP, POP and address books.",
      "OpenType font for Japanese. A typeface with kanji and kana for the screen.",
      "Web server with a small footprint. A daemon that serves static files and CGI scripts over HTTP and HTTPS.",
    ],
  },
  {
    name: "goemotions",
    title: "GoEmotions, Reddit comments and their emotions",
    prepare: prepareGoEmotions,
    file: (split) => `${split}.tsv`,
    read: ["--no-header", "--columns", "text,labels,id", "--labels-column", "labels"],
    train: [
      "--max-length",
      "48",
      "--epochs",
      "0.6",
      "--learning-rate",
      "1e-4",
      "--head-bias",
      "frequency",
      "--threshold",
      "0.3",
    ],
    texts: [
      "Thank you so much, this is exactly what I was looking for!",
      "Wait, how does that even work? Can you explain it again?",
      "They cancelled the show again. I am so fed up with this.",
      "I miss my grandmother. The house is so quiet without her.",
      "Haha, that cat's face at the end, I can't stop laughing.",
      "I can't wait for tomorrow, it's going to be the best day ever!",
    ],
  },
];

/**
 * Prepares the first data set that is available.
 *
 * @param only the name of the only one to try
 * @returns the entry of DATA_SETS and its stamp
 * @throws SetupError if none is available
 */
export async function prepareData(folder, only) {
  const candidates = DATA_SETS.filter(({ name }) => only === undefined || name === only);
  const reasons = [];
  for (const dataSet of candidates) {
    begin(dataSet.title);
    try {
      const stamp = await dataSet.prepare(folder);
      clearStatus();
      const { train, dev, test } = stamp.rows;
      done(`${train} + ${dev} + ${test} texts, ${stamp.labels} labels, ${stamp.words} words: ${folder}`);
      return { dataSet, stamp };
    } catch (error) {
      clearStatus();
      if (!(error instanceof SourceUnavailable)) throw error;
      note(`${dataSet.name} is not available: ${error.message}`);
      reasons.push(`${dataSet.name}: ${error.message}`);
    }
  }
  throw new SetupError(
    `No data for the demo is available (${reasons.join("; ")}); check the network and try again.`,
  );
}
