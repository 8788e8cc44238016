import { createServer } from "node:http";

/**
 * A file server on the loopback interface with a server's possible manners.
 *
 * @param options.ranges whether it honours Range
 * @param options.breakAfter the first answer ends its connection after so many bytes
 * @param options.stallAfter the first answer says nothing more after so many bytes, later ones nothing at all
 * @param options.etag a validator; a function is asked at each request
 * @param options.name the file's name in the URL
 * @returns `{ url, requests, close }`; requests holds each request's Range header or "", in order
 */
export async function serveFile(
  body,
  { ranges = true, breakAfter, stallAfter, etag = '"1"', status = 200, name = "libtorch.zip" } = {},
) {
  const requests = [];
  const server = createServer((request, response) => {
    const range = request.headers.range ?? "";
    requests.push(range);
    if (status !== 200) return response.writeHead(status).end("no");
    const tag = typeof etag === "function" ? etag(requests.length) : etag;
    const bytes = typeof body === "function" ? body(requests.length) : body;
    const start =
      ranges && request.headers["if-range"] === tag ? Number(/bytes=(\d+)-/.exec(range)?.[1] ?? 0) : 0;
    const rest = bytes.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      "content-length": rest.length,
      ...(tag ? { etag: tag } : {}),
      ...(start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    const first = requests.length === 1;
    const stop = stallAfter === undefined ? (first ? breakAfter : undefined) : first ? stallAfter : 0;
    if (stop === undefined) return response.end(rest);
    response.write(rest.subarray(0, stop), () => {
      // Time for the bytes to arrive: a reset overtakes what the client has not read yet.
      if (stallAfter === undefined) setTimeout(() => response.destroy(), 100);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/${name}`,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A URL on this machine where nothing listens. */
export async function unusedUrl() {
  const { url, close } = await serveFile(Buffer.alloc(0));
  await close();
  return url;
}
