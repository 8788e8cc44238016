/** How a variable of Google's code is called by transformers. */
export interface MappedName {
  name: string;
  /** A dense layer's kernel is [in, out], a linear layer's weight [out, in]. */
  transposed: boolean;
}

/**
 * What a line of a table stands for: a `dense` layer has a kernel and a bias, a `norm` gamma and beta, a `plain` one is
 * the variable itself. `#` is a number, the same on both sides.
 */
type Rule = readonly [kind: keyof typeof PARTS, tensorflow: string, huggingFace: string];

const PARTS = {
  dense: [
    ["/kernel", ".weight", true],
    ["/bias", ".bias", false],
  ],
  norm: [
    ["/gamma", ".weight", false],
    ["/beta", ".bias", false],
  ],
  plain: [["", "", false]],
} as const;

/** google-research/bert modeling.py and run_pretraining.py; transformers' modeling_bert.py. */
const BERT: readonly Rule[] = [
  ["plain", "bert/embeddings/word_embeddings", "bert.embeddings.word_embeddings.weight"],
  ["plain", "bert/embeddings/position_embeddings", "bert.embeddings.position_embeddings.weight"],
  ["plain", "bert/embeddings/token_type_embeddings", "bert.embeddings.token_type_embeddings.weight"],
  ["norm", "bert/embeddings/LayerNorm", "bert.embeddings.LayerNorm"],
  ["dense", "bert/encoder/layer_#/attention/self/query", "bert.encoder.layer.#.attention.self.query"],
  ["dense", "bert/encoder/layer_#/attention/self/key", "bert.encoder.layer.#.attention.self.key"],
  ["dense", "bert/encoder/layer_#/attention/self/value", "bert.encoder.layer.#.attention.self.value"],
  ["dense", "bert/encoder/layer_#/attention/output/dense", "bert.encoder.layer.#.attention.output.dense"],
  [
    "norm",
    "bert/encoder/layer_#/attention/output/LayerNorm",
    "bert.encoder.layer.#.attention.output.LayerNorm",
  ],
  ["dense", "bert/encoder/layer_#/intermediate/dense", "bert.encoder.layer.#.intermediate.dense"],
  ["dense", "bert/encoder/layer_#/output/dense", "bert.encoder.layer.#.output.dense"],
  ["norm", "bert/encoder/layer_#/output/LayerNorm", "bert.encoder.layer.#.output.LayerNorm"],
  ["dense", "bert/pooler/dense", "bert.pooler.dense"],
  ["dense", "cls/predictions/transform/dense", "cls.predictions.transform.dense"],
  ["norm", "cls/predictions/transform/LayerNorm", "cls.predictions.transform.LayerNorm"],
  ["plain", "cls/predictions/output_bias", "cls.predictions.bias"],
  ["plain", "cls/seq_relationship/output_weights", "cls.seq_relationship.weight"],
  ["plain", "cls/seq_relationship/output_bias", "cls.seq_relationship.bias"],
];

const ALBERT_LAYER = {
  tensorflow: "bert/encoder/transformer/group_#/inner_group_#",
  huggingFace: "albert.encoder.albert_layer_groups.#.albert_layers.#",
};

/** google-research/albert modeling.py and run_pretraining.py; transformers' modeling_albert.py. */
const ALBERT: readonly Rule[] = [
  ["plain", "bert/embeddings/word_embeddings", "albert.embeddings.word_embeddings.weight"],
  ["plain", "bert/embeddings/position_embeddings", "albert.embeddings.position_embeddings.weight"],
  ["plain", "bert/embeddings/token_type_embeddings", "albert.embeddings.token_type_embeddings.weight"],
  ["norm", "bert/embeddings/LayerNorm", "albert.embeddings.LayerNorm"],
  ["dense", "bert/encoder/embedding_hidden_mapping_in", "albert.encoder.embedding_hidden_mapping_in"],
  ...(
    [
      ["dense", "attention_1/self/query", "attention.query"],
      ["dense", "attention_1/self/key", "attention.key"],
      ["dense", "attention_1/self/value", "attention.value"],
      ["dense", "attention_1/output/dense", "attention.dense"],
      ["norm", "LayerNorm", "attention.LayerNorm"],
      ["dense", "ffn_1/intermediate/dense", "ffn"],
      ["dense", "ffn_1/intermediate/output/dense", "ffn_output"],
      ["norm", "LayerNorm_1", "full_layer_layer_norm"],
    ] as const
  ).map(
    ([kind, tensorflow, huggingFace]): Rule => [
      kind,
      `${ALBERT_LAYER.tensorflow}/${tensorflow}`,
      `${ALBERT_LAYER.huggingFace}.${huggingFace}`,
    ],
  ),
  ["dense", "bert/pooler/dense", "albert.pooler"],
  ["dense", "cls/predictions/transform/dense", "predictions.dense"],
  ["norm", "cls/predictions/transform/LayerNorm", "predictions.LayerNorm"],
  ["plain", "cls/predictions/output_bias", "predictions.bias"],
  ["plain", "cls/seq_relationship/output_weights", "sop_classifier.classifier.weight"],
  ["plain", "cls/seq_relationship/output_bias", "sop_classifier.classifier.bias"],
];

