import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { fetchLibtorch } from "../../third_party/fetch-libtorch.mjs";
import { serveFile, unusedUrl } from "./server.mjs";

const QUICK = { connectMs: 700, stallMs: 300, backoffMs: 1 };

/** Where nothing answers. */
export const NOWHERE = await unusedUrl();

/** The folder of the fake libtorch in the cache. */
export const TARGET = "2.13.0-cpu-test-x64";

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** An archive as the manifest pins it. */
export const archive = (url, zip, name = "the zip") => ({
  ...{ kind: "url", name, url, sha256: sha256(zip), bytes: zip.length, root: "libtorch" },
});

export function manifestOf(...archives) {
  const platforms = { "test-x64": { archives } };
  return { variants: { cpu: { version: "2.13.0", accepts: ["2.13"], platforms } } };
}

/** Gives each test a cache and servers of its own, which end with it. */
export function useCache() {
  let cache;
  let servers;

  beforeEach(() => {
    cache = mkdtempSync(join(tmpdir(), "finetag libtörch "));
    servers = [];
  });

  afterEach(async () => {
    await Promise.all(servers.map((server) => server.close()));
    rmSync(cache, { recursive: true, force: true });
  });

  return {
    cache: () => cache,
    folder: () => join(cache, "libtorch"),
    async serve(body, options) {
      const server = await serveFile(body, options);
      servers.push(server);
      return server;
    },
    /** Fetches with nothing of this machine's environment. */
    fetchFake(archives, options = {}) {
      const manifest = manifestOf(...archives);
      return fetchLibtorch({
        manifest,
        platform: "test-x64",
        libtorchPath: "",
        cache,
        download: QUICK,
        ...options,
      });
    },
  };
}
