import type { ParameterInfo } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";
import { CONFIG } from "../io/index.ts";
import type { TensorEntry } from "../weights/index.ts";
import type { ModelConfig } from "./config.ts";
import { FAMILIES, type Family, familyOf } from "./families/index.ts";
import { layerBeyond } from "./layers.ts";
import { decidingKey, headBias, isHeadOf } from "./names.ts";
import { type LinearLayer, ownHead, singleLayer, surroundingsOf } from "./own-head.ts";
import { findPrefix, findTensors, namesBehind } from "./prefix.ts";

/** Which tensor of a file fills which parameter of a model. */
export interface WeightMatch {
  load: { parameter: string; tensor: string }[];
  /** What was taken off the names of the model's tensors (see `findPrefix`); empty where nothing was. */
  prefix: string;
  /** Parameters without a tensor, to be initialised. */
  fresh: string[];
  /** Tensors without a parameter: other heads, `position_ids`. */
  unused: string[];
  /**
   * The file's classification head: `match` fits and is in `load`; `absent` is in `fresh`; one of another size is in
   * neither, and its tensors are unused.
   */
  head: "match" | "absent" | { labels: number };
  /** The linear layer of one's own that is loaded as the head, where none has the family's names. */
  ownHead?: LinearLayer;
  /** Where the head is absent: the linear layers next to the encoder. */
  linear: LinearLayer[];
}

/**
 * Finds the tensor for each parameter, by the names of transformers' `…ForSequenceClassification`, of a bare encoder
 * (no `bert.` in front, say), and of checkpoints converted from TensorFlow (gamma, beta); also where all of these have
 * something more in front.
 * The head of a model for another task, such as `BertForTokenClassification`, counts as absent.
 *
 * @param parameters Those of the session, whose head has as many labels as are wanted.
 * @throws ERR_FINETAG_MODEL for a missing tensor of the encoder, a shape that contradicts the config, or layers that the
 *   config leaves out.
 */
export function matchWeights(
  config: ModelConfig,
  parameters: ParameterInfo[],
  entries: TensorEntry[],
): WeightMatch {
  const family = familyOf(config);
  const isRequired = ({ name }: ParameterInfo) => !isHeadOf(family, name) && !family.optional.includes(name);
  const prefix = findPrefix(parameters.filter(isRequired), entries, family, config.directory ?? "the model");
  const found = findTensors(parameters, namesBehind(prefix, entries), family);
  addHeadBeside(prefix, parameters, entries, family, found);
  const around = findOwnHead(config, parameters, entries, found);
  const head = findHead(config, parameters, found);
  const match: WeightMatch = { load: [], prefix, fresh: [], unused: [], head, ...around };
  const missing: string[] = [];
  const optionalAbsent = family.optional.every((name) => !found.has(name));
  for (const parameter of parameters) {
    const { name } = parameter;
    const isHead = isHeadOf(family, name);
    const tensor = found.get(name);
    if (isHead && head !== "match") {
      if (head === "absent") match.fresh.push(name);
    } else if (tensor !== undefined) {
      checkShape(config, parameter, tensor);
      match.load.push({ parameter: name, tensor: tensor.name });
    } else if (optionalAbsent && family.optional.includes(name)) {
      match.fresh.push(name);
    } else {
      missing.push(name);
    }
  }
  if (missing.length > 0) throw missingError(config, missing, match, entries);
  const used = new Set(match.load.map(({ tensor }) => tensor));
  match.unused = entries.map(({ name }) => name).filter((name) => !used.has(name));
  checkLayers(config, parameters, match, entries);
  return match;
}

/** Puts the tensors of a head of one's own where those of the family's names would be. */
function findOwnHead(
  config: ModelConfig,
  parameters: ParameterInfo[],
  entries: TensorEntry[],
  found: Map<string, TensorEntry>,
): Pick<WeightMatch, "ownHead" | "linear"> {
  const family = familyOf(config);
  const named = parameters.some(({ name }) => isHeadOf(family, name) && found.has(name));
  if (named || saysClassifier(config) === false) return { linear: [] };
  const used = new Set([...found.values()].map(({ name }) => name));
  const width = config.native.hiddenSize;
  const around = surroundingsOf(
    entries.filter(({ name }) => !used.has(name)),
    width,
  );
  const head = singleLayer(parameters, family);
  const labels = head?.weight.shape[0];
  // Without the pooler that comes before it, a head does not give what it was trained for.
  const isWhole = family.optional.every((name) => found.has(name));
  const own = head && isWhole ? ownHead(around, width, labels) : undefined;
  if (own === undefined) return { linear: around.linear };
  const held = (name: string) => entries.find((entry) => entry.name === name)!;
  found.set(head!.weight.name, held(`${own.name}.weight`));
  found.set(head!.bias.name, held(`${own.name}.bias`));
  return { ownHead: own, linear: [] };
}

