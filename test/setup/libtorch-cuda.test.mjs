import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { placeLibrary } from "../../third_party/lib/layout.mjs";
import { archive, useCache } from "./libtorch.mjs";
import { makeZip } from "./zip.mjs";

const { folder, serve, fetchFake } = useCache();

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
    await expect(fetchCuda(cudaManifest([first, empty]))).rejects.toThrow("contains no libraries");
    expect(existsSync(join(folder(), "2.14.1-cu130-test-x64"))).toBe(false);
  });

  it("is refused before the download where the disk is too small", async () => {
    const files = await served(torch, library("cublas"));
    const manifest = cudaManifest(files);
    manifest.variants.cu130.platforms["test-x64"].unpackedBytes = 1e18;
    await expect(fetchCuda(manifest)).rejects.toThrow(/GB free; libtorch 2\.14\.1 needs 1000000000\.0 GB/);
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
