import { show } from "../errors.ts";
import { shellPath, type Table } from "../formats/index.ts";
import type { DataColumns, DataSpec, OpenDataOptions } from "../types.ts";
import { Claims, type Role } from "./claims.ts";
import { type LabelDecision, resolveLabels } from "./label-columns.ts";

/** What the column with the text is usually called, the likeliest first; compared without case. */
const TEXT_NAMES = [
  "text",
  "comment_text",
  "sentence",
  "content",
  "comment",
  "review",
  "tweet",
  "body",
  "message",
  "document",
  "utterance",
  "文本",
  "内容",
  "评论",
  "句子",
];

/** What columns with a part of the text are called; taken where there is only one. */
const PART_NAMES = ["question", "description", "abstract", "title", "headline", "summary", "标题", "摘要"];

const ID_NAMES = ["id", "guid", "uid", "uuid", "text_id", "comment_id", "idx", "index", "", "unnamed: 0"];

/** What was decided about a file's columns. */
export type ResolvedColumns = Omit<LabelDecision, "columns"> & { columns: DataColumns };

/**
 * Decides which column means what: the user's word first, then the model's columns, then usual names. A
 * column that holds labels is never guessed to be the text or the id.
 * @throws {FinetagError} ERR_FINETAG_DATA where a column is missing or cannot be guessed, with the columns of
 *   the file; ERR_FINETAG_ARGUMENT where one is used twice.
 */
export async function resolveColumns(
  table: Table,
  spec: DataSpec,
  options: OpenDataOptions,
): Promise<ResolvedColumns> {
  const saved = options.columns;
  const claims = new Claims(table, namedLabelColumns(table, spec, options));
  const named = (role: Role, name: string | undefined) =>
    name === undefined ? undefined : claims.claim(role, name);

  const namedText = named("text", spec.textColumn ?? saved?.text);
  const textPair = named("text pair", spec.textPairColumn ?? saved?.textPair);
  const namedId = named("id", spec.idColumn);

  const text = namedText ?? claims.claim("text", await guessText(claims, table));
  // A model's texts had ids, perhaps; the texts of another file may go without.
  const savedId = saved?.id !== undefined && claims.isFree(saved.id) ? saved.id : undefined;
  const id = namedId ?? named("id", savedId ?? claims.guess(ID_NAMES));

  const { columns: labelColumns, ...decision } = await resolveLabels(table, spec, options, claims);
  const merge = options.requireLabels && (spec.mergeDuplicates ?? saved?.mergeDuplicates === true);
  const columns: DataColumns = {
    text,
    ...(textPair === undefined ? {} : { textPair }),
    ...(id === undefined ? {} : { id }),
    labels: labelColumns,
    ...(merge ? { mergeDuplicates: true as const } : {}),
  };
  return { ...decision, columns };
}

/** @throws {FinetagError} where no column, or more than one, may be the text. */
async function guessText(claims: Claims, table: Table): Promise<string> {
  const text = claims.guess(TEXT_NAMES);
  if (text !== undefined) return text;
  const parts = PART_NAMES.map((name) => claims.guess([name])).filter((name) => name !== undefined);
  if (parts.length === 1) return parts[0]!;
  if (parts.length > 1) {
    const [title, body] = inOrder(parts, table.columns);
    const one = (option: string, name: string) => `\`${option}: ${JSON.stringify(name)}\``;
    throw claims.error(
      `more than one column may hold the text; use ${one("textColumn", body!)}, or ${one("textColumn", title!)} ` +
        `and ${one("textPairColumn", body!)} for both`,
      "textColumn",
    );
  }
  const nested = await nestedText(table);
  if (nested !== undefined) {
    const flat = `jq -c '.. | objects | select(has("${nested}")) | . + .${nested}'`;
    const what = `the text is inside ${show(nested)}; bring its fields to the top (${flat} ${shellPath(table.path)} > flat.jsonl)`;
    throw claims.error(what, "textColumn");
  }
  const free = table.columns.find(
    (name) => claims.isFree(name) && !claims.isNumbering(name) && name.length <= 60,
  );
  const example =
    free === undefined ? "(`textColumn`)" : `(for example \`textColumn: ${JSON.stringify(free)}\`)`;
  throw claims.error(`cannot tell which column holds the text; name it ${example}`, "textColumn");
}

/** The field of a record of JSON that is an object with a text in it. */
async function nestedText(table: Table): Promise<string | undefined> {
  if (table.format !== "json" && table.format !== "jsonl") return undefined;
  const isText = ([name, value]: [string, unknown]) =>
    typeof value === "string" && [...TEXT_NAMES, "full_text"].includes(name.toLowerCase());
  for await (const [record] of table.records(table.columns)) {
    const at = record?.cells.findIndex(
      (cell) =>
        typeof cell === "object" &&
        cell !== null &&
        !Array.isArray(cell) &&
        Object.entries(cell).some(isText),
    );
    const name = table.columns[at ?? -1];
    return name !== undefined && /^[a-z_]\w*$/i.test(name) ? name : undefined;
  }
  return undefined;
}

/** The two of them that come first in the file. */
function inOrder(names: readonly string[], columns: readonly string[]): string[] {
  return columns.filter((column) => names.includes(column)).slice(0, 2);
}

function namedLabelColumns(table: Table, spec: DataSpec, options: OpenDataOptions): string[] {
  if (!options.requireLabels) return [];
  if (spec.labelColumns !== undefined) return spec.labelColumns;
  if (spec.labelsColumn !== undefined) return [spec.labelsColumn];
  const saved = options.columns?.labels;
  if (saved?.kind === "columns") return saved.names;
  if (saved !== undefined && saved.kind !== "none") return [saved.column];
  const known = options.labels ?? [];
  const present = new Set(table.columns);
  return known.every((name) => present.has(name)) ? known : [];
}
