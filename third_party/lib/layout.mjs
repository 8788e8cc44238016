import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Libraries for Python and for PyTorch's own tests, which finetag does not need. */
const UNUSED_LIBRARIES =
  /^lib\/lib(torch_python|torchbind_test|jitbackend_test|backend_with_compiler|aoti_custom_ops)\.[^/]+$/;

/**
 * Where an archive's entry goes in libtorch's folder, or undefined if building and running do not need it.
 * Headers, libraries, CMake files, the version and every licence are kept.
 *
 * @param root the archive's top folder: `libtorch` in the official zip, `torch` in a wheel
 */
export function placeEntry(root, name) {
  const licence = /^[^/]+\.dist-info\/(licenses\/.+|LICENSE.*|NOTICE.*)$/.exec(name)?.[1];
  if (licence !== undefined) return licence.startsWith("licenses/") ? licence : `licenses/${licence}`;
  if (!name.startsWith(`${root}/`)) return undefined;
  const inside = name.slice(root.length + 1);
  if (/^(LICENSE|NOTICE)[^/]*$/.test(inside)) return `licenses/${inside}`;
  if (/^(build-version|build-hash|version\.py)$/.test(inside)) return inside;
  if (/^(include|lib|share)\//.test(inside) && !UNUSED_LIBRARIES.test(inside)) return inside;
  return undefined;
}

/**
 * The same for a wheel of NVIDIA's, which shares the folder `nvidia/` with the others: its shared libraries and its
 * licence. libtorch's own search path expects these folders next to `torch/`, so they keep their places.
 */
export function placeLibrary(name) {
  if (/^nvidia\/[^/]+\/lib\/[^/]+\.so(\.[\d.]+)?$/.test(name)) return name;
  const [, distribution, licence] = /^([^/]+)\.dist-info\/(?:licenses\/)?(License[^/]*)$/i.exec(name) ?? [];
  if (licence !== undefined) return `licenses/${distribution}/${licence}`;
  const [, library, loose] = /^nvidia\/([^/]+)\/(LICENSE[^/]*)$/i.exec(name) ?? [];
  return loose === undefined ? undefined : `licenses/${library}/${loose}`;
}

/**
 * Checks that a folder is a libtorch: headers, the CPU library and a version. Also accepts the folder that
 * contains it as `libtorch/` (the zip) or `torch/` (a wheel, site-packages).
 *
 * @returns `{ path, version, kind }`, kind "cpu" or "cuda", or `{ problem }` in words
 */
export function inspectLibtorch(given) {
  const candidates = [given, join(given, "libtorch"), join(given, "torch")].map((path) => resolve(path));
  const path = candidates.find((folder) => existsSync(join(folder, "include", "torch")));
  if (path === undefined) {
    return { problem: existsSync(given) ? "it has no include/torch folder" : "no such folder" };
  }
  const missing = ["lib"].find((folder) => !existsSync(join(path, folder)));
  if (missing !== undefined) return { problem: `it has no ${missing} folder` };
  const libraries = readdirSync(join(path, "lib"));
  if (!libraries.some((name) => /^libtorch_cpu\.(so|dylib)$/.test(name))) {
    return { problem: "lib/ has no libtorch_cpu library" };
  }
  const version = readVersion(path);
  if (version === undefined) return { problem: "its version can't be read" };
  return { path, version, kind: libraries.includes("libtorch_cuda.so") ? "cuda" : "cpu" };
}

/** "2.13.0" or "2.13.0+cpu": from the zip's build-version, the wheel's version.py, or the headers. */
function readVersion(path) {
  const read = (name) => {
    try {
      return readFileSync(join(path, name), "utf8");
    } catch {
      return "";
    }
  };
  const fromHeader = (name) => /#define TORCH_VERSION\s*(?:\\\r?\n)?\s*"([^"]+)"/.exec(read(name))?.[1];
  return (
    /^\d+\.\d+\.\d+\S*/.exec(read("build-version").trim())?.[0] ??
    /^__version__ = '([^']+)'/m.exec(read("version.py"))?.[1] ??
    fromHeader("include/torch/headeronly/version.h") ??
    fromHeader("include/torch/csrc/api/include/torch/version.h")
  );
}
