import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { drawDemo } from "../../scripts/docs/draw.mjs";
import { terminalSvg } from "../../scripts/docs/terminal-svg.mjs";
import { ROOT } from "../../scripts/lib/paths.mjs";
import { listFiles } from "../../scripts/lib/stamp.mjs";

/** What is in the repository's folder, but not in the repository. */
const NOT_OURS = new Set([".git", ".cache", ".turbo", "node_modules", "demo", "out"]);
const files = listFiles(
  ROOT,
  readdirSync(ROOT).filter((name) => !NOT_OURS.has(name)),
);
const folders = new Set(files.flatMap((file) => parents(file)));
const pages = files.filter((file) => file.endsWith(".md") && file !== "CHANGELOG.md");

const read = (file) => readFileSync(join(ROOT, file), "utf8");
const withoutCode = (text) => text.replace(/```.*?```/gs, "").replace(/^ {4}.*$/gm, "");

function parents(file) {
  const folder = dirname(file);
  return folder === "." ? [] : [folder, ...parents(folder)];
}

/** Where the links of a page go, as paths from the root; those of the web are left out. */
function links(page) {
  const targets = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path, anchor] = target.split("#");
      return { target, path: path === "" ? page : join(dirname(page), path), anchor };
    });
}

/** The anchors that GitHub makes of a page's headings. */
function anchors(page) {
  const headings = [...withoutCode(read(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Names of other places: what finetag and its peers write, what others publish. */
const ELSEWHERE = [
  /^(~|\.cache|\.\.|out|demo|DIR|OUTPUT_DIR|SRC|DST)\//,
  /^\/|\/path\/to\/|^\$|^google-research\/|^refs\//,
  // An output directory, a model's directory, a libtorch.
  /^(checkpoints|runs|step-\d+|licenses|torch|nvidia|libtorch)\//,
  // Scripts of Google's and of the tool that finetag replaces; transformers' sources; Node's header.
  /^(run_\w+|model_exporter|modeling_\w+)\.py$|^napi\.h$/,
  // What the build makes.
  /\/build(-\w+)?(\/|$)|^build\/|\/dist\//,
  // The data of an example, and the mark of a name to fill in.
  /^data\/(train|dev|test)\.csv$|\bX\b|\bNAME\b|…|\*/,
];

const PATH = new RegExp(
  [
    /^[\w@.~$-]+(\/[\w@.-]+)*\/$/, // folder/
    /^[\w@.~$-]+(\/[\w@.-]+)*\/[\w.-]+\.\w+$/, // folder/file.ts
    /^(packages|docs|scripts|test|bench|examples|third_party)\/[\w./-]+$/, // from the root
    /^[\w-]+(\.test)?\.(ts|mjs|cpp|h|py|sh)$/, // a source by its name
  ]
    .map(({ source }) => source)
    .join("|"),
);

/** Code in a page that reads as a path of the tree. */
function pathsInCode(page) {
  const spans = [...withoutCode(read(page)).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
  return spans.filter((code) => PATH.test(code) && !ELSEWHERE.some((pattern) => pattern.test(code)));
}

/** Whether a file or folder has this path, from the root or from any folder. */
function isInTree(path) {
  const ending = path.replace(/\/$/, "");
  const candidates = path.endsWith("/") ? [...folders] : [...files, ...folders];
  return candidates.some((candidate) => candidate === ending || candidate.endsWith(`/${ending}`));
}

it("finds the pages", () => {
  expect(pages).toEqual(expect.arrayContaining(["README.md", "docs/extending.md", "bench/README.md"]));
  expect(pathsInCode("docs/extending.md").length + links("docs/extending.md").length).toBeGreaterThan(20);
});

describe.each(pages)("%s", (page) => {
  it("links to files and folders that exist", () => {
    const dead = links(page).filter(
      ({ path }) => !files.includes(path) && !folders.has(path.replace(/\/$/, "")),
    );
    expect(dead.map(({ target }) => target)).toEqual([]);
  });

  it("links to headings that exist", () => {
    const dead = links(page).filter(
      ({ path, anchor }) => anchor !== undefined && !anchors(path).includes(decodeURIComponent(anchor)),
    );
    expect(dead.map(({ target }) => target)).toEqual([]);
  });

  it("names files and folders that exist", () => {
    expect(pathsInCode(page).filter((path) => !isInTree(path))).toEqual([]);
  });
});

it("docs/README.md leads to every page of docs/", () => {
  const linked = new Set(links("docs/README.md").map(({ path }) => path));
  const own = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== "docs/README.md");
  expect(own.filter((page) => !linked.has(page))).toEqual([]);
});

describe("the picture", () => {
  it("is drawn from the text next to it", async () => {
    expect(read("docs/images/demo.svg")).toBe(await drawDemo());
  });

  it("keeps columns, and what XML would read as its own", () => {
    const svg = terminalSvg("$ a <b>\nab  c\n", "<t>");
    expect(svg).toContain('<title id="title">&lt;t&gt;</title>');
    expect(svg).toMatch(/<text class="command" x="32.8" [^>]*>a &lt;b&gt;<\/text>/);
    expect(svg).toMatch(/<text x="16" [^>]*textLength="42" [^>]*>ab {2}c<\/text>/);
  });

  it("refuses lines that do not fit", () => {
    expect(() => terminalSvg(`ok\n${"x".repeat(101)}`, "t")).toThrow("line 2 has 101 characters");
    expect(() => terminalSvg("\x1b[1mbold", "t")).toThrow("line 1 holds a control character");
  });
});
