/** What docs/numerics.md says of devices, held to the sources: a place that knows one and is not told would be missed. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCES = fileURLToPath(new URL("../src/", import.meta.url));
const PAGE = fileURLToPath(new URL("../../../docs/numerics.md", import.meta.url));

const KNOWS_A_DEVICE =
  /\bis_(cuda|cpu|meta)\(\)|\bk(CUDA|CPU|Meta)\b|CUDAHooks|CUDAStream|\bhasCUDA\b|\bDeviceType\b/;

test("docs/numerics.md lists every source that knows a device, and no other", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(h|cpp)$/.test(name),
  );
  const knowing = files.filter((name) => KNOWS_A_DEVICE.test(readFileSync(`${SOURCES}${name}`, "utf8")));
  const places = new Set(knowing.map((name) => name.replace(/\.(h|cpp)$/, "").replaceAll("\\", "/")));
  const [, section = ""] = /^## Devices\n(.*?)^## /ms.exec(readFileSync(PAGE, "utf8")) ?? [];
  const listed = [...section.matchAll(/^\| `([\w/]+)` \|/gm)].map(([, place]) => place!);
  expect(listed.length).toBeGreaterThan(0);
  expect([...listed].sort()).toEqual([...places].sort());
});
