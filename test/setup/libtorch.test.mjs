import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheFolder, fetchLibtorch, readManifest } from "../../third_party/fetch-libtorch.mjs";
import { placeEntry } from "../../third_party/lib/layout.mjs";
import { findPip } from "../../third_party/lib/pip.mjs";
import { serveFile, unusedUrl } from "./server.mjs";
import { fakeLibtorch, makeZip } from "./zip.mjs";

const QUICK = { connectMs: 700, stallMs: 300, backoffMs: 1 };
const NOWHERE = await unusedUrl();

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

async function serve(body, options) {
  const server = await serveFile(body, options);
  servers.push(server);
  return server;
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const archive = (url, zip, name = "the zip") => ({
  ...{ kind: "url", name, url, sha256: sha256(zip), bytes: zip.length, root: "libtorch" },
});

function manifestOf(...archives) {
  const platforms = { "test-x64": { archives } };
  return { variants: { cpu: { version: "2.13.0", accepts: ["2.13"], platforms } } };
}

/** Fetches with nothing of this machine's environment. */
function fetchFake(archives, options = {}) {
  const manifest = manifestOf(...archives);
  return fetchLibtorch({
    manifest,
    platform: "test-x64",
    libtorchPath: "",
    cache,
    download: QUICK,
    ...options,
  });
}

const folder = () => join(cache, "libtorch");
const TARGET = "2.13.0-cpu-test-x64";

describe("the manifest", () => {
  it("pins every archive by version, size and sha256", () => {
    const { variants } = readManifest();
    for (const { version, accepts, platforms } of Object.values(variants)) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(accepts.some((series) => version.startsWith(`${series}.`))).toBe(true);
      for (const { archives } of Object.values(platforms)) {
        expect(archives.map(({ kind }) => kind)).toEqual(["url", "pip"]);
        for (const { sha256, bytes, name, root } of archives) {
          expect(sha256).toMatch(/^[0-9a-f]{64}$/);
          expect(bytes).toBeGreaterThan(1e8);
          expect(name).toBeTruthy();
          expect(root).toMatch(/^(lib)?torch$/);
        }
        for (const { url } of archives.filter(({ kind }) => kind === "url")) {
          expect(new URL(url).protocol).toBe("https:");
          expect(decodeURIComponent(url)).toContain(version);
        }
        for (const { requirement } of archives.filter(({ kind }) => kind === "pip")) {
          expect(requirement).toContain(`torch==${version}`);
        }
      }
    }
  });
});

describe("the cache's place", () => {
  it("is FINETAG_CACHE, XDG's or the home folder's", () => {
    expect(cacheFolder({ FINETAG_CACHE: "/a/b", XDG_CACHE_HOME: "/c" })).toBe("/a/b");
    expect(cacheFolder({ XDG_CACHE_HOME: "/c" })).toBe("/c/finetag");
    expect(cacheFolder({})).toMatch(/\/\.cache\/finetag$/);
  });
});

describe("fetching", () => {
  it("unpacks what building needs, with licences, and leaves no archive behind", async () => {
    const zip = makeZip(fakeLibtorch());
    const server = await serve(zip);
    const found = await fetchFake([archive(server.url, zip)]);
    expect(found).toEqual({
      path: join(folder(), TARGET),
      version: "2.13.0",
      source: "the zip",
      fetched: true,
    });
    expect(readdirSync(folder())).toEqual([TARGET]);
    expect(readdirSync(join(found.path, "lib")).sort()).toEqual(["libc10.so", "libtorch_cpu.so"]);
    expect(readdirSync(found.path).sort()).toEqual(
      [".finetag-complete.json", "build-version", "include", "lib", "licenses", "share"].sort(),
    );
    expect(readFileSync(join(found.path, "licenses", "LICENSE"), "utf8")).toBe("BSD");
  });

  it("takes the cache the second time, and asks no server", async () => {
    const zip = makeZip(fakeLibtorch());
    const server = await serve(zip);
    await fetchFake([archive(server.url, zip)]);
    const again = await fetchFake([archive(server.url, zip)]);
    expect(again).toMatchObject({ source: "cache", fetched: false });
    expect(server.requests).toHaveLength(1);
  });

  it("replaces a folder that has no completion marker, and removes the remains of killed runs", async () => {
    mkdirSync(join(folder(), TARGET, "lib"), { recursive: true });
    mkdirSync(join(folder(), `${TARGET}.123.tmp`, "include"), { recursive: true });
    const zip = makeZip(fakeLibtorch());
    const server = await serve(zip);
    const found = await fetchFake([archive(server.url, zip)]);
    expect(found.fetched).toBe(true);
    expect(existsSync(join(found.path, "include", "torch", "torch.h"))).toBe(true);
    expect(readdirSync(folder())).toEqual([TARGET]);
  });

  it("lets one of two runs at once fetch, and gives both the same folder", async () => {
    const zip = makeZip(fakeLibtorch({}, 300_000));
    const server = await serve(zip);
    const found = await Promise.all([1, 2, 3].map(() => fetchFake([archive(server.url, zip)])));
    expect(found.filter(({ fetched }) => fetched)).toHaveLength(1);
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
    expect(server.requests).toHaveLength(1);
  });
});

