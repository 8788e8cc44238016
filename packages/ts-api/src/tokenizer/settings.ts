import { join } from "node:path";
import * as z from "zod";
import { FinetagError } from "../errors/index.ts";
import { readJsonFileIfAny } from "../io/index.ts";
import { familyOf, type ModelConfig } from "../models/index.ts";
import { CLASSES, canonicalClass } from "./classes.ts";
import type { TokenizerFiles } from "./files.ts";

/** A token that is found in a text before the text is cut into pieces. */
export interface AddedToken {
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/** What the small files next to a vocabulary say about it. */
export interface TokenizerSettings {
  directory: string;
  /** transformers' class as `canonicalClass` names it, e.g. `BertTokenizer`. */
  className: string;
  /** Special tokens by their role, e.g. `cls_token`; the class's own where the files name none. */
  named: Map<string, AddedToken>;
  /** Further tokens by id, where the files give ids. */
  numbered: { id: number; token: AddedToken }[];
  /** Further special tokens without a role. */
  extra: AddedToken[];
  /** `tokenizer_config.json` as read; empty without one. */
  json: Record<string, unknown>;
}

/** Roles that transformers knows (`SPECIAL_TOKENS_ATTRIBUTES`). */
const ROLES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

const flag = z.boolean().optional();
const tokenSchema = z.union([
  z.string(),
  z.object({
    content: z.string(),
    single_word: flag,
    lstrip: flag,
    rstrip: flag,
    normalized: flag,
    special: flag,
  }),
]);
const configSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
  keep_accents: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  trim_offsets: z.boolean().nullish(),
  split_special_tokens: z.boolean().nullish(),
  truncation_side: z.enum(["left", "right"]).nullish(),
  model_input_names: z.array(z.string()).nullish(),
  added_tokens_decoder: z.record(z.string().regex(/^\d+$/), tokenSchema).nullish(),
  ...Object.fromEntries(ROLES.map((role) => [role, tokenSchema.nullish()])),
});
const mapSchema = z.looseObject(Object.fromEntries(ROLES.map((role) => [role, tokenSchema.nullish()])));
const addedSchema = z.record(z.string(), z.int().min(0));

/**
 * Reads `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`, each where there is one, and joins
 * them as transformers 5.18.0 does (`PreTrainedTokenizerBase._from_pretrained`): the map wins over the config unless
 * that one has `added_tokens_decoder`.
 *
 * @throws ERR_FINETAG_MODEL for other contents than such a file has.
 */
export async function readSettings(
  dir: string,
  config: ModelConfig,
  files: TokenizerFiles,
): Promise<TokenizerSettings> {
  const [json, map, addedIds] = await Promise.all([
    readOptional(dir, "tokenizer_config.json", configSchema),
    readOptional(dir, "special_tokens_map.json", mapSchema),
    readOptional(dir, "added_tokens.json", addedSchema),
  ]);
  if (json?.split_special_tokens) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${join(dir, "tokenizer_config.json")}: finetag does not support split_special_tokens; remove it, or use another model`,
    );
  }
  const decoder = json?.added_tokens_decoder;
  const sources = [json ?? {}, decoder == null ? (map ?? {}) : {}];
  const className = classOf(json?.tokenizer_class ?? stringOf(config.json.tokenizer_class), config, files);
  const extra = sources.flatMap((source) => extraTokens(source));
  const values = namedValues(className, sources);
  const special = new Set([...[...values.values()].map(contentOf), ...extra.map(({ content }) => content)]);
  const numbered =
    decoder != null
      ? Object.entries(decoder).map(([id, value]) => ({ id: Number(id), token: toAdded(value, false) }))
      : Object.entries(addedIds ?? {}).map(([text, id]) => ({ id, token: toAdded(text, special.has(text)) }));
  numbered.sort((a, b) => a.id - b.id);
  const flags = new Map(numbered.map(({ token }) => [token.content, token]));
  const named = new Map(
    [...values].map(([role, value]) => [role, flags.get(contentOf(value)) ?? toAdded(value, true)]),
  );
  return { directory: dir, className, named, numbered, extra, json: json ?? {} };
}

/** The Chinese ALBERT models have BERT's vocabulary, and mostly no file that says so. */
function classOf(named: string | undefined, config: ModelConfig, files: TokenizerFiles): string {
  const className = canonicalClass(named ?? familyOf(config).tokenizerClass);
  const { tokenizerJson, sentencePiece, wordPiece } = files;
  const hasOnlyWords = (tokenizerJson ?? sentencePiece) === undefined && wordPiece !== undefined;
  return className === "AlbertTokenizer" && hasOnlyWords ? "BertTokenizer" : className;
}

function namedValues(
  className: string,
  sources: Record<string, unknown>[],
): Map<string, z.infer<typeof tokenSchema>> {
  const values = new Map<string, z.infer<typeof tokenSchema>>();
  for (const role of ROLES) {
    let value: unknown = CLASSES[className]?.tokens[role];
    for (const source of sources) if (source[role] !== undefined) value = source[role];
    if (value != null) values.set(role, value as z.infer<typeof tokenSchema>);
  }
  return values;
}

function extraTokens(source: Record<string, unknown>): AddedToken[] {
  const value = source.extra_special_tokens ?? source.additional_special_tokens;
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((token) => {
    const parsed = tokenSchema.safeParse(token);
    return parsed.success ? [toAdded(parsed.data, true)] : [];
  });
}

/** A token that is special is looked for in the text as it is; another one in the normalized text. */
function toAdded(value: z.infer<typeof tokenSchema>, isSpecial: boolean): AddedToken {
  const token = typeof value === "string" ? { content: value } : value;
  const special = isSpecial || token.special === true;
  return {
    content: token.content,
    single_word: token.single_word ?? false,
    lstrip: token.lstrip ?? false,
    rstrip: token.rstrip ?? false,
    normalized: token.normalized ?? !special,
    special,
  };
}

function contentOf(value: z.infer<typeof tokenSchema>): string {
  return typeof value === "string" ? value : value.content;
}

function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

async function readOptional<T extends z.ZodType>(
  dir: string,
  name: string,
  schema: T,
): Promise<z.infer<T> | undefined> {
  const path = join(dir, name);
  const json = await readJsonFileIfAny(path, "ERR_FINETAG_MODEL");
  if (json === undefined) return undefined;
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${path}: ${JSON.stringify(issue?.path.join("."))}: ${issue?.message}; use the tokenizer files of the weights`,
  );
}
