/** What ends a line: LF, also after a CR; or CR alone, as in files of old Mac programs. */
export type LineEnd = "\n" | "\r";

/** What comes before a field: a quote there encloses it. */
const FIELD_STARTS = new Set([undefined, ",", ";", "\t", "|", "\n", "\r", "\ufeff"]);

/**
 * CR where no LF ends a line and some CR does. Line breaks between quotes do not count: Excel's CSV for the Mac has LF there.
 */
export function findLineEnd(text: string): LineEnd {
  let quoted = false;
  let hasReturns = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') {
      if (!quoted) quoted = FIELD_STARTS.has(text[i - 1]);
      else if (text[i + 1] === '"') i++;
      else quoted = false;
    } else if (quoted) continue;
    else if (char === "\n") return "\n";
    else if (char === "\r") hasReturns = true;
  }
  return hasReturns ? "\r" : "\n";
}

/** The lines of a file's start that are not blank; without the last one where the file goes on. */
export function linesOf(text: string, lineEnd: LineEnd, whole: boolean): string[] {
  const lines = text.split(lineEnd);
  if (!whole) lines.pop();
  return lines
    .map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line))
    .filter((line) => line.trim() !== "");
}