function checkLayers(
  config: ModelConfig,
  parameters: ParameterInfo[],
  { prefix, unused }: WeightMatch,
  entries: TensorEntry[],
): void {
  const behind = unused.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const beyond = layerBeyond(behind, parameters, familyOf(config));
  if (beyond === undefined) return;
  const { numHiddenLayers } = config.native;
  const full = entries.find(({ name }) => name === prefix + beyond)!.name;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${config.directory ?? "the model"}: ${config.file ?? CONFIG} describes ${numHiddenLayers} ${numHiddenLayers === 1 ? "layer" : "layers"}, but the ` +
      `weights have more (${JSON.stringify(full)}); use the config.json that belongs to these weights`,
  );
}

/**
 * A class of one's own may call its encoder by another name than transformers' (`bert_model.` where `bert.` would be). Its
 * head is then next to that, not below it.
 */
function addHeadBeside(
  prefix: string,
  parameters: ParameterInfo[],
  entries: TensorEntry[],
  family: Family,
  found: Map<string, TensorEntry>,
): void {
  const head = parameters.filter(({ name }) => isHeadOf(family, name));
  if (prefix === "" || head.some(({ name }) => found.has(name))) return;
  const parent = prefix.replace(/[^.]+\.$/, "");
  const beside = findTensors(head, namesBehind(parent, entries), family);
  // A head on top of something else than the encoder has other sizes, and is not ours.
  if (!head.every((parameter) => fitsButForLabels(parameter, beside.get(parameter.name), family))) return;
  for (const [name, tensor] of beside) found.set(name, tensor);
}

function fitsButForLabels(
  { name, shape }: ParameterInfo,
  tensor: TensorEntry | undefined,
  family: Family,
): boolean {
  const labels = name === family.headWeight || name === headBias(family) ? 1 : 0;
  return tensor !== undefined && String(tensor.shape.slice(labels)) === String(shape.slice(labels));
}

function findHead(
  config: ModelConfig,
  parameters: ParameterInfo[],
  found: ReadonlyMap<string, TensorEntry>,
): WeightMatch["head"] {
  const { headWeight } = familyOf(config);
  const wanted = parameters.find(({ name }) => name === headWeight);
  const held = found.get(headWeight);
  if (wanted === undefined || held === undefined || saysClassifier(config) === false) return "absent";
  const [labels = 0] = held.shape;
  return labels === wanted.shape[0] ? "match" : { labels };
}

/** Classes of transformers for other tasks; some have a `classifier` too. A class of the user's own may have ours. */
const OTHER_TASK =
  /(Model|ForPreTraining|ForMaskedLM|LMHeadModel|ForCausalLM|ForNextSentencePrediction|ForTokenClassification|ForQuestionAnswering|ForMultipleChoice)$/;

/** Whether `architectures` names a model with a classification head; undefined where it names none. */
export function saysClassifier({ json: { architectures } }: ModelConfig): boolean | undefined {
  if (!Array.isArray(architectures) || architectures.length === 0) return undefined;
  return architectures.some((name) => !OTHER_TASK.test(String(name)));
}

function checkShape(config: ModelConfig, parameter: ParameterInfo, tensor: TensorEntry): void {
  const expected = parameter.shape.join(", ");
  const given = tensor.shape.join(", ");
  if (expected === given) return;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${config.directory ?? "the model"}: tensor "${tensor.name}" has shape [${given}], but ${config.file ?? CONFIG} needs ` +
      `[${expected}] (${decidingKey(parameter, familyOf(config))}); use the config.json that belongs to these weights`,
  );
}

function missingError(
  config: ModelConfig,
  missing: string[],
  { load, prefix }: WeightMatch,
  entries: TensorEntry[],
): FinetagError {
  const bad = (what: string) =>
    new FinetagError("ERR_FINETAG_MODEL", `${config.directory ?? "the model"}: ${what}`);
  const [first] = missing;
  const other = otherFamily(familyOf(config), entries);
  if (load.length === 0 && other === undefined) {
    return bad(
      `none of the ${entries.length} tensors in the weights has a name of a "${config.modelType}" model` +
        `${entries.length > 0 ? ` (the first is "${entries[0]!.name}", not "…${first}")` : ""}; ` +
        "use weights with the names that transformers gives them",
    );
  }
  const behind = prefix === "" ? "" : ` (their names begin with "${prefix}")`;
  const which =
    missing.length === 1
      ? `tensor "${first}" is`
      : `${missing.length} of ${missing.length + load.length} tensors, first "${first}", are`;
  const remedy =
    other === undefined
      ? "use the config.json that belongs to them, or fetch the model again"
      : `${config.file ?? CONFIG} says model_type "${config.modelType}", but they are named "${other}…"; use the config.json that belongs to them`;
  return bad(`${which} missing from the weights${behind}; ${remedy}`);
}

/** The prefix of another family, where the tensors have that one and none of the config's own. */
function otherFamily({ bases }: Family, entries: TensorEntry[]): string | undefined {
  const isHeld = (base: string) =>
    entries.some(({ name }) => name.startsWith(base) || name.includes(`.${base}`));
  if (bases.some(isHeld)) return undefined;
  return FAMILIES.flatMap((family) => family.bases).find(isHeld);
}