/** The head of both run_classifier.py and of tools made from them: [labels, hidden size], as a linear layer has it. */
const HEAD: readonly Rule[] = [
  ["plain", "output_weights", "classifier.weight"],
  ["plain", "output_bias", "classifier.bias"],
];

/** Variables that belong to no model: optimizers' slots, counters, and what Saver and Checkpoint note for themselves. */
const NO_WEIGHT = [
  /\/(adam|lamb)_[mv]$/i,
  /\/(Adam|AdamW|AdamWeightDecay(Optimizer)?|LAMB(Optimizer)?|Momentum|RMSProp)(_\d+)?$/i,
  /\/\.OPTIMIZER_SLOT\//,
  /(^|\/)(global_step|save_counter|beta[12]_power|learning_rate)$/,
  /^_CHECKPOINTABLE_OBJECT_GRAPH$/,
];

/**
 * Variables of models that are near, but whose weights are not those of BERT or ALBERT in transformers: brightmart's ALBERT
 * (albert_zh modeling.py) adds positions and token types behind the projection of the words, and has no bias in it.
 */
const OTHERS: readonly { pattern: RegExp; what: string; remedy: string }[] = [
  {
    pattern: /^bert\/(encoder\/layer_shared|embeddings\/word_embeddings_2$)/,
    what: "is brightmart's ALBERT, whose embeddings differ from those of every ALBERT of transformers; finetag does not read it",
    remedy:
      "use one of the Chinese ALBERTs in Google's form (albert_…_google_zh), or a model in Hugging Face's format",
  },
  {
    pattern: /(^|\/)layer_with_weights-\d+\//,
    what: "is of a Keras model, such as those of TensorFlow's Model Garden, whose names finetag does not read",
    remedy: "use the same model as a TensorFlow 1 checkpoint, or in Hugging Face's format",
  },
];

/** Why the checkpoint of these variables is not read, and what to use, where it is known to be of another model. */
export function findOther(variables: Iterable<string>): string | undefined {
  for (const variable of variables) {
    const other = OTHERS.find(({ pattern }) => pattern.test(variable));
    if (other !== undefined) return `${other.what} (variable ${JSON.stringify(variable)}); ${other.remedy}`;
  }
  return undefined;
}

const WORDS = "bert/embeddings/word_embeddings";

/**
 * The scope in which a model was built, with its slash: `model/` of `model/bert/…`. Empty where one was built in none, or
 * several scopes hold one.
 */
export function scopeOf(variables: Iterable<string>): string {
  const names = [...variables];
  if (names.includes(WORDS)) return "";
  const scoped = names.filter((name) => name.endsWith(`/${WORDS}`));
  return scoped.length === 1 ? scoped[0]!.slice(0, -WORDS.length) : "";
}

/** True for a variable of a model without its heads, as far as the tables know them. */
export function isOfEncoder(variable: string): boolean {
  return variable.startsWith("bert/");
}

/** True for a variable that a reader of weights passes over. */
export function isNoWeight(variable: string): boolean {
  return NO_WEIGHT.some((pattern) => pattern.test(variable));
}

/** What `tf.train.Checkpoint` of TensorFlow 2 puts behind each name, and how it writes a name that has slashes. */
export function plainName(key: string): string {
  const suffix = "/.ATTRIBUTES/VARIABLE_VALUE";
  if (!key.endsWith(suffix)) return key;
  return key.slice(0, -suffix.length).replaceAll(/\.([.S])/g, (_, escaped) => (escaped === "S" ? "/" : "."));
}

/**
 * The mapping for a checkpoint with these variables: ALBERT's where it has one that only ALBERT has, else BERT's.
 *
 * @returns A function that gives undefined for a variable that the tables do not know.
 */
export function chooseNames(variables: readonly string[]): (variable: string) => MappedName | undefined {
  const isAlbert = variables.some((name) =>
    /^bert\/encoder\/(transformer\/|embedding_hidden_mapping_in\/)/.test(name),
  );
  const rules = [...(isAlbert ? ALBERT : BERT), ...HEAD].flatMap(expand);
  return (variable) => {
    for (const { pattern, name, transposed } of rules) {
      const match = pattern.exec(variable);
      if (match === null) continue;
      const numbers = match.slice(1);
      return { name: name.replaceAll("#", () => numbers.shift()!), transposed };
    }
    return undefined;
  };
}

function expand([kind, tensorflow, huggingFace]: Rule): (MappedName & { pattern: RegExp })[] {
  return PARTS[kind].map(([from, to, transposed]) => ({
    pattern: new RegExp(`^${tensorflow.replaceAll("#", "(\\d+)")}${from}$`),
    name: `${huggingFace}${to}`,
    transposed,
  }));
}
