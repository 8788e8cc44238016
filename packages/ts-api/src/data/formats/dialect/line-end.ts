/** What ends a line: LF, also after a CR; or CR alone, as in files of old Mac programs. */
export type LineEnd = "\n" | "\r";

/**
 * CR where no LF ends a line and some CR does. Line breaks between quotes do not count: Excel's CSV for the Mac has LF there.
 */
export function findLineEnd(text: string): LineEnd {
  let quoted = false;
  let returns = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x22) quoted = !quoted;
    else if (quoted) continue;
    else if (char === 10) return "\n";
    else if (char === 13) returns++;
  }
  return returns > 0 && (returns > 1 || !text.endsWith("\r") || !text.includes("\n")) ? "\r" : "\n";
}

/** The lines of a file's start that are not blank; without the last one where the file goes on. */
export function linesOf(text: string, lineEnd: LineEnd, whole: boolean): string[] {
  const lines = text.split(lineEnd);
  if (!whole) lines.pop();
  return lines
    .map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line))
    .filter((line) => line.trim() !== "");
}
