const COLUMNS = 100;
const FONT_SIZE = 14;
/** Advance of a character, as in nearly all monospaced fonts; `textLength` holds other fonts to it. */
const ADVANCE = 0.6 * FONT_SIZE;
const LINE = 20;
const PADDING = 16;
const BAR = 32;

// The window has a background of its own, so that it can be read on any page. Contrast is 4.5 to 1 or more.
const STYLE = `
  .window { fill: #ffffff; stroke: #d0d7de }
  .dots { fill: #d0d7de }
  text { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
  text { font-size: ${FONT_SIZE}px; white-space: pre; fill: #1f2328 }
  .prompt, .given { fill: #116329 }
  .command { font-weight: bold }
  .bar { fill: #0550ae }
  .dim { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    .window { fill: #0d1117; stroke: #3d444d }
    .dots { fill: #3d444d }
    text { fill: #e6edf3 }
    .prompt, .given { fill: #7ee787 }
    .bar { fill: #79c0ff }
    .dim { fill: #9198a1 }
  }
`;

/**
 * Draws the text of a terminal as an SVG.
 *
 * A line that begins with `$ ` is a command, and so are the lines after one that ends with a backslash. A line of one
 * `…` stands for lines that were left out.
 *
 * @param text what was typed and printed, without escape sequences
 * @param title what the picture shows, for those who do not see it
 * @throws Error for a line that is too wide or holds a control character
 */
export function terminalSvg(text, title) {
  const lines = text.replace(/\n+$/, "").split("\n");
  lines.forEach(check);
  const columns = Math.max(...lines.map((line) => [...line].length));
  const width = Math.ceil(columns * ADVANCE) + 2 * PADDING;
  const height = BAR + lines.length * LINE + PADDING;
  let continued = false;
  const rows = lines.map((line, row) => {
    const command = continued || line.startsWith("$ ");
    continued = command && line.endsWith("\\");
    return drawLine(command ? commandParts(line) : outputParts(line), BAR + (row + 1) * LINE - 6);
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="window" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...[0, 1, 2].map((i) => `<circle class="dots" cx="${PADDING + 6 + 18 * i}" cy="${BAR / 2 + 1}" r="5"/>`),
    ...rows.filter((row) => row !== ""),
    "</svg>",
  ].join("\n")}\n`;
}

function check(line, i) {
  const length = [...line].length;
  if (length > COLUMNS) {
    throw new Error(`line ${i + 1} has ${length} characters; ${COLUMNS} fit into the picture`);
  }
  if (/\p{Cc}/u.test(line)) throw new Error(`line ${i + 1} holds a control character`);
}

/** Parts of a line: `[class, text]`. */
function commandParts(line) {
  return line.startsWith("$ ")
    ? [
        ["prompt", "$ "],
        ["command", line.slice(2)],
      ]
    : [["command", line]];
}

function outputParts(line) {
  if (line === "…") return [["dim", line]];
  // A label with its bar, as the demo prints it; the star is of a label that is given.
  const label = /^( {4}[* ] .*?)(#*)(\.*)( {2}[\d.]+)$/.exec(line);
  if (label === null || label[2] + label[3] === "") return [["", line]];
  const [, name, bar, rest, figure] = label;
  const given = name.startsWith("    *") ? "given" : "";
  return [
    [given, name],
    ["bar", bar],
    ["dim", rest],
    [given, figure],
  ];
}

function drawLine(parts, y) {
  let column = 0;
  return parts
    .map(([kind, text]) => {
      const start = column + (text.length - text.trimStart().length);
      column += [...text].length;
      const shown = text.trim();
      if (shown === "") return "";
      const length = [...shown].length;
      const place = `x="${number(PADDING + start * ADVANCE)}" y="${y}" textLength="${number(length * ADVANCE)}"`;
      return `<text ${kind === "" ? "" : `class="${kind}" `}${place} xml:space="preserve">${escapeXml(shown)}</text>`;
    })
    .filter((part) => part !== "")
    .join("\n");
}

const number = (value) => String(Math.round(value * 100) / 100);

function escapeXml(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
