import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError } from "../../scripts/lib/errors.mjs";

/** A source that can't be used now; the next one may be. */
export class SourceUnavailable extends Error {
  name = "SourceUnavailable";
}

/** The bytes are not the pinned ones. Never ignored: the user should look into it. */
export class ChecksumError extends SetupError {
  name = "ChecksumError";
}

const CONNECT_MS = 10_000;
const STALL_MS = 30_000;
const ATTEMPTS = 5;

/**
 * Downloads `url` to `file` through `file`.part. A later call resumes it if the server supports that (HTTP Range,
 * guarded by If-Range), and restarts it otherwise. Afterwards, `file` has the pinned size and sha256.
 *
 * @throws SourceUnavailable if the server can't be reached or stops midway
 * @throws ChecksumError if the bytes are not the pinned ones; they are removed
 */
export async function download(
  { url, file, sha256, bytes },
  { onProgress = () => {}, connectMs = CONNECT_MS, stallMs = STALL_MS, backoffMs = 1_000 } = {},
) {
  await mkdir(dirname(file), { recursive: true });
  if ((await sizeOf(file)) === bytes) return verify(file, { sha256, bytes, url });
  const part = `${file}.part`;
  const validatorFile = `${part}.validator`;
  const removePart = () => Promise.all([rm(part, { force: true }), rm(validatorFile, { force: true })]);

  let failures = 0;
  for (;;) {
    const before = await sizeOf(part);
    if (before === bytes) break;
    if (before > bytes) await removePart();
    try {
      await transfer({ url, part, validatorFile, bytes, onProgress, connectMs, stallMs });
      break;
    } catch (error) {
      if (error instanceof ChecksumError) await removePart();
      if (error instanceof SetupError || error instanceof SourceUnavailable) throw error;
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      const nothingYet = before === 0 && (await sizeOf(part)) === 0;
      if (failures >= (nothingYet ? 1 : ATTEMPTS)) throw new SourceUnavailable(reasonOf(error, url));
      await sleep(backoffMs * failures);
    }
  }
  await verify(part, { sha256, bytes, url }).catch(async (error) => {
    await removePart();
    throw error;
  });
  await rename(part, file);
  await rm(validatorFile, { force: true });
}

/** Appends what is missing to `part`; returns when the server has sent the last byte. */
async function transfer({ url, part, validatorFile, bytes, onProgress, connectMs, stallMs }) {
  const validator = await readFile(validatorFile, "utf8").catch(() => "");
  // Without a validator, the server may have another file by now: start over.
  const offset = validator === "" ? 0 : await sizeOf(part);
  const headers = { "accept-encoding": "identity" };
  if (offset > 0) Object.assign(headers, { range: `bytes=${offset}-`, "if-range": validator });

  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(new Error(`no answer within ${connectMs / 1000} s`)), connectMs);
  try {
    const response = await fetch(url, { headers, signal: abort.signal });
    const resumed = response.status === 206 && rangeStart(response) === offset;
    if (response.status !== 200 && !resumed) {
      await response.body?.cancel();
      if (offset > 0) {
        await rm(validatorFile, { force: true });
        throw new Error(`HTTP ${response.status} for a range`);
      }
      throw new SourceUnavailable(
        `${new URL(url).host}: HTTP ${response.status} ${response.statusText}`.trim(),
      );
    }
    const total = expectedTotal(response, resumed ? offset : 0);
    if (total !== undefined && total !== bytes) {
      await response.body?.cancel();
      throw new ChecksumError(
        `${url}: the server has a file of ${total} bytes, but the manifest pins ${bytes}: it is another file. ` +
          "Check for a proxy or a sign-in page in between, or set LIBTORCH_PATH.",
      );
    }
    await writeFile(validatorFile, validatorOf(response));
    const handle = await open(part, resumed ? "a" : "w");
    try {
      let received = resumed ? offset : 0;
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = setTimeout(() => abort.abort(new Error(`no data for ${stallMs / 1000} s`)), stallMs);
        await handle.writeFile(chunk);
        received += chunk.length;
        onProgress(received);
      }
      if (received < bytes) throw new Error(`the connection ended after ${received} of ${bytes} bytes`);
    } finally {
      await handle.close();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Compares a file with its pinned size and sha256; a file that differs is removed. */
export async function verify(file, { sha256, bytes, url }) {
  const size = await sizeOf(file);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  const actual = hash.digest("hex");
  if (size === bytes && actual === sha256) return;
  await rm(file, { force: true });
  throw new ChecksumError(
    `Wrong checksum for ${url}:\n  expected sha256 ${sha256}, ${bytes} bytes\n  received sha256 ${actual}, ${size} bytes\n` +
      "The file was removed. Run it again; if the checksum stays wrong, something between you and the server changes the file.",
  );
}

function rangeStart(response) {
  return Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1]);
}

function expectedTotal(response, offset) {
  const length = response.headers.get("content-length");
  return length === null ? undefined : offset + Number(length);
}

/** What If-Range may hold: a strong ETag, or else the modification time. */
function validatorOf(response) {
  const tag = response.headers.get("etag");
  if (tag !== null && !tag.startsWith("W/")) return tag;
  return response.headers.get("last-modified") ?? "";
}

async function sizeOf(file) {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

const REASONS = {
  ENOTFOUND: "host not found",
  EAI_AGAIN: "host not found (no name service)",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  ENETUNREACH: "network unreachable",
  EHOSTUNREACH: "host unreachable",
  UND_ERR_CONNECT_TIMEOUT: "no connection within 10 s",
};

function reasonOf(error, url) {
  const cause = error.cause ?? error;
  const code = cause.code ?? cause.errors?.[0]?.code;
  return `${new URL(url).host}: ${REASONS[code] ?? cause.message ?? error.message}`;
}
