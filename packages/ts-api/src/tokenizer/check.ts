import * as z from "zod";
import { type TokenizerJson, tokenIds } from "./json/index.ts";
import { charsmapFault } from "./sentencepiece/index.ts";

/** Tokens that a template puts around texts; published ones have four. */
const TEMPLATE_LIMIT = 64;

const id = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const step = z.looseObject({ type: z.string() });
const piece = z.union([
  z.object({ SpecialToken: z.object({ id: z.string(), type_id: id }) }),
  z.object({ Sequence: z.object({ id: z.enum(["A", "B"]), type_id: id }) }),
]);
const template = z.array(piece).max(TEMPLATE_LIMIT);
const templateSchema = z.object({
  single: template,
  pair: template,
  special_tokens: z.record(z.string(), z.object({ ids: z.array(id), tokens: z.array(z.string()) })),
});

/**
 * Looks at what the Rust core takes from a tokenizer without looking at it: where that is wrong, a text would not end in
 * an error but end the process.
 *
 * @returns What is wrong; undefined for a tokenizer that the core may read, and refuse where it cannot.
 */
export function coreFault(json: TokenizerJson): string | undefined {
  return (
    vocabularyFault(json.model) ??
    firstFault(stepsOf(json.normalizer, "normalizers"), normalizerFault) ??
    firstFault(stepsOf(json.pre_tokenizer, "pretokenizers"), splitterFault) ??
    firstFault(stepsOf(json.post_processor, "processors"), (each) => processorFault(each, json))
  );
}

type Step = z.infer<typeof step>;

/** A step and all within it. */
function stepsOf(value: unknown, within: string): Step[] {
  const parsed = step.safeParse(value);
  if (!parsed.success) return [];
  const inner = parsed.data[within];
  return [parsed.data, ...(Array.isArray(inner) ? inner.flatMap((each) => stepsOf(each, within)) : [])];
}

function firstFault(steps: Step[], faultOf: (step: Step) => string | undefined): string | undefined {
  for (const each of steps) {
    const fault = faultOf(each);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function vocabularyFault(model: TokenizerJson["model"]): string | undefined {
  if (!Array.isArray(model.vocab)) return mergesFault(model);
  const { unk_id: unknown, vocab } = model;
  return unknown == null || vocab[Number(unknown)] !== undefined
    ? undefined
    : "model: unk_id is not one of its pieces";
}

/** The core joins the tokens of each merge, without the prefix of the second, in room for the longest of all tokens. */
function mergesFault(model: TokenizerJson["model"]): string | undefined {
  const { merges, continuing_subword_prefix: prefix } = model;
  const vocab = model.vocab as Record<string, number>;
  if (!Array.isArray(merges)) return undefined;
  const cut = typeof prefix === "string" ? prefix : "";
  for (const merge of merges) {
    if (typeof merge === "string" && merge.startsWith("#version")) continue;
    const [left, right] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    const isWhole =
      typeof left === "string" &&
      typeof right === "string" &&
      right.startsWith(cut) &&
      [left, right, left + right.slice(cut.length)].every((token) => Object.hasOwn(vocab, token));
    if (!isWhole)
      return `model: merge ${JSON.stringify(merge)?.slice(0, 100)} does not join two of its tokens into a third`;
  }
  return undefined;
}

function normalizerFault({ type, precompiled_charsmap: charsmap }: Step): string | undefined {
  if (type !== "Precompiled") return undefined;
  const bytes = Buffer.from(typeof charsmap === "string" ? charsmap : "", "base64");
  const fault = bytes.toString("base64") === charsmap ? charsmapFault(bytes) : "it is not base64";
  return fault && `precompiled_charsmap: ${fault}`;
}

function splitterFault({ type, length }: Step): string | undefined {
  return type === "FixedLength" && !(Number(length ?? 5) >= 1) ? "pre_tokenizer: a length of 0" : undefined;
}

function processorFault(processor: Step, json: TokenizerJson): string | undefined {
  const { type, sep, cls } = processor;
  if (type === "BertProcessing" || type === "RobertaProcessing") return idFault([sep, cls].map(second), json);
  if (type !== "TemplateProcessing") return undefined;
  const parsed = templateSchema.safeParse(processor);
  if (!parsed.success) return faultOf("post_processor", parsed.error);
  const { single, pair, special_tokens: tokens } = parsed.data;
  for (const each of [...single, ...pair]) {
    if (!("SpecialToken" in each)) continue;
    const { id: name } = each.SpecialToken;
    const token = Object.hasOwn(tokens, name) ? tokens[name]! : undefined;
    if (token === undefined || token.ids.length !== token.tokens.length || token.ids.length > TEMPLATE_LIMIT)
      return `post_processor: its token ${JSON.stringify(name.slice(0, 100))} is not among its special_tokens`;
  }
  const uses = (pieces: typeof single, text: "A" | "B") =>
    pieces.filter((each) => "Sequence" in each && each.Sequence.id === text).length;
  const isWhole =
    uses(single, "A") === 1 && uses(single, "B") === 0 && uses(pair, "A") === 1 && uses(pair, "B") === 1;
  if (!isWhole) return "post_processor: it does not use each text once";
  return idFault(
    Object.values(tokens).flatMap(({ ids }) => ids),
    json,
  );
}

const second = (value: unknown) => (Array.isArray(value) ? value[1] : undefined);

/** The core puts these around texts as they are. */
function idFault(ids: readonly unknown[], json: TokenizerJson): string | undefined {
  const known = new Set(tokenIds(json).values());
  const stray = ids.find((each) => !known.has(each as number));
  return stray === undefined
    ? undefined
    : `post_processor: ${String(stray).slice(0, 100)} is not the id of a token`;
}

function faultOf(part: string, { issues: [issue] }: z.ZodError): string {
  return `${part}: ${issue?.path.join(".").slice(0, 100)}: ${issue?.message.slice(0, 100)}`;
}