describe("a broken transfer", () => {
  const zip = makeZip(fakeLibtorch({}, 600_000));

  it("is resumed where it broke", async () => {
    const server = await serve(zip, { breakAfter: 200_000 });
    await fetchFake([archive(server.url, zip)]);
    expect(server.requests).toEqual(["", "bytes=200000-"]);
  });

  it("is resumed by a later run", async () => {
    const first = await serve(zip, { stallAfter: 150_000 });
    const part = join(folder(), "libtorch.zip.part");
    await expect(fetchFake([archive(first.url, zip)])).rejects.toThrow(/No source of libtorch/);
    const kept = readFileSync(part).length;
    expect(kept).toBeGreaterThanOrEqual(150_000);
    const second = await serve(zip);
    await fetchFake([archive(second.url, zip)]);
    expect(second.requests).toEqual([`bytes=${kept}-`]);
  });

  it("starts over where the server knows no ranges", async () => {
    const server = await serve(zip, { breakAfter: 200_000, ranges: false });
    const found = await fetchFake([archive(server.url, zip)]);
    expect(server.requests).toEqual(["", "bytes=200000-"]);
    expect(readFileSync(join(found.path, "lib", "libtorch_cpu.so")).length).toBeGreaterThanOrEqual(600_000);
  });

  it("starts over where the file has changed in between", async () => {
    const other = Buffer.alloc(zip.length, 7);
    const server = await serve((request) => (request === 1 ? other : zip), {
      breakAfter: 200_000,
      etag: (request) => `"${request}"`,
    });
    await fetchFake([archive(server.url, zip)]);
    expect(server.requests).toEqual(["", "bytes=200000-"]);
  });

  it("starts over where the server gave nothing to compare with", async () => {
    const server = await serve(zip, { breakAfter: 200_000, etag: "" });
    await fetchFake([archive(server.url, zip)]);
    expect(server.requests).toEqual(["", ""]);
  });
});

describe("wrong bytes", () => {
  it("are an error that leaves nothing and tries no other source", async () => {
    const zip = makeZip(fakeLibtorch());
    const changed = Buffer.from(zip);
    changed[100] ^= 1;
    const bad = await serve(changed);
    const good = await serve(zip);
    const attempt = fetchFake([archive(bad.url, zip), archive(good.url, zip, "another")]);
    await expect(attempt).rejects.toThrow(/Wrong checksum for .*\n {2}expected sha256 [0-9a-f]{64}/);
    expect(readdirSync(folder())).toEqual([]);
    expect(good.requests).toEqual([]);
  });

  it("of another length are an error before they are downloaded", async () => {
    const zip = makeZip(fakeLibtorch());
    const page = await serve(Buffer.from("<html>Please sign in</html>"));
    await expect(fetchFake([archive(page.url, zip)])).rejects.toThrow(/27 bytes where the manifest pins/);
    expect(readdirSync(folder())).toEqual([]);
  });

  it("in a kept archive are an error too", async () => {
    const zip = makeZip(fakeLibtorch());
    mkdirSync(folder(), { recursive: true });
    writeFileSync(join(folder(), "libtorch.zip"), Buffer.alloc(zip.length));
    await expect(fetchFake([archive(NOWHERE, zip)])).rejects.toThrow(/Wrong checksum/);
    expect(readdirSync(folder())).toEqual([]);
  });
});

