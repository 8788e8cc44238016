import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheFolder } from "../../third_party/fetch-libtorch.mjs";
import { placeEntry } from "../../third_party/lib/layout.mjs";
import { findVariant, readManifest } from "../../third_party/lib/manifest.mjs";
import { archive, manifestOf, TARGET, useCache } from "./libtorch.mjs";
import { fakeLibtorch, makeZip } from "./zip.mjs";

const { cache, folder, serve, fetchFake } = useCache();

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
    expect(() => findVariant(manifest, "toString")).toThrow("use cpu, cu130, cuda");
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

describe("an archive", () => {
  it.each([
    ["a path that climbs out", { "libtorch/lib/../../../outside": "x" }, /outside/],
    ["an absolute path", { "/libtorch/outside": "x" }, /absolute path/],
    ["a link", { "libtorch/lib/libx.so": { text: "/etc/passwd", mode: 0o120777 } }, /contains a link/],
  ])("with %s is refused, and nothing stays", async (_, extra, message) => {
    const zip = makeZip(fakeLibtorch(extra));
    const server = await serve(zip);
    await expect(fetchFake([archive(server.url, zip)])).rejects.toThrow(message);
    expect(readdirSync(folder()).filter((name) => !name.endsWith(".zip"))).toEqual([]);
    expect(existsSync(join(dirname(cache()), "outside"))).toBe(false);
  });

  it("that is no libtorch is refused", async () => {
    const zip = makeZip({ "libtorch/readme.txt": "nothing here" });
    const server = await serve(zip);
    await expect(fetchFake([archive(server.url, zip)])).rejects.toThrow(
      /is not a libtorch: it has no include/,
    );
  });

  it("of a wheel keeps the licences next to the package", () => {
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

describe("LIBTORCH_PATH", () => {
  function existing(version, layout = "") {
    const root = join(cache(), "own", layout);
    mkdirSync(join(root, "include", "torch"), { recursive: true });
    mkdirSync(join(root, "lib"));
    writeFileSync(join(root, "lib", "libtorch_cpu.so"), "");
    writeFileSync(join(root, "build-version"), `${version}\n`);
    return join(cache(), "own");
  }

  it("wins over the cache and all archives", async () => {
    const zip = makeZip(fakeLibtorch());
    const server = await serve(zip);
    await fetchFake([archive(server.url, zip)]);
    const found = await fetchFake([archive(server.url, zip)], { libtorchPath: existing("2.13.0+cpu") });
    expect(found).toEqual({
      ...{ path: join(cache(), "own"), version: "2.13.0+cpu", source: "LIBTORCH_PATH", fetched: false },
    });
  });

  it("may be the folder around a wheel's torch/", async () => {
    const found = await fetchFake([], { libtorchPath: existing("2.13.1", "torch") });
    expect(found).toMatchObject({ path: join(cache(), "own", "torch"), version: "2.13.1" });
  });

  it("must be a CUDA libtorch for the CUDA variant", async () => {
    const manifest = { ...manifestOf(), aliases: { cuda: "cu130" } };
    manifest.variants.cu130 = { version: "2.14.1", accepts: ["2.13", "2.14"], platforms: {} };
    const path = existing("2.14.1");
    const fetched = () => fetchFake([], { manifest, variant: "cuda", libtorchPath: path });
    await expect(fetched()).rejects.toThrow("is a CPU libtorch, but the requested variant is cu130");
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
    ["that does not exist", () => join(cache(), "nowhere"), /no such folder/],
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
    await expect(fetchFake([], { variant: "cu13" })).rejects.toThrow('No libtorch variant "cu13"; use cpu.');
  });
});
