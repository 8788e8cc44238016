let stream = process.stdout;
let interactive = isTerminal(stream);

function isTerminal(candidate) {
  return candidate.isTTY === true && process.env.TERM !== "dumb";
}

/** Sends all further output to another stream, for scripts whose standard output has another purpose. */
export function reportOn(other) {
  stream = other;
  interactive = isTerminal(other);
}

/** A plain line. */
export function say(text) {
  clearStatus();
  stream.write(`${text}\n`);
}

/** A finished step. */
export function done(text) {
  say(`  ok  ${text}`);
}

/** A step that starts now and takes a while. */
export function begin(text) {
  say(`  ..  ${text}`);
}

/** A note that does not stop anything. */
export function note(text) {
  say(`  --  ${text}`);
}

let statusShown = false;

/** A line that the next one overwrites; only on a terminal. Returns whether it was shown. */
export function status(text) {
  if (!interactive) return false;
  const width = stream.columns ?? 80;
  stream.write(`\r\x1b[2K      ${text.slice(0, Math.max(width - 7, 10))}`);
  statusShown = true;
  return true;
}

export function clearStatus() {
  if (statusShown) stream.write("\r\x1b[2K");
  statusShown = false;
}

export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/**
 * Progress of a transfer: several times a second on a terminal; if the output is piped, a line for each tenth and at
 * least every 15 s.
 */
export function transferProgress(total) {
  const started = performance.now();
  let first;
  let shownAt = 0;
  let shownTenth = 0;
  return (received) => {
    first ??= received;
    const now = performance.now();
    const rate = ((received - first) / Math.max(now - started, 1)) * 1000;
    const text = `${megabytes(received)} of ${megabytes(total)} (${Math.floor((100 * received) / total)}%), ${megabytes(rate)}/s`;
    if (interactive) {
      if (now - shownAt < 200 && received < total) return;
      status(text);
    } else {
      const tenth = Math.floor((10 * received) / total);
      if (tenth <= shownTenth && now - shownAt < 15_000) return;
      shownTenth = tenth;
      say(`      ${text}`);
    }
    shownAt = now;
  };
}