describe("an archive", () => {
  it.each([
    ["a path that climbs out", { "libtorch/lib/../../../outside": "x" }, /outside/],
    ["an absolute path", { "/libtorch/outside": "x" }, /absolute path/],
    ["a link", { "libtorch/lib/libx.so": { text: "/etc/passwd", mode: 0o120777 } }, /refuses the link/],
  ])("with %s is refused, and nothing stays", async (_, extra, message) => {
    const zip = makeZip(fakeLibtorch(extra));
    const server = await serve(zip);
    await expect(fetchFake([archive(server.url, zip)])).rejects.toThrow(message);
    expect(readdirSync(folder()).filter((name) => !name.endsWith(".zip"))).toEqual([]);
    expect(existsSync(join(dirname(cache), "outside"))).toBe(false);
  });

  it("that is no libtorch is refused", async () => {
    const zip = makeZip({ "libtorch/readme.txt": "nothing here" });
    const server = await serve(zip);
    await expect(fetchFake([archive(server.url, zip)])).rejects.toThrow(/is no libtorch: it has no include/);
  });

  it("of a wheel keeps the licences beside the package", () => {
    expect(placeEntry("torch", "torch-2.13.0+cpu.dist-info/licenses/third_party/fmt/LICENSE")).toBe(
      "licenses/third_party/fmt/LICENSE",
    );
    expect(placeEntry("torch", "torch/include/torch/script.h")).toBe("include/torch/script.h");
    expect(placeEntry("torch", "torch/nn/modules/linear.py")).toBeUndefined();
    expect(placeEntry("torch", "torchgen/packaged/x.yaml")).toBeUndefined();
    expect(placeEntry("torch", "torch/lib/libtorchbind_test.so")).toBeUndefined();
    expect(placeEntry("torch", "torch/lib/libgomp.so.1")).toBe("lib/libgomp.so.1");
  });
});

