import type { Table } from "../formats/index.ts";
import type { DataColumns, DataSpec, OpenDataOptions } from "../types.ts";
import { Claims, type Role } from "./claims.ts";
import { resolveLabels } from "./label-columns.ts";

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
  "question",
  "description",
  "abstract",
  "文本",
  "内容",
  "评论",
  "句子",
];

const ID_NAMES = ["id", "guid", "uid", "uuid", "text_id", "comment_id", "idx", "index", "", "unnamed: 0"];

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
): Promise<{ columns: DataColumns; labels: string[] }> {
  const saved = options.columns;
  const claims = new Claims(table, namedLabelColumns(table, spec, options));
  const named = (role: Role, name: string | undefined) =>
    name === undefined ? undefined : claims.claim(role, name);

  const namedText = named("text", spec.textColumn ?? saved?.text);
  const textPair = named("text pair", spec.textPairColumn ?? saved?.textPair);
  const namedId = named("id", spec.idColumn);

  const text = namedText ?? named("text", claims.guess(TEXT_NAMES));
  if (text === undefined)
    throw claims.error("cannot tell which column holds the text; name it (`textColumn`)", "textColumn");
  // A model's texts had ids, perhaps; the texts of another file may go without.
  const savedId = saved?.id !== undefined && claims.isFree(saved.id) ? saved.id : undefined;
  const id = namedId ?? named("id", savedId ?? claims.guess(ID_NAMES));

  const { columns, labels } = await resolveLabels(table, spec, options, claims);
  return {
    columns: {
      text,
      ...(textPair === undefined ? {} : { textPair }),
      ...(id === undefined ? {} : { id }),
      labels: columns,
    },
    labels,
  };
}

function namedLabelColumns(table: Table, spec: DataSpec, options: OpenDataOptions): string[] {
  if (!options.requireLabels) return [];
  if (spec.labelColumns !== undefined) return spec.labelColumns;
  if (spec.labelsColumn !== undefined) return [spec.labelsColumn];
  const saved = options.columns?.labels;
  if (saved?.kind === "columns") return saved.names;
  if (saved?.kind === "delimited" || saved?.kind === "json") return [saved.column];
  const known = options.labels ?? [];
  const present = new Set(table.columns);
  return known.every((name) => present.has(name)) ? known : [];
}
