import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/**
 * Reads a Debian control file (RFC 822 style, as apt's Packages and Translation-en): a Map of fields a paragraph,
 * folded fields with their line breaks.
 */
export async function* readControlFile(path) {
  let paragraph = new Map();
  let field;
  for await (const line of createInterface({ input: createReadStream(path, "utf8") })) {
    if (line === "") {
      if (paragraph.size > 0) yield paragraph;
      paragraph = new Map();
      field = undefined;
    } else if (line.startsWith(" ") || line.startsWith("\t")) {
      if (field !== undefined) paragraph.set(field, `${paragraph.get(field)}\n${line.slice(1)}`);
    } else {
      const colon = line.indexOf(":");
      field = line.slice(0, colon);
      paragraph.set(field, line.slice(colon + 1).trim());
    }
  }
  if (paragraph.size > 0) yield paragraph;
}

/** `facet::a, facet::{b,c}` as single tags. */
export function splitTags(field) {
  const tags = [];
  for (const [, prefix, inner, whole] of field
    .replaceAll("\n", " ")
    .matchAll(/([^\s,{]*)\{([^}]*)\}|([^\s,{]+)/g)) {
    if (whole !== undefined) tags.push(whole);
    else for (const part of inner.split(",")) tags.push(prefix + part.trim());
  }
  return tags;
}

/**
 * A description as running text. Its first line is the synopsis; below, a line of one dot parts paragraphs, and
 * deeper lines are lists or set as they are (Debian Policy 5.6.13).
 */
export function descriptionText(description) {
  const [synopsis = "", ...lines] = description.split("\n");
  const long = lines
    .map((line) => (line === "." ? "" : line.replace(/^\s*[*+•·o-]\s+/, "")))
    .join(" ")
    .replace(/\s+/g, " ")
    .trim();
  const head = synopsis.replace(/\s+/g, " ").trim();
  if (long === "") return head;
  return /[.!?]$/.test(head) ? `${head} ${long}` : `${head}. ${long}`;
}