describe("a source that can't be used", () => {
  it("is named with its reason, and the next one is taken", async () => {
    const zip = makeZip(fakeLibtorch());
    const missing = await serve(zip, { status: 404 });
    const good = await serve(zip);
    const found = await fetchFake([
      archive(NOWHERE, zip, "nowhere"),
      archive(missing.url, zip, "missing"),
      archive(good.url, zip, "a mirror"),
    ]);
    expect(found.source).toBe("a mirror");
  });

  it("is in the final message when there is no other", async () => {
    const zip = makeZip(fakeLibtorch());
    const missing = await serve(zip, { status: 404 });
    const unknown = "http://no-such-host.invalid/libtorch.zip";
    const pip = { ...archive(NOWHERE, zip, "pip"), kind: "pip" };
    const attempt = fetchFake(
      [archive(NOWHERE, zip, "A"), archive(missing.url, zip, "B"), archive(unknown, zip, "C"), pip],
      { pip: { pip: null } },
    );
    await expect(attempt).rejects.toThrow(
      /A: 127\.0\.0\.1:\d+: connection refused\n {2}B: .*HTTP 404.*\n {2}C: no-such-host\.invalid: host not found.*\n {2}pip: no Python/,
    );
  });

  it("that says nothing is given up after its time", async () => {
    const zip = makeZip(fakeLibtorch({}, 50_000));
    const silent = await serve(zip, { stallAfter: 0 });
    const good = await serve(zip);
    const started = performance.now();
    const found = await fetchFake([archive(silent.url, zip), archive(good.url, zip, "a mirror")]);
    expect(found.source).toBe("a mirror");
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe("the wheel by pip", () => {
  const pip = findPip();
  const NAME = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl";
  const renamed = Object.entries(fakeLibtorch()).map(([name, text]) => [
    name.replace("libtorch/", "torch/"),
    text,
  ]);
  const wheel = makeZip({
    ...Object.fromEntries(renamed),
    "torch-2.13.0+cpu.dist-info/METADATA": "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+cpu\n",
    "torch-2.13.0+cpu.dist-info/WHEEL":
      "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n",
    "torch-2.13.0+cpu.dist-info/RECORD": "",
    "torch-2.13.0+cpu.dist-info/licenses/LICENSE": "BSD",
  });
  const pinned = readManifest().variants.cpu.platforms["linux-x64"].archives.find(
    ({ kind }) => kind === "pip",
  );
  const fake = { ...pinned, sha256: sha256(wheel), bytes: wheel.length };

  /** pip with no index: what it finds lies in a folder, as on a machine with a mirror of its own. */
  function configured() {
    const links = join(cache, "wheels");
    mkdirSync(links);
    writeFileSync(join(links, NAME), wheel);
    const env = {
      ...process.env,
      PIP_CONFIG_FILE: "/dev/null",
      PIP_NO_INDEX: "1",
      PIP_FIND_LINKS: pathToFileURL(links).href,
    };
    return { pip, env, interactive: false };
  }

  beforeEach((context) => context.skip(pip === undefined, "this machine has no pip"));

  it("comes from where pip is configured to look, for any Python that pip runs on", async () => {
    const found = await fetchFake([archive(NOWHERE, wheel), fake], { pip: configured() });
    expect(found.source).toBe("the PyTorch wheel by pip");
    expect(readdirSync(folder())).toEqual([TARGET]);
    expect(readFileSync(join(found.path, "licenses", "LICENSE"), "utf8")).toBe("BSD");
  });

  it("with a wrong checksum is an error", async () => {
    const other = { ...fake, sha256: "0".repeat(64) };
    await expect(fetchFake([other], { pip: configured() })).rejects.toThrow(`Wrong checksum for ${NAME}`);
    expect(readdirSync(folder())).toEqual([]);
  });

  it("that pip does not find is told in pip's words", async () => {
    const other = { ...fake, requirement: "torch==0.0.1+cpu" };
    await expect(fetchFake([other], { pip: configured() })).rejects.toThrow(
      /the PyTorch wheel by pip: No matching distribution found for torch==0\.0\.1\+cpu/,
    );
  });
});

describe("LIBTORCH_PATH", () => {
  function existing(version, layout = "") {
    const root = join(cache, "own", layout);
    mkdirSync(join(root, "include", "torch"), { recursive: true });
    mkdirSync(join(root, "lib"));
    writeFileSync(join(root, "lib", "libtorch_cpu.so"), "");
    writeFileSync(join(root, "build-version"), `${version}\n`);
    return join(cache, "own");
  }

  it("wins over the cache and all archives", async () => {
    const zip = makeZip(fakeLibtorch());
    const server = await serve(zip);
    await fetchFake([archive(server.url, zip)]);
    const found = await fetchFake([archive(server.url, zip)], { libtorchPath: existing("2.13.0+cpu") });
    expect(found).toEqual({
      ...{ path: join(cache, "own"), version: "2.13.0+cpu", source: "LIBTORCH_PATH", fetched: false },
    });
  });

  it("may be the folder around a wheel's torch/", async () => {
    const found = await fetchFake([], { libtorchPath: existing("2.13.1", "torch") });
    expect(found).toMatchObject({ path: join(cache, "own", "torch"), version: "2.13.1" });
  });

  it("works on a platform for which nothing is pinned", async () => {
    const found = await fetchFake([], { libtorchPath: existing("2.13.0"), platform: "plan9-x64" });
    expect(found.version).toBe("2.13.0");
  });

  it.each([
    [
      "of an unsupported version",
      () => existing("2.7.1+cu128"),
      /holds libtorch 2\.7\.1\+cu128; finetag builds with 2\.13/,
    ],
    ["that does not exist", () => join(cache, "nowhere"), /there is no such folder/],
    [
      "without libraries",
      () => {
        const path = existing("2.13.0");
        rmSync(join(path, "lib", "libtorch_cpu.so"));
        return path;
      },
      /lib\/ has no libtorch_cpu/,
    ],
  ])("%s is an error, not passed over", async (_, path, message) => {
    await expect(fetchFake([], { libtorchPath: path() })).rejects.toThrow(message);
  });
});

describe("what is not pinned", () => {
  it("is told with a way out", async () => {
    await expect(fetchFake([], { platform: "plan9-x64" })).rejects.toThrow(
      /No libtorch is pinned for plan9-x64 \(cpu\).*\n.*set LIBTORCH_PATH/,
    );
    await expect(fetchFake([], { variant: "cu13" })).rejects.toThrow(
      'No libtorch variant "cu13"; there is cpu.',
    );
  });
});
