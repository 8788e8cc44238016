const WIDTH = 78;
const BAR = 20;

/** A text and its most likely labels, one per line; those above the threshold are marked. */
export function showPrediction({ text, labels, probabilities }, count = 5) {
  const given = new Set(labels);
  const likeliest = Object.entries(probabilities)
    .sort(([, a], [, b]) => b - a)
    .slice(0, Math.max(count, Math.min(given.size, 2 * count)));
  const width = Math.max(...likeliest.map(([label]) => label.length));
  const lines = likeliest.map(([label, probability]) => {
    const bar = "#".repeat(Math.round(probability * BAR)).padEnd(BAR, ".");
    return `    ${given.has(label) ? "*" : " "} ${label.padEnd(width)}  ${bar}  ${probability.toFixed(3)}`;
  });
  return [...wrap(text).map((line) => `  ${line}`), ...lines].join("\n");
}

function wrap(text) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== "" && last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}
