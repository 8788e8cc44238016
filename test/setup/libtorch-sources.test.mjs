import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { readManifest } from "../../third_party/lib/manifest.mjs";
import { findPip } from "../../third_party/lib/pip.mjs";
import { archive, NOWHERE, sha256, TARGET, useCache } from "./libtorch.mjs";
import { fakeLibtorch, makeZip } from "./zip.mjs";

const { cache, folder, serve, fetchFake } = useCache();

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
    await expect(fetchFake([archive(page.url, zip)])).rejects.toThrow(/27 bytes, but the manifest pins/);
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
    const links = join(cache(), "wheels");
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
