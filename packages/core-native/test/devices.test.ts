/** What docs/numerics.md says of devices, held to the sources: a place that knows one and is not told would be missed. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const PACKAGES = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = fileURLToPath(new URL("../../../docs/numerics.md", import.meta.url));

const KNOWS_A_DEVICE =
  /\bis_(cuda|cpu|meta)\(\)|\bk(CUDA|CPU|Meta)\b|CUDAHooks|CUDAStream|\bhasCUDA\b|\bDeviceType\b/;

/**
 * A device's name where it stands for itself, as a string or in a pattern of names; a look at the engine's lists of
 * devices; a comparison of whatever is called a device. Handing `device` on does not count, and neither does a help text.
 */
const KNOWS_A_DEVICE_IN_TYPESCRIPT =
  /(["'`])(cpu|cuda|meta)\1|\bcuda[:(]|\b(cuda|bf16)Devices\b(?!:)|\bdevice\b *[!=]==|\bdevice\??\.\w+\(/;

/** Comments on lines of their own, and at the ends of lines. */
const COMMENTS = /^\s*(\/\/|\/?\*).*$|\s\/\/ .*$/gm;

/** The files below a folder whose text, or what `cut` leaves of it, matches. */
function filesWith(pattern: RegExp, folder: string, ending: RegExp, cut = /(?!)/g): string[] {
  return readdirSync(`${PACKAGES}${folder}`, { recursive: true, encoding: "utf8" })
    .filter((name) => ending.test(name))
    .filter((name) => pattern.test(readFileSync(`${PACKAGES}${folder}/${name}`, "utf8").replace(cut, "")))
    .map((name) => name.replaceAll("\\", "/"));
}

/** The first cells of the section's tables: names of files in the second, without their ending in the first. */
function listed(ending: "" | ".ts"): string[] {
  const [, section = ""] = /^## Devices\n(.*?)^## /ms.exec(readFileSync(PAGE, "utf8")) ?? [];
  const places = [...section.matchAll(/^\| `([\w/-]+)(\.ts)?` \|/gm)];
  return places.filter(([, , suffix = ""]) => suffix === ending).map(([, place]) => `${place}${ending}`);
}

test("docs/numerics.md lists every source in C++ that knows a device, and no other", () => {
  const files = filesWith(KNOWS_A_DEVICE, "core-native/src", /\.(h|cpp)$/);
  const places = new Set(files.map((name) => name.replace(/\.(h|cpp)$/, "")));
  expect(places.size).toBeGreaterThan(0);
  expect(listed("").sort()).toEqual([...places].sort());
});

test("docs/numerics.md lists every source in TypeScript that knows a device, and no other", () => {
  const places = ["core-native/lib", "ts-api/src", "cli/src"].flatMap((folder) =>
    filesWith(KNOWS_A_DEVICE_IN_TYPESCRIPT, folder, /\.ts$/, COMMENTS).map((name) => `${folder}/${name}`),
  );
  expect(places.length).toBeGreaterThan(0);
  expect(listed(".ts").sort()).toEqual(places.sort());
});
